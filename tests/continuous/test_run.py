"""One run of a Tenant against the embedded tenant of a file, with a time of day that jumps."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.connection import Connection
from reconciler.continuous.results import Result, State
from reconciler.continuous.run import Runner, Settings
from reconciler.continuous.schedule import Ending, Item, Phase, finish, start
from reconciler.continuous.source import Desired
from reconciler.core.model.schedule import Schedule
from reconciler.manifests import load
from tests.support.processes import webhook
from tests.support.requests import make_request

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AT_NOON = "windows: [{cron: '0 12 * * *', duration: 1h}]"
OUTSIDE = NOON - timedelta(hours=2)


class Folder:
    """A source: a folder of manifests, read at each run. `times` are what the clock says."""

    def __init__(self, folder: Path, extra: str = "", *, keys: tuple[str, ...] = ("one",)) -> None:
        self.folder, self.applied = folder, list[str]()
        self.say(extra)
        for key in keys:
            (folder / f"{key}.yaml").write_text(webhook(key, extra="enabled: false"))
        self.times = [NOON]

    def say(self, extra: str) -> None:
        (self.folder / "tenant.yaml").write_text(
            "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: production}\n"
            "spec:\n  provider: tenant\n  local: tenant.db\n  owner: payments\n"
            "  repository: forge.example/acme/webhooks\n" + (f"  {extra}\n" if extra else "")
        )

    revision = "r1"

    @property
    def tenants(self) -> dict[str, Schedule]:
        return {"production": Schedule()}

    async def read(self, key: str) -> Desired:
        assert key == "production"
        return Desired(load(make_request((str(self.folder),), secrets="require")), "r1")

    def note_applied(self, key: str, revision: str) -> None:
        self.applied.append(f"{key} {revision}")

    def now(self) -> datetime:
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]

    def run(self) -> Result:
        settings = Settings(Connection(), mode="apply", now=self.now)
        return asyncio.run(Runner(self, settings).run("production"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, AT_NOON)


def test_a_run_in_a_window_writes(folder: Folder) -> None:
    result = folder.run()
    assert (result.state, result.hold) == (State.APPLIED, "")
    assert folder.applied == ["production r1"]
    assert folder.run().state is State.SYNCED


def test_a_run_outside_of_a_window_waits_for_its_opening(folder: Folder) -> None:
    folder.times = [OUTSIDE]
    result = folder.run()
    assert (result.state, result.ending) == (State.PENDING, Ending.OUTSIDE_WINDOW)
    assert "the next one opens at 2026-03-02 12:00 UTC" in result.hold
    assert result.wait == 7200
    assert folder.applied == []


def test_without_changes_a_closed_window_holds_nothing(folder: Folder) -> None:
    folder.run()
    folder.times = [OUTSIDE]
    assert (folder.run().state, folder.run().hold) == (State.SYNCED, "")


@pytest.mark.parametrize("jump", [timedelta(days=-3650), timedelta(hours=-1), timedelta(days=3650)])
def test_a_clock_that_jumps_during_a_run_counts_as_it_is_when_writing_begins(
    folder: Folder, jump: timedelta
) -> None:
    folder.times = [NOON, NOON + jump]
    is_open = (NOON + jump).hour == 12
    assert folder.run().state is (State.APPLIED if is_open else State.PENDING)


@pytest.mark.parametrize("seconds", [0.0, 1.0, 7200.0, 10 * 365 * 86400.0])
def test_a_wait_by_the_time_of_day_never_puts_a_run_off_beyond_its_interval(seconds: float) -> None:
    item = finish(start(Item("t", 0.0, 300.0), 0.0), 1.0, Ending.OUTSIDE_WINDOW, 0.0, seconds)
    assert item.due == min(300.0, 1.0 + seconds)
    assert item.find_phase(0.5) is Phase.OUTSIDE_WINDOW


def test_a_suspended_tenant_is_not_written_even_if_a_run_begins(folder: Folder) -> None:
    folder.say("suspend: true")
    result = folder.run()
    assert result.state is State.PENDING
    assert "suspend: true" in result.hold
    assert result.wait is None


def test_a_refused_plan_is_refused_in_every_mode(tmp_path: Path) -> None:
    folder = Folder(tmp_path, keys=("one", "two", "three", "four"))
    assert folder.run().state is State.APPLIED
    for key in ("one", "two", "three"):
        (tmp_path / f"{key}.yaml").unlink()
    result = folder.run()
    assert result.state is State.REFUSED
    assert [item.rule for item in result.violations] == ["delete-limit"]
    folder.say("mode: report")
    assert folder.run().violations == result.violations
    folder.say(f"accept: ['{result.digest}']")
    accepted = folder.run()
    assert (accepted.state, accepted.violations) == (State.APPLIED, ())
