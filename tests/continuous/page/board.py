"""An agent's board of real values, without a loop and a repository: what server and page show."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler import __version__
from reconciler.continuous.agent.server import create_app, serving
from reconciler.continuous.agent.status import make_status, make_tenant
from reconciler.continuous.results import Result, State
from reconciler.continuous.schedule import Ending, Item
from reconciler.core.change import Plan, Violation
from reconciler.core.model.problem import Problem
from reconciler.core.model.scopes import ScopeFailure, Scopes
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Origin
from reconciler.core.results.drift import find_drift
from reconciler.core.results.reports import Failure, Outcome, Report, Status
from reconciler.core.safety.plan_digest import add_digest
from reconciler.net.listening import Place
from tests.render import builders

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
CLOCK = 10_000.0  # of the loop, at NOW
COMMIT = "4fd1c2e0a5b6c7d8e9f00112233445566778899a"
PUSH_KEY = "push-key-0123456789"
SOURCE = {
    "repository": "https://git.example.com/acme/webhooks.git",
    "branch": "main",
    "revision": COMMIT,
    "problem": None,
    "last_look": (NOW - timedelta(seconds=20)).isoformat(timespec="seconds"),
}

Rows = dict[str, tuple[Item, Result | None]]


def make_item(name: str, **fields: Any) -> Item:
    """A Tenant that waits for its next run in four minutes."""
    return replace(Item(name, CLOCK + 240.0), **fields)


def make_result(name: str, state: State, plan: Plan | None = None, **fields: Any) -> Result:
    """A run that began a minute ago."""
    started = NOW - timedelta(minutes=1)
    result = Result(f"run-{name}"[:12], name, COMMIT, state, started, 1.234, "apply", plan=plan)
    return replace(result, **fields)


def carry_out(plan: Plan, *failed: str) -> Report:
    """Every change of the plan as done, but those of these names as failed."""
    done = {
        "create": Status.CREATED,
        "update": Status.UPDATED,
        "delete": Status.DELETED,
    }
    outcomes = tuple(
        Outcome(Status.FAILED, change, error=Failure("invalid", "the url is not allowed"))
        if change.name in failed
        else Outcome(done[change.action.value], change)
        for change in plan.pending
    )
    return Report(plan, outcomes)


def make_drifted_plan() -> Plan:
    """A plan in which each side changed something."""
    return builders.labelled_plan()


def make_refused_plan(*rules: str) -> Plan:
    """A plan with violations of these rules."""
    violations = tuple(
        Violation(rule, f"this plan breaks the rule {rule}", ("Gone one", "Gone two"))
        for rule in rules
    )
    return add_digest(replace(builders.mixed_plan(), violations=violations))


def make_fleet_plan() -> Plan:
    """A plan of a fleet in which one repository could not be read."""
    failures = (ScopeFailure("acme/locked", "unauthorized", "the token may not read its hooks"),)
    scopes = Scopes("repositories", ("acme/api", "acme/locked"), failures)
    plan = builders.empty_plan()
    return add_digest(replace(plan, tenant=replace(plan.tenant, scopes=scopes)))


PROBLEMS = (
    Problem(
        Origin("webhooks/payments.yaml", 12, 7),
        "/spec/url",
        "schema/pattern",
        "error",
        "the url has no host",
        "write https://HOST/PATH",
    ),
    Problem(Origin("webhooks/audit.yaml", 3), "", "name/long", "warning", "a long name"),
)


def make_rows() -> Rows:
    """A Tenant in each state, and some that do something else than wait."""
    drifted, mixed = make_drifted_plan(), make_refused_plan()
    refused = make_refused_plan("delete-limit")
    hopeless = make_refused_plan("delete-limit", "protected")
    window = "outside of the windows in which writing is allowed; the next one opens at 13:00"
    results = (
        make_result("apac", State.SYNCED, builders.empty_plan(), drift=find_drift(make_none())),
        make_result("broken", State.FAILED, problems=PROBLEMS, revision=""),
        make_result("corrected", State.APPLIED, drifted, drift=find_drift(drifted)),
        make_result("drifted", State.DRIFTED, drifted, drift=find_drift(drifted), mode="report"),
        make_result("fleet", State.FAILED, make_fleet_plan()),
        make_result("hopeless", State.REFUSED, hopeless, violations=hopeless.violations),
        make_result("partial", State.FAILED, mixed, report=carry_out(mixed, "Audit")),
        make_result("pending", State.PENDING, mixed, mode="report"),
        make_result("refused", State.REFUSED, refused, violations=refused.violations),
        make_result("unreachable", State.FAILED, error="eu.example.com: no answer in 30 s"),
        make_result("window", State.PENDING, mixed, hold=window),
    )
    results = tuple(
        replace(result, report=carry_out(drifted)) if result.tenant == "corrected" else result
        for result in results
    )
    rows: Rows = {}
    for result in results:
        ending = result.ending
        failures = 4 if ending is Ending.FAILED else 0
        rows[result.tenant] = (
            make_item(result.tenant, ending=ending, failures=failures),
            result,
        )
    rows["new"] = (make_item("new", due=CLOCK), None)
    rows["paused"] = (make_item("paused", is_suspended=True), None)
    rows["running"] = (
        make_item("running", due=CLOCK - 3, started=CLOCK - 3),
        make_result("running", State.SYNCED, builders.empty_plan()),
    )
    return rows


def make_none() -> Plan:
    """A plan with a revision to compare with, and without changes."""
    return add_digest(replace(builders.empty_plan(), since=("main", COMMIT)))


def make_many(count: int) -> Rows:
    """So many Tenants, in all states."""
    templates = list(make_rows().values())
    rows: Rows = {}
    for number in range(count):
        name = f"tenant-{number:04}"
        item, result = templates[number % len(templates)]
        shown = None if result is None else replace(result, tenant=name)
        rows[name] = (replace(item, key=name), shown)
    return rows


@dataclass
class Board:
    """What the server shows, of these Tenants."""

    rows: Rows
    source: dict[str, Any] = field(default_factory=lambda: dict(SOURCE))
    pushes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_ready(self) -> bool:
        return bool(self.source["revision"])

    def make_status(self) -> dict[str, Any]:
        tenants = [
            make_tenant(item, result, NOW, CLOCK) for _, (item, result) in sorted(self.rows.items())
        ]
        return make_status(tenants, self.source, __version__, NOW)

    def render_metrics(self) -> bytes:
        return b""

    def take_push(self, ref: str, delivery: str) -> bool:
        self.pushes.append((ref, delivery))
        return True


@contextmanager
def served(board: Board, hosts: Iterable[str] | None = None) -> Iterator[str]:
    """The origin of a server of that board, in a thread of its own while the block runs."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    origins: list[str] = []
    stop = asyncio.Event()

    async def serve() -> None:
        place = Place()
        app = create_app(
            board, {"gitea": Secret(PUSH_KEY, "a file")}, tuple(hosts) if hosts else place.hosts
        )
        async with serving(app, place) as origin:
            origins.append(origin)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(30), "the server does not listen"
    try:
        yield origins[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
