"""One run of one Tenant: plan, gate, execute, with the parts that the command line uses.

Mode `report` gets a `Reader`, so that it cannot write by type.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from reconciler import windows, workflow
from reconciler.connect import Target, make_target, open_provider
from reconciler.connection import Connection
from reconciler.continuous.endpoint_tests import send_tests
from reconciler.continuous.hosts import Hosts
from reconciler.continuous.results import Result, State
from reconciler.continuous.run_id import running
from reconciler.continuous.source import Desired, Source
from reconciler.continuous.tracing import Phases, Tracing
from reconciler.core.change import Label, Plan, TenantRef
from reconciler.core.errors import InvalidManifests, Overloaded, PlanRefused, ReconcilerError
from reconciler.core.model.schedule import Mode
from reconciler.core.model.secret import Secret
from reconciler.core.results.drift import Drift, find_drift
from reconciler.core.results.reports import Failure, Report, Status
from reconciler.core.safety.permissions import Permissions
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.saved.since import Base, labelled
from reconciler.execute import Execution, Options
from reconciler.manifests import TenantSpec, warn_of_unresolved
from reconciler.providers.base import Provider, Reader

Open = Callable[[Target, Connection, int], AbstractAsyncContextManager[Provider]]
_PATIENCE: Final = 20.0  # seconds that a request may take with its tries; then the loop repeats
_STOPPED = Failure("interrupted", "stopped before it was started")


def new_run_id() -> str:
    """A short random id of a run, for log lines."""
    return secrets.token_hex(4)


def now_utc() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Settings:
    """`mode` is that of Tenants without one. `clock` measures lengths, `now` is the time of day.
    `open` opens a tenant with so many requests at once.
    """

    connection: Connection
    mode: Mode = "report"
    parallelism: int = 10
    fingerprint_key: Secret | None = None
    open: Open = open_provider
    tracing: Tracing = Tracing()  # noqa: RUF009  it makes no spans
    now: Callable[[], datetime] = now_utc
    clock: Callable[[], float] = time.monotonic
    new_id: Callable[[], str] = new_run_id


@dataclass(slots=True)
class _UnderWay:
    """A run under way. One that is stopped during its listing starts no change."""

    is_stopped: bool = False
    provider: Provider | None = None
    execution: Execution | None = None

    def list_from(self, provider: Provider) -> None:
        """The run begins to ask the tenant."""
        self.provider = provider
        self._stop_parts()

    def begin(self, execution: Execution) -> None:
        """The run begins to write."""
        self.execution = execution
        self._stop_parts()

    def stop(self) -> None:
        """Starts no further change and waits for no other try."""
        self.is_stopped = True
        self._stop_parts()

    def _stop_parts(self) -> None:
        if self.is_stopped and self.execution is not None:
            self.execution.stop(_STOPPED)
        if self.is_stopped and self.provider is not None:
            self.provider.stop()


class Runner:
    """Makes the runs. It knows those under way, so that they can be stopped."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self._source, self._settings = source, settings
        self._under_way: dict[str, _UnderWay] = {}
        self._hosts = Hosts()

    def stop(self, keys: Iterable[str] | None = None) -> None:
        """Runs under way, of these Tenants or all, start no further change and wait for no other
        try.
        """
        for key in tuple(self._under_way if keys is None else keys):
            if key in self._under_way:
                self._under_way[key].stop()

    async def run(self, key: str) -> Result:
        """One run of a Tenant. What goes wrong on purpose is part of the result."""
        settings, run = self._settings, self._settings.new_id()
        with running(run, key), settings.tracing.run() as phases:
            result = await self._run(
                Result(
                    run,
                    key,
                    self._source.revision,
                    State.FAILED,
                    settings.now(),
                    0.0,
                    settings.mode,
                ),
                phases,
            )
            phases.note(
                {
                    "run": run,
                    "tenant": key,
                    "revision": result.revision,
                    "state": result.state.value,
                    "digest": result.digest,
                }
            )
        return result

    async def _run(self, result: Result, phases: Phases) -> Result:
        settings, key = self._settings, result.tenant
        began = settings.clock()
        self._under_way[key] = _UnderWay()
        try:
            desired = await self._source.read(key)
            result = replace(result, revision=desired.revision)
            result = await self._run_desired(desired, result, phases)
            if result.is_at_revision:
                self._source.note_applied(key, desired.revision)
        except InvalidManifests as error:
            result = replace(result, state=State.FAILED, problems=error.problems)
        except ReconcilerError as error:
            wait = getattr(error, "retry_after", None)
            text, kind = str(error), error.kind
            result = replace(result, state=State.FAILED, error=text, error_kind=kind, wait=wait)
        except OSError as error:
            text = f"the state folder cannot be written: {error.strerror}"
            result = replace(result, state=State.FAILED, error=text)
        finally:
            del self._under_way[key]
        return replace(result, seconds=settings.clock() - began)

    async def _run_desired(self, desired: Desired, result: Result, phases: Phases) -> Result:
        spec = desired.manifests.tenant
        if spec is None:
            raise ReconcilerError(f"no Tenant manifest is called {result.tenant} any more")
        settings = self._settings
        mode = spec.schedule.mode or settings.mode
        result = replace(result, mode=mode)
        permissions = Permissions(revision=desired.revision)
        policy = workflow.settle_policy(desired.manifests, spec, spec.owner, permissions)
        target = make_target(spec, desired.manifests)
        wait = self._hosts.find_wait(target.url, settings.clock())
        if wait:
            return replace(result, is_postponed=True, wait=wait)
        work = _Work(desired, spec, target, policy, settings, phases)
        try:
            return await self._ask(work, result, mode)
        except Overloaded as error:
            self._hosts.note(target.url, error.retry_after or 0.0, settings.clock())
            raise

    async def _ask(self, work: _Work, result: Result, mode: Mode) -> Result:
        """The part of a run that asks the product."""
        settings, target, spec = self._settings, work.target, work.spec
        connection = settings.connection._replace(patience=_PATIENCE)
        most = settings.parallelism
        async with settings.open(target, connection, most) as provider:
            self._under_way[result.tenant].list_from(provider)
            result = await work.observe(provider, result)
            plan = result.plan
            if plan is None or mode == "report":
                return result
            result = _hold(result, plan, spec, settings.now())
            if result.hold:
                return result
            result = await self._apply(work, provider, result, plan)
            tests = work.desired.tests if result.is_at_revision else {}
            declared = work.desired.manifests.declared
            return replace(result, tests=await send_tests(provider, declared, tests))

    async def _apply(self, work: _Work, provider: Provider, result: Result, plan: Plan) -> Result:
        """Carries out the plan of the result, if the gate lets it pass."""
        workflow.require_secrets(work.desired.manifests, None)
        try:
            workflow.approve(plan, None)
        except PlanRefused as refusal:
            return replace(result, state=State.REFUSED, violations=refusal.violations)
        if not plan.pending:
            return result
        options = Options(parallelism=self._settings.parallelism)
        execution = workflow.start(plan, provider, work.policy, options)
        self._under_way[result.tenant].begin(execution)
        work.phases.begin("execution")
        await execution.run()
        report = execution.report()
        return replace(result, state=_judge(report, plan), report=report)


