"""Notifications and commit statuses of an agent: queued, and sent beside the runs.

A service that is slow or unreachable delays no run. What could not be sent is logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from reconciler.continuous.agent.commit_statuses import CommitStatuses
from reconciler.continuous.forges.commit_status import (
    CommitStatus,
    is_new,
    make_client,
    publish_status,
)
from reconciler.continuous.forges.commit_status import State as StatusState
from reconciler.continuous.forges.forge import Forge
from reconciler.continuous.notifications.notice import Endpoint, Notice
from reconciler.continuous.notifications.notice import Result as NoticeResult
from reconciler.continuous.notifications.notice import State as NoticeState
from reconciler.continuous.notifications.notifier import Notifier
from reconciler.continuous.notifications.result_changes import find_notices, remember
from reconciler.continuous.notifications.send import notify
from reconciler.continuous.results import Result, State
from reconciler.core.change import Change, Label
from reconciler.core.errors import InvalidManifests, ReconcilerError
from reconciler.core.model.problem import Problem
from reconciler.core.results.reports import Status
from reconciler.net.proxies import DIRECT, Network

_log = logging.getLogger("reconciler.continuous.outbox")
_WRITTEN: Final = {Status.CREATED, Status.UPDATED, Status.DELETED}
_NOTICE_STATES: Final[Mapping[State, NoticeState]] = {
    State.REFUSED: "refused",
    State.FAILED: "failed",
    State.DRIFTED: "drift",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recipients:
    """Who is told. `link` is the address of the agent's page, "" if nobody can open it."""

    notifiers: Sequence[Notifier] = ()
    forge: Forge | None = None
    network: Network = DIRECT
    link: str = ""


class Outbox:
    """What is to be sent. It belongs to one event loop."""

    def __init__(self, recipients: Recipients) -> None:
        self._recipients = recipients
        self._commit = CommitStatuses(recipients.link)
        self._known: dict[str, NoticeResult] = {}
        self._results: list[NoticeResult] = []
        self._statuses: dict[str, CommitStatus] = {}  # the newest of each context
        self._published: dict[str, CommitStatus] = {}
        self._news = asyncio.Event()

    def note_result(self, result: Result) -> None:
        """Takes the result of a run."""
        self._add(make_notice_result(result))
        if result.revision:
            self._add_status(self._commit.note(result))

    def note_revision(self, revision: str, tenants: Collection[str]) -> None:
        """A commit is in use; its Tenants will run."""
        for status in self._commit.begin(revision, tenants):
            self._add_status(status)

    def note_source(self, problem: ReconcilerError | None, revision: str, time: float) -> None:
        """The state of the repository: the problem with it, and the commit that has it, if any."""
        if problem is None:
            self._add(NoticeResult("", "ok", time, revision))
            return
        problems = list_problems(problem)
        self._add(NoticeResult("", "failed", time, revision, problems=problems))
        if revision:
            text = f"not used: {problems[0]}"
            self._add_status(self._commit.make(revision, "", StatusState.ERROR, text))

    def _add(self, result: NoticeResult) -> None:
        if self._recipients.notifiers:
            self._results.append(result)
            self._news.set()

    def _add_status(self, status: CommitStatus) -> None:
        if self._recipients.forge is not None:
            self._statuses[status.context] = status
            self._news.set()

    async def run(self) -> None:
        """Sends what comes, until it is cancelled."""
        while True:
            await self._news.wait()
            await self.flush()

    async def flush(self) -> None:
        """Sends all that waits."""
        self._news.clear()
        await self._publish()
        await self._notify()

    async def _notify(self) -> None:
        results, self._results = self._results, []
        notices: list[Notice] = []
        for result in results:
            before = self._known.get(result.tenant)
            notices += find_notices(before, result)
            self._known[result.tenant] = remember(before, result)
        for text in await notify(notices, self._recipients.notifiers):
            _log.warning("%s", text)

    async def _publish(self) -> None:
        forge = self._recipients.forge
        waiting, self._statuses = self._statuses, {}
        news = [
            each for each in waiting.values() if is_new(each, self._published.get(each.context))
        ]
        if forge is None or not news:
            return
        try:
            async with make_client(forge, self._recipients.network) as client:
                for status in news:
                    await publish_status(client, forge, status)
                    self._published[status.context] = status
        except ReconcilerError as error:
            _log.warning("the status of a commit was not published: %s", error)

    async def close(self, seconds: float) -> None:
        """Sends what still waits, for so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.flush()


def make_notice_result(result: Result) -> NoticeResult:
    """The result of a run as notifications need it."""
    plan, report = result.plan, result.report
    switched_off = plan.switched_off if plan is not None else ()
    drift = result.drift.changes if result.drift is not None else ()
    return NoticeResult(
        tenant=result.tenant,
        state=_NOTICE_STATES.get(result.state, "ok"),
        time=result.started.timestamp() + result.seconds,
        revision=result.revision,
        digest=result.digest,
        drift=tuple(
            _describe(change) for change in drift if change.label in {Label.DRIFT, Label.BOTH}
        ),
        violations=tuple(f"{item.rule}: {item.message}" for item in result.violations),
        problems=tuple(map(_show_problem, result.problems)) or _list_failures(result),
        applied=tuple(
            f"{outcome.status} {outcome.change.name}"
            for outcome in (report.outcomes if report is not None else ())
            if outcome.status in _WRITTEN
        ),
        disabled=tuple(Endpoint(live.spec.name, live.spec.url) for _, live in switched_off),
    )


def list_problems(error: ReconcilerError) -> tuple[str, ...]:
    """The lines of an error: of invalid manifests each problem with its position."""
    if isinstance(error, InvalidManifests) and error.problems:
        return tuple(_show_problem(item) for item in error.problems if item.severity == "error")
    return (str(error),)


def _show_problem(problem: Problem) -> str:
    return f"{problem.origin}: {problem.message}"


def _list_failures(result: Result) -> tuple[str, ...]:
    text = result.describe_failure() if result.state is State.FAILED else ""
    return (text,) if text else ()


def _describe(change: Change) -> str:
    fields = ", ".join(field.dotted for field in change.fields)
    return f"{change.action} {change.name}{f': {fields}' if fields else ''}"
