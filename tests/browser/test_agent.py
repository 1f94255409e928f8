"""The agent's page in a real browser: light and dark, wide and narrow, by keyboard, without
scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from reconciler.continuous.results import State
from reconciler.core.results.drift import find_drift
from tests.browser.conftest import EVERY_WINDOW, PATIENCE, Opened, faults, opening
from tests.browser.test_keyboard import tab_to
from tests.continuous.page.board import (
    SOURCE,
    Board,
    Rows,
    make_item,
    make_many,
    make_result,
    make_rows,
    served,
)
from tests.render import builders

HOSTILE = "<script>alert(1)</script> \u05e9\u05dc\u05d5\u05dd \U0001f389 " + "x" * 255


def make_hostile_rows() -> Rows:
    """A Tenant of the longest name, with a text in every place that others choose."""
    name = "n" * 253
    plan = builders.hostile_plan(HOSTILE)
    result = make_result(
        name, State.FAILED, plan, drift=find_drift(plan), error=HOSTILE, revision="f" * 64
    )
    refused = make_result("b", State.REFUSED, plan, violations=plan.violations, run="r" * 40)
    return {name: (make_item(name, failures=99), result), "b": (make_item("b"), refused)}


OpenBoard = Callable[[Board], Opened]


@pytest.fixture
def open_board(chromium: Browser) -> Iterator[OpenBoard]:
    """`open_board(board)("/")`: a page of an agent with that board."""
    with ExitStack() as stack:

        def serve(board: Board) -> Opened:
            origin = stack.enter_context(served(board))
            return stack.enter_context(opening(chromium, origin))

        yield serve


@pytest.fixture
def open_agent(open_board: OpenBoard) -> Opened:
    """A page of an agent with a Tenant in each state."""
    return open_board(Board(make_rows()))


def list_names(page: Page) -> list[str]:
    return page.locator("table.list tbody th bdi").all_inner_texts()


@pytest.mark.long
def test_no_page_has_an_accessibility_fault_or_is_wider_than_its_window(
    open_agent: Opened,
) -> None:
    page = open_agent("/")
    for path in ("/", "/?state=failed&refresh=30", "/?search=nothing", "/tenants/none"):
        page.goto(path)
        assert faults(page, EVERY_WINDOW) == [], path
    for name in ("broken", "corrected", "fleet", "hopeless", "new", "refused", "window"):
        page.goto(f"/tenants/{name}")
        assert faults(page) == [], name


@pytest.mark.long
def test_what_others_choose_neither_runs_nor_breaks_the_page(open_board: OpenBoard) -> None:
    source = {**SOURCE, "repository": HOSTILE, "branch": HOSTILE, "problem": HOSTILE}
    rows = make_hostile_rows()
    page = open_board(Board(rows, source))("/")
    for path in ("/", *(f"/tenants/{name}" for name in rows)):
        page.goto(path)
        page.get_by_text("<script>alert(1)</script>").first.wait_for()
        assert faults(page, EVERY_WINDOW) == [], path


@pytest.mark.parametrize("scripts", [True, False])
def test_a_tenant_that_failed_is_found_and_read(open_agent: Opened, scripts: bool) -> None:
    page = open_agent("/", scripts=scripts)
    tally = page.get_by_role("list", name="Tenants by state")
    assert tally.get_by_role("listitem").all_inner_texts() == [
        *("4\nFailed", "2\nRefused", "1\nDrifted", "2\nPending", "1\nApplied", "2\nSynced"),
        "2\nNo run yet",
    ]
    tally.get_by_role("link", name="Failed").click()
    assert list_names(page) == ["broken", "fleet", "partial", "unreachable"]
    page.get_by_role("status").get_by_text("4 of 14 Tenants").wait_for()
    page.get_by_label("Search by name").fill("BRO")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("status").get_by_text("1 of 14 Tenants").wait_for()
    expect(page.get_by_label("State", exact=True)).to_have_value("failed")
    page.get_by_role("link", name="broken").click()
    page.get_by_role("heading", name="The last run failed").wait_for()
    page.get_by_text("webhooks/payments.yaml:12:7", exact=True).wait_for()
    page.get_by_role("navigation", name="Trail").get_by_role("link", name="Tenants").click()
    assert len(list_names(page)) == 14


@pytest.mark.parametrize("width", [1280, 375])
def test_a_thousand_tenants_are_paged(open_board: OpenBoard, width: int) -> None:
    page = open_board(Board(make_many(1000)))("/", scripts=False)
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_text("1–100 of 1,000").wait_for()
    page.get_by_role("link", name="Next").click()
    page.get_by_text("101–200 of 1,000").wait_for()
    page.get_by_label("State", exact=True).select_option("Refused")
    page.get_by_label("Search by name").press("Enter")
    page.get_by_text("1–100 of 143").wait_for()
    page.get_by_role("link", name="Next").click()
    page.get_by_text("101–143 of 143").wait_for()
    assert page.url.endswith("/?state=refused&page=2")
    page.get_by_role("link", name="Previous").click()
    assert len(list_names(page)) == 100


def test_by_keyboard_alone_a_refused_plan_is_reached(open_agent: Opened) -> None:
    page = open_agent("/")
    page.keyboard.press("Tab")
    page.get_by_role("link", name="Skip to content").press("Enter")
    page.locator("main:focus").wait_for()
    tab_to(page, page.get_by_label("Search by name"))
    page.keyboard.type("refused")
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("1 of 14 Tenants").wait_for()
    tab_to(page, page.get_by_role("link", name="refused", exact=True))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="refused", level=1).wait_for()
    tab_to(page, page.get_by_role("region", name="How to accept the plan"))
    tab_to(page, page.get_by_role("region", name="List of changes"))
    assert page.url.endswith("/tenants/refused")


def test_the_focus_is_seen_and_goes_from_top_to_bottom(open_agent: Opened) -> None:
    page = open_agent("/")
    tops: list[float] = []
    for _ in range(16):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid"
        tops.append(page.evaluate("document.activeElement.getBoundingClientRect().top + scrollY"))
    rows = [round(top / 20) for top in tops[1:]]  # links beside each other are on one row
    assert rows == sorted(rows)


def test_the_page_reloads_itself_when_asked_and_shows_the_news(open_board: OpenBoard) -> None:
    board = Board(make_rows())
    page = open_board(board)("/?refresh=5&state=synced", scripts=False)
    assert list_names(page) == ["apac", "running"]
    item, result = board.rows["apac"]
    assert result is not None
    board.rows["apac"] = (item, replace(result, state=State.DRIFTED))
    expect(page.locator("table.list tbody th bdi")).to_have_text(["running"], timeout=PATIENCE)
    page.get_by_role("link", name="Stop").click()
    assert page.url.endswith("/?state=synced")