def _hold(result: Result, plan: Plan, spec: TenantSpec, now: datetime) -> Result:
    """The result with the reason why nothing is written now, if there is one: by the code that
    holds the plans of the command line.
    """
    held = windows.hold_plan(plan, spec, now)
    if held is plan:
        return result
    opening = None if spec.schedule.suspend else windows.next_opening(spec.schedule.windows, now)
    wait = None if opening is None else (opening - now).total_seconds()
    return replace(result, hold=held.violations[-1].message, wait=wait)


def _judge(report: Report, plan: Plan) -> State:
    failed = report.count(Status.FAILED) or report.count(Status.SKIPPED)
    return State.FAILED if failed or plan.failures else State.APPLIED


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Work:
    """What a run knows before the first request."""

    desired: Desired
    spec: TenantSpec
    target: Target
    policy: RunPolicy
    settings: Settings
    phases: Phases

    @property
    def tenant(self) -> TenantRef:
        return self.target.ref(self.policy.owner.name, self.policy.owner.repository)

    async def observe(self, reader: Reader, result: Result) -> Result:
        """The result with a plan and what of it is drift. One listing; it cannot write."""
        shown = warn_of_unresolved(self.desired.manifests)
        key = self.settings.fingerprint_key
        phases = self.phases
        phases.begin("listing")
        plan = await workflow.plan(
            shown, reader, self.policy, self.tenant, key, listed=lambda: phases.begin("plan")
        )
        drift = None
        if self.desired.base is not None:
            plan, drift = self._label(plan, self.desired.base, reader)
        return replace(
            result,
            plan=plan,
            drift=drift,
            state=_observed(plan, drift),
            violations=plan.refusals,
        )

    def _label(self, plan: Plan, base: Base, reader: Reader) -> tuple[Plan, Drift]:
        plan = labelled(plan, base, self.policy, reader.normalize)
        return plan, find_drift(plan)


def _observed(plan: Plan, drift: Drift | None) -> State:
    """What a run that writes nothing ends with."""
    if plan.failures:
        return State.FAILED
    if plan.refusals:
        return State.REFUSED
    pending = any(change.label is not Label.DRIFT for change in plan.pending)
    if drift is not None and drift.has_drift:
        return State.DRIFTED
    return State.PENDING if pending else State.SYNCED
