"""Which statuses a commit gets: one per Tenant, or one for all."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.continuous.agent.commit_statuses import MOST, CommitStatuses
from reconciler.continuous.forges.commit_status import State as StatusState
from reconciler.continuous.results import Result, State

LINK = "https://agent.example.com/"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def end(tenant: str, state: State = State.SYNCED, error: str = "", revision: str = "c1") -> Result:
    return Result("r", tenant, revision, state, NOON, 1.0, error=error)


def test_a_few_tenants_have_a_status_each() -> None:
    statuses = CommitStatuses(LINK)
    names = [f"t{number}" for number in range(MOST)]
    begun = statuses.begin("c1", names)
    assert [status.context for status in begun] == [f"reconciler/{name}" for name in names]
    assert {status.state for status in begun} == {StatusState.PENDING}
    ended = statuses.note(end("t1", State.FAILED, "the tenant refused our token"))
    assert (ended.context, ended.state) == ("reconciler/t1", StatusState.ERROR)
    assert (ended.description, ended.target_url) == ("the tenant refused our token", LINK)


def test_many_tenants_share_one_status_with_the_worst_of_them() -> None:
    statuses = CommitStatuses(LINK)
    names = [f"t{number}" for number in range(MOST + 1)]
    (begun,) = statuses.begin("c1", names)
    assert (begun.context, begun.state) == ("reconciler", StatusState.PENDING)
    found = [statuses.note(end(name)) for name in names]
    assert {status.context for status in found} == {"reconciler"}
    assert [status.state for status in found[:-1]] == [StatusState.PENDING] * MOST
    assert (found[-1].state, found[-1].description) == (
        StatusState.SUCCESS,
        "21 Tenants are reconciled",
    )
    refused = statuses.note(end("t7", State.REFUSED))
    assert refused.state is StatusState.FAILURE
    failed = statuses.note(end("t5", State.FAILED, "it is unreachable"))
    assert failed.state is StatusState.ERROR
    statuses.note(end("t7"))
    assert statuses.note(end("t5")).state is StatusState.SUCCESS


def test_a_run_of_an_earlier_commit_changes_nothing_of_the_commit_in_use() -> None:
    statuses = CommitStatuses("")
    statuses.begin("c2", [f"t{number}" for number in range(MOST + 1)])
    found = statuses.note(end("t1", State.FAILED, "late", revision="c1"))
    assert (found.commit, found.state) == ("c2", StatusState.PENDING)
