"""What the status page says of each Tenant, and to whom, without a browser."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import quote, urlsplit

import pytest

from reconciler.continuous.results import State
from reconciler.core.change import Violation
from reconciler.core.results.drift import find_drift
from tests.continuous.page.board import (
    COMMIT,
    SOURCE,
    Board,
    make_drifted_plan,
    make_item,
    make_many,
    make_result,
    make_rows,
    served,
)
from tests.render import builders

Answer = tuple[int, dict[str, str], str]


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def read_text(html: str) -> str:
    """What a person reads of a page, on one line."""
    parser = _Text()
    parser.feed(html)
    return re.sub(r"\s+", " ", " ".join(parser.parts)).replace(" :", ":")


def ask(
    origin: str, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(origin).netloc, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(Board(make_rows())) as found:
        yield found


def show(origin: str, path: str) -> str:
    status, _, html = ask(origin, path)
    assert status == 200
    return read_text(html)


def list_names(html: str) -> list[str]:
    return re.findall(r'<th scope="row"[^>]*><a [^>]*><bdi>([^<]*)</bdi>', html)


def test_the_list_shows_the_source_and_each_tenant_with_its_state(origin: str) -> None:
    text = show(origin, "/")
    assert "Repository git.example.com/acme/webhooks Branch main" in text
    assert "Last look 2026-07-01 11:59:40 UTC 20 s ago" in text
    for row in (
        "apac Synced Waiting No changes 0 4fd1c2e0a5 1 min ago took 1.23 s in 4 min",
        "broken Failed Backing off, 4 failures in a row webhooks/payments.yaml:12:7: the url has no host",
        "drifted Drifted Waiting 2 to create, 4 to update, 1 to delete 5 4fd1c2e0a5",
        "corrected Applied Waiting 2 to create, 4 to update, 1 to delete 0 5 corrected",
        "refused Refused Stalled delete-limit: this plan breaks the rule delete-limit",
        "unreachable Failed Backing off, 4 failures in a row eu.example.com: no answer in 30 s",
        "window Pending Outside of its windows outside of the windows",
        "new No run yet Due Not known Not known None None yet now",
        "paused No run yet Suspended Not known Not known None None yet None",
    ):
        assert row in text, row
    assert f'<code title="{COMMIT}">4fd1c2e0a5</code>' in ask(origin, "/")[2]


def test_a_tenant_shows_its_last_run(origin: str) -> None:
    text = show(origin, "/tenants/drifted")
    assert "State Drifted Now Waiting Revision 4fd1c2e0a5 Mode report" in text
    assert "Last run 2026-07-01 11:59:00 UTC 1 min ago Length 1.23 s Run id run-drifted" in text
    assert "Next run 2026-07-01 12:04:00 UTC in 4 min Interval 5 min Failures in a row 0" in text
    assert "Create 2 Update 4 Delete 1 Keep 0 Drift 5" in text
    assert f"Digest {make_drifted_plan().digest}" in text


def test_each_change_says_which_side_moved(origin: str) -> None:
    text = show(origin, "/tenants/drifted")
    for row in (
        "new declared, not at the tenant Create Git (pending)",
        "drift differs from the manifest Update Tenant (drift) events url",
        "both differs from the manifest Update Both (conflict) auth.token description",
        "pending differs from the manifest Update Git (pending) events",
    ):
        assert row in text, row
    unknown = show(origin, "/tenants/pending")
    assert "Drift – No revision was applied yet" in unknown
    assert "Changed by" not in unknown


def test_what_was_done_stands_beside_each_change(origin: str) -> None:
    assert "Git (pending) events Updated" in show(origin, "/tenants/corrected")
    assert "The drift was corrected." in show(origin, "/tenants/corrected")
    text = show(origin, "/tenants/partial")
    assert "Failed the url is not allowed" in text
    assert "Gone two ours, no longer declared Delete – Deleted" in text


def test_a_refused_plan_says_how_to_accept_it(origin: str) -> None:
    text = show(origin, "/tenants/refused")
    assert (
        "delete-limit this plan breaks the rule delete-limit Webhooks: Gone one , Gone two" in text
    )
    assert re.search(r"spec: accept: - sha256:[0-9a-f]{64} ", text)
    assert "cannot be accepted" not in text


def test_a_plan_that_nobody_can_accept_says_so(origin: str) -> None:
    text = show(origin, "/tenants/hopeless")
    assert "protected this plan breaks the rule protected" in text
    assert "It cannot be accepted." in text
    assert "not all of the violations can be accepted" in text
    assert "accept:" not in text


def test_a_plan_that_mode_report_refuses_is_not_there_to_be_accepted() -> None:
    plan = builders.plan_of(violations=(Violation("delete-limit", "too many"),))
    rows = {"a": (make_item("a"), make_result("a", State.REFUSED, plan, mode="report"))}
    with served(Board(rows)) as origin:
        text = show(origin, "/tenants/a")
    assert "delete-limit too many" in text
    assert "In mode apply this plan is refused." in text
    assert "accept:" not in text


def test_problems_have_file_and_line_and_a_hint(origin: str) -> None:
    text = show(origin, "/tenants/broken")
    assert "The last run failed webhooks/payments.yaml:12:7: the url has no host" in text
    assert (
        "webhooks/payments.yaml:12:7 Error the url has no host schema/pattern write https://HOST/PATH"
        in text
    )
    assert "webhooks/audit.yaml:3:1 Warning a long name name/long" in text


def test_a_scope_that_could_not_be_read_is_a_failure_with_its_reason(origin: str) -> None:
    text = show(origin, "/tenants/fleet")
    assert "The last run failed acme/locked: the token may not read its hooks" in text
    assert "acme/locked unauthorized the token may not read its hooks" in text
    assert "No changes in the scopes that were read." in text


def test_a_run_that_was_held_back_and_one_that_is_under_way_say_so(origin: str) -> None:
    assert "Nothing was written: outside of the windows" in show(origin, "/tenants/window")
    assert "Now Running since 3 s ago" in show(origin, "/tenants/running")
    assert "Next run Under way" in show(origin, "/tenants/running")
    assert "No run has ended yet." in show(origin, "/tenants/new")


def test_a_webhook_that_is_switched_off_at_the_tenant_is_listed_as_drift() -> None:
    declared = builders.declared("off", builders.spec("off"))
    live = builders.live("off", builders.spec("off", enabled=False))
    plan = replace(builders.empty_plan(), switched_off=((declared, live),), since=("main", COMMIT))
    result = make_result("a", State.DRIFTED, plan, drift=find_drift(plan))
    with served(Board({"a": (make_item("a"), result)})) as origin:
        assert "Update Tenant (drift) enabled" in show(origin, "/tenants/a")


def test_an_unusable_repository_is_a_notice_and_the_commit_in_use_stays() -> None:
    board = Board(make_rows(), {**SOURCE, "problem": "git.example.com: no answer"})
    with served(board) as origin:
        text = show(origin, "/")
    assert (
        "The repository cannot be used git.example.com: no answer The commit in use stays." in text
    )


def test_before_the_first_look_the_page_says_that_nothing_is_known() -> None:
    with served(Board({}, {**SOURCE, "revision": None, "last_look": None})) as origin:
        text = show(origin, "/")
    assert "The repository has not been read yet." in text
    assert "No Tenants" in text
    assert "Last look None yet" in text


def test_the_list_is_filtered_by_state_and_by_phase_and_searched_by_name(origin: str) -> None:
    for query, names in (
        ("state=refused", ["hopeless", "refused"]),
        ("state=new", ["new", "paused"]),
        ("state=suspended", ["paused"]),
        ("search=RE", ["corrected", "refused", "unreachable"]),
        ("search=%20re%20&state=failed", ["unreachable"]),
        ("search=nothing", []),
    ):
        html = ask(origin, f"/?{query}")[2]
        assert list_names(html) == names, query
    assert "3 of 14 Tenants" in show(origin, "/?search=re")
    assert "None of the 14 Tenants matches." in show(origin, "/?search=nothing")
    assert len(list_names(ask(origin, "/?state=unknown")[2])) == 14


def test_a_thousand_tenants_stand_on_ten_pages() -> None:
    board = Board(make_many(1000))
    with served(board) as origin:
        seen: list[str] = []
        for page in range(1, 11):
            began = time.perf_counter()
            html = ask(origin, f"/?page={page}")[2]
            assert time.perf_counter() - began < 10  # a machine under load is slow
            assert len(html) < 200_000
            seen += list_names(html)
        assert seen == sorted(board.rows)
        assert "901–1,000 of 1,000" in show(origin, "/?page=10")
        assert "901–1,000 of 1,000" in show(origin, "/?page=999")
        for wrong in ("0", "-1", "x", "9" * 40, "²"):
            path = f"/?page={quote(wrong)}"
            assert "1–100 of 1,000" in show(origin, path), wrong
        html = ask(origin, "/?state=failed&search=00&page=1")[2]
        assert "state=failed&amp;search=00" in html
        assert list_names(ask(origin, "/?search=0999")[2]) == ["tenant-0999"]


def test_a_list_that_is_too_long_says_how_much_is_missing() -> None:
    plan = builders.plan_of(*(builders.update(f"hook-{number:03}") for number in range(130)))
    rows = {"a": (make_item("a"), make_result("a", State.PENDING, plan))}
    with served(Board(rows)) as origin:
        text = show(origin, "/tenants/a")
    assert "hook-099" in text
    assert "hook-100" not in text
    assert "30 more are not listed." in text


def test_the_page_reloads_itself_only_when_asked(origin: str) -> None:
    for path in ("/", "/tenants/drifted"):
        assert "refresh" not in ask(origin, path)[1]
        assert ask(origin, f"{path}?refresh=30")[1]["refresh"] == "30"
        for wrong in ("0", "1", "99999", "x", "-5"):
            assert "refresh" not in ask(origin, f"{path}?refresh={wrong}")[1]
    assert "refresh=0" not in ask(origin, "/?refresh=0")[2]
    html = ask(origin, "/?refresh=30&state=failed")[2]
    assert 'href="/tenants/broken?refresh=30"' in html
    assert 'href="/?state=failed">Stop' in html


def test_an_unknown_tenant_is_404_on_a_page(origin: str) -> None:
    status, _, html = ask(origin, "/tenants/%3Cb%3Enone%3C%2Fb%3E")
    assert status == 404
    assert "&lt;b&gt;none&lt;/b&gt;" in html
    assert "<b>" not in html


@pytest.mark.parametrize("text", builders.HOSTILE)
def test_what_tenants_and_manifests_say_is_escaped(text: str) -> None:
    plan = builders.hostile_plan(text)
    run = make_result("a", State.FAILED, plan, drift=find_drift(plan), error=text)
    rows = {"a": (make_item("a"), run)}
    source = {**SOURCE, "branch": text, "problem": text, "repository": text}
    with served(Board(rows, source)) as origin:
        for path in ("/", "/tenants/a"):
            status, _, html = ask(origin, path)
            assert status == 200
            assert "<img" not in html
            assert "<!-- x" not in html
        assert ask(origin, "/status")[0] == 200


@pytest.mark.parametrize("path", ["/", "/status", *(f"/tenants/{name}" for name in make_rows())])
def test_no_secret_is_shown(origin: str, path: str) -> None:
    html = ask(origin, path)[2]
    assert not [secret for secret in builders.SECRETS if secret in html]


def test_a_token_in_the_repositorys_address_is_not_shown() -> None:
    source = {**SOURCE, "repository": "https://tok-never-print@git.example.com/acme/webhooks.git"}
    with served(Board({}, source)) as origin:
        for path in ("/", "/status"):
            assert "never-print" not in ask(origin, path)[2]
