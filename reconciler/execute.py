"""Carries out a Plan against a Provider: stage by stage, bounded in parallel; every change gets an
Outcome.

Does not decide what is safe (that is `core/safety/limits_and_protection.py`) and does not retry
(that is `providers/http/client.py`). Ids and the clock come in as arguments.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from reconciler.core.change import Action, Change, Plan
from reconciler.core.errors import Conflict, ProviderError, Rejected, Unauthorized
from reconciler.core.model.webhook import Owner
from reconciler.core.results.reports import Failure, Outcome, Report, Status
from reconciler.providers.base import Provider

Progress = Callable[[Outcome], None]
Check = Callable[[Change], Awaitable[Failure | None]]


def _new_id() -> str:
    return str(uuid.uuid4())


def _silent(_outcome: Outcome) -> None:
    pass


async def _accept(_change: Change) -> Failure | None:
    return None


@dataclass(frozen=True, slots=True)
class Options:
    """How to execute: `parallelism` changes at once; `stop_on_error` skips the rest after the first
    failure.

    After `deadline`, a time of `clock`, no change is started. `check` may refuse a change before it
    is written.
    """

    parallelism: int = 10
    stop_on_error: bool = False
    deadline: float | None = None
    check: Check = _accept
    progress: Progress = _silent
    new_id: Callable[[], str] = _new_id
    clock: Callable[[], float] = time.monotonic


def _make_failure(error: ProviderError) -> Failure:
    fields = error.fields if isinstance(error, Conflict | Rejected) else ()
    is_of_owner = isinstance(error, Unauthorized) and error.object_only and not error.explained
    return Failure("owner" if is_of_owner else error.kind, str(error), fields)


def _find_stop_after(error: ProviderError, options: Options) -> Failure | None:
    """The reason to start no further change after that error, None if the run goes on."""
    if isinstance(error, Unauthorized) and not error.object_only:
        return Failure("unauthorized", "skipped: the tenant refused our token")
    if options.stop_on_error:
        return Failure("stopped", "skipped after a failure (--on-error stop)")
    return None


class Execution:
    """One run of one plan. It keeps the outcomes so far, so that an interrupted run can be
    reported.
    """

    def __init__(self, plan: Plan, provider: Provider, owner: Owner, options: Options) -> None:
        self._plan, self._provider, self._owner, self._options = plan, provider, owner, options
        self._outcomes: dict[int, Outcome] = {}
        self._started: set[int] = set()  # changes whose request may have left
        self._stop: Failure | None = None

    def stop(self, reason: Failure) -> None:
        """Starts no further change. Running changes are finished, the rest is skipped with this
        reason.
        """
        self._stop = reason

    @property
    def interrupted(self) -> bool:
        """Whether a person stopped it."""
        return self._stop is not None and self._stop.kind == "interrupted"

    async def run(self) -> None:
        """Executes every stage in turn. Removals run only if no change before them failed or was
        skipped (rule 9).
        """
        for stage in self._plan.stages:
            is_removal_stage = all(change.is_removal for change in stage)
            reason = self._find_removal_stop() if is_removal_stage else None
            if reason is not None:
                for change in stage:
                    self._note(
                        Outcome(
                            Status.SKIPPED,
                            change,
                            change.live.id if change.live else None,
                            error=reason,
                        )
                    )
                continue
            await self._stage(stage)

    def _find_removal_stop(self) -> Failure | None:
        """The reason why nothing is removed, None if there is none."""
        if self._plan.failures:
            scope = self._plan.failures[0].scope
            message = f"nothing is deleted while {scope} cannot be read"
            return Failure("skipped", message)
        if any(o.status in {Status.FAILED, Status.SKIPPED} for o in self._outcomes.values()):
            return Failure("skipped", "deletes start only if every create and update succeeded")
        return None

    async def _stage(self, stage: tuple[Change, ...]) -> None:
        queue = list(reversed(stage))

        async def worker() -> None:
            while queue:
                await self._execute(queue.pop())

        workers = min(self._options.parallelism, len(stage))
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())

    def _note(self, outcome: Outcome) -> None:
        self._outcomes[id(outcome.change)] = outcome
        self._options.progress(outcome)

    async def _execute(self, change: Change) -> None:
        options, started = self._options, self._options.clock()
        self._stop = self._stop or self._find_stop(started)
        live = change.live.id if change.live else None
        try:
            refusal = (
                self._stop or await options.check(change) or self._stop
            )  # the run may have been stopped during the check
            if refusal is not None:
                self._note(Outcome(Status.SKIPPED, change, live, error=refusal))
                return
            self._started.add(id(change))
            status, new_id = await self._write(change)
        except ProviderError as error:
            seconds = options.clock() - started
            self._note(Outcome(Status.FAILED, change, live, seconds, _make_failure(error)))
            self._stop = self._stop or _find_stop_after(error, options)
        else:
            self._note(Outcome(status, change, new_id, options.clock() - started))

    def _find_stop(self, now: float) -> Failure | None:
        """The reason to start no further change, None if there is none."""
        deadline = self._options.deadline
        if deadline is not None and now >= deadline:
            return Failure("deadline", "the deadline was reached before this change was started")
        if self._provider.storage_full:
            return Failure(
                "storage-full",
                "skipped: the tenant has no room left to store anything; free some, then run again",
            )
        return None

    async def _write(self, change: Change) -> tuple[Status, str | None]:
        match change:
            case Change(action=Action.CREATE, declared=declared) if declared is not None:
                written_live = await self._provider.create(
                    declared, self._owner, idempotency_key=self._options.new_id()
                )
                return Status.CREATED, written_live.id
            case Change(action=Action.UPDATE, live=live, declared=declared) if (
                live is not None and declared is not None
            ):
                return Status.UPDATED, (await self._provider.update(live, declared, self._owner)).id
            case Change(action=Action.DELETE, live=live) if live is not None:
                await self._provider.delete(live)
                return Status.DELETED, live.id
        raise AssertionError(f"not a pending change: {change.action}")

    def report(self, *, interrupted: bool = False) -> Report:
        """An outcome for every pending change: an interrupted one failed with an unknown result,
        one that was not started was skipped.
        """
        return Report(
            self._plan,
            tuple(self._outcome(change, interrupted=interrupted) for change in self._plan.pending),
        )

    def _outcome(self, change: Change, *, interrupted: bool) -> Outcome:
        if id(change) in self._outcomes:
            return self._outcomes[id(change)]
        live = change.live.id if change.live else None
        if id(change) in self._started:
            message = (
                "interrupted before its answer arrived; the next plan shows whether it was "
                "carried out"
            )
            return Outcome(Status.FAILED, change, live, error=Failure("interrupted", message))
        message = "interrupted before it was started" if interrupted else "not reached"
        return Outcome(Status.SKIPPED, change, live, error=Failure("interrupted", message))
