"""Which notices a run gives rise to, and that none of them has a secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.continuous.notifications.notice import (
    KINDS,
    LINE_LENGTH,
    Endpoint,
    Notice,
    Result,
    make_notice,
)
from reconciler.continuous.notifications.result_changes import find_notices, remember
from reconciler.core.model.secret import Secret, hidden_url

NOW = 1_790_000_000.5
OK = Result("prod", "ok", NOW, "c0ffee1", "sha256:ok")
DRIFT = replace(OK, state="drift", drift=("ci: enabled: true → false",), digest="sha256:d1")
OTHER_DRIFT = replace(DRIFT, drift=("ci: deleted",), digest="sha256:d2")
REFUSED = replace(OK, state="refused", digest="sha256:r1", violations=("delete limit: 4 of 10",))
OTHER_REFUSED = replace(REFUSED, digest="sha256:r2")
FAILED = Result("prod", "failed", NOW, "c0ffee1", problems=("hooks/ci.yaml:3:1: no such event",))
AWAY = Result("prod", "failed", NOW, "c0ffee1", problems=("prod: it refused the connection",))
APPLIED = replace(OK, applied=("ci: created",))
ENDPOINT = Endpoint("ci", "https://hooks.example.com/t0ken", "410 for five days")
DISABLED = replace(OK, disabled=(ENDPOINT,))
TWO_DISABLED = replace(OK, disabled=(ENDPOINT, Endpoint("chat", hidden_url("https://c.example/k"))))

CASES = [
    ((OK,), [[]]),
    ((OK, OK), [[], []]),
    ((DRIFT, DRIFT), [["drift"], []]),
    ((DRIFT, OTHER_DRIFT, DRIFT), [["drift"], ["drift"], ["drift"]]),
    ((DRIFT, OK, OK), [["drift"], ["recovered"], []]),
    ((OK, DRIFT, OK, DRIFT), [[], ["drift"], ["recovered"], ["drift"]]),
    ((REFUSED, REFUSED), [["refused"], []]),
    ((REFUSED, OTHER_REFUSED), [["refused"], ["refused"]]),
    ((REFUSED, OK), [["refused"], ["recovered"]]),
    ((REFUSED, APPLIED), [["refused"], ["applied", "recovered"]]),
    ((DRIFT, REFUSED, DRIFT), [["drift"], ["refused"], ["drift"]]),
    ((FAILED, FAILED, AWAY), [["failed"], [], []]),
    ((FAILED, OK), [["failed"], ["recovered"]]),
    ((FAILED, DRIFT), [["failed"], ["recovered", "drift"]]),
    ((FAILED, REFUSED), [["failed"], ["recovered", "refused"]]),
    ((DRIFT, AWAY, DRIFT, OK), [["drift"], ["failed"], ["recovered"], ["recovered"]]),
    ((DRIFT, AWAY, OTHER_DRIFT), [["drift"], ["failed"], ["recovered", "drift"]]),
    ((REFUSED, AWAY, AWAY, REFUSED), [["refused"], ["failed"], [], ["recovered"]]),
    ((REFUSED, AWAY, OTHER_REFUSED), [["refused"], ["failed"], ["recovered", "refused"]]),
    ((DRIFT, AWAY, OK), [["drift"], ["failed"], ["recovered"]]),
    ((APPLIED, OK, APPLIED), [["applied"], [], ["applied"]]),
    ((replace(AWAY, applied=("ci: created",)),), [["applied", "failed"]]),
    ((DISABLED, DISABLED), [["endpoint-disabled"], []]),
    ((DISABLED, TWO_DISABLED), [["endpoint-disabled"], ["endpoint-disabled"]]),
    ((DISABLED, AWAY, DISABLED), [["endpoint-disabled"], ["failed"], ["recovered"]]),
    ((DISABLED, OK, DISABLED), [["endpoint-disabled"], [], ["endpoint-disabled"]]),
    ((replace(DRIFT, disabled=(ENDPOINT,)),), [["drift", "endpoint-disabled"]]),
]


def find_all(*results: Result) -> list[tuple[Notice, ...]]:
    """The notices of each run, in order, as an agent remembers the runs."""
    before, found = None, []
    for result in results:
        found.append(find_notices(before, result))
        before = remember(before, result)
    return found


def name(results: tuple[Result, ...]) -> str:
    return "-".join(result.state for result in results)


@pytest.mark.parametrize(
    ("results", "kinds"),
    CASES,
    ids=[f"{number}-{name(case[0])}" for number, case in enumerate(CASES)],
)
def test_what_is_told_of_runs(results: tuple[Result, ...], kinds: list[list[str]]) -> None:
    assert [[item.kind for item in notices] for notices in find_all(*results)] == kinds


def test_each_kind_of_notice_is_found_by_a_case() -> None:
    assert {kind for _, runs in CASES for kinds in runs for kind in kinds} == set(KINDS)


def test_a_notice_has_the_facts_of_its_run() -> None:
    (notice,) = find_notices(None, REFUSED)
    assert notice == Notice(
        id=notice.id,
        kind="refused",
        tenant="prod",
        severity="failure",
        title="prod: the plan was refused",
        lines=("delete limit: 4 of 10",),
        state="refused",
        time="2026-09-21T14:13:20.500Z",
        revision="c0ffee1",
        digest="sha256:r1",
    )
    assert notice.text == "delete limit: 4 of 10\nrevision c0ffee1, plan sha256:r1"


def test_a_recovery_says_in_which_state_the_tenant_is_now() -> None:
    after = {result.state: find_notices(FAILED, result)[0] for result in (OK, DRIFT, REFUSED)}
    assert {state: notice.lines for state, notice in after.items()} == {
        "ok": ("Git and the tenant agree",),
        "drift": ("the run works again; the tenant differs from Git",),
        "refused": ("the run works again; its plan is refused",),
    }
    assert {notice.kind for notice in after.values()} == {"recovered"}
    assert {state: notice.state for state, notice in after.items()} == {x: x for x in after}


def test_the_id_is_that_of_the_event() -> None:
    one, same = find_notices(None, DRIFT)[0], find_notices(None, DRIFT)[0]
    others = [
        *find_notices(None, replace(DRIFT, time=NOW + 1)),
        *find_notices(None, replace(DRIFT, tenant="other")),
        *find_notices(None, OTHER_DRIFT),
        *find_notices(None, REFUSED),
    ]
    assert one.id == same.id
    assert len({one.id, *(item.id for item in others)}) == 5
    assert len(one.id) == 32


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "url: https://a.example/t0ken → https://b.example:8443/?k=t0ken",
            "url: https://a.example/… → https://b.example:8443/…",
        ),
        (
            "see (https://a.example/t0ken), or https://user:t0ken@b.example.",
            "see (https://a.example/…), or https://b.example/….",
        ),
        ("slack://t0ken/t0ken/t0ken", "slack://…"),
        ("https://[", "(hidden)"),
        ("two\n lines\t", "two lines"),
    ],
)
def test_a_line_has_scheme_and_host_of_urls_only(line: str, shown: str) -> None:
    (notice,) = find_notices(None, replace(DRIFT, drift=(line,)))
    assert notice.lines == (shown,)


def test_endpoints_are_shown_by_their_host() -> None:
    (notice,) = find_notices(None, TWO_DISABLED)
    assert notice.lines == (
        "ci (https://hooks.example.com/…): 410 for five days",
        "chat (https://c.example/…)",
    )
    assert "t0ken" not in repr(notice)


def test_a_secret_in_a_text_is_shown_by_its_reference() -> None:
    line = f"the token is {Secret('t0ken', 'fromEnv: TOKEN')}"
    (notice,) = find_notices(None, replace(DRIFT, drift=(line,)))
    assert notice.lines == ("the token is Secret(fromEnv: TOKEN)",)


def test_a_notice_is_short() -> None:
    lines = tuple(f"{number}: " + "x" * 1000 for number in range(25))
    (notice,) = find_notices(None, replace(DRIFT, drift=lines))
    assert len(notice.lines) == 21
    assert notice.lines[-1] == "and 5 more"
    assert max(map(len, notice.lines)) == LINE_LENGTH


def test_a_result_of_no_tenant_has_a_title_too() -> None:
    notice = make_notice("failed", replace(FAILED, tenant="", revision=""), ())
    assert notice.title == "the run failed"
    assert notice.text == ""
