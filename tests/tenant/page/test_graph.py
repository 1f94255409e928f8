"""The graph of invocations: numbers to bars, the text for screen readers, and where it stands on
the pages.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.tenant.page.rendering.graph import HEIGHT, PERIODS, WIDTH, find_period, make_graph
from reconciler.tenant.store.rows import invocations
from reconciler.tenant.times import HOUR, format_time
from tests.support.database import database_of
from tests.tenant.harness import Tenant, tenant
from tests.tenant.page.visitor import Visitor, visitor

DAY, MONTH = PERIODS
COUNTS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=24, max_size=24)
Story = Callable[[Tenant, Visitor], Awaitable[None]]


def on_page(folder: Path, story: Story, **options: Any) -> None:
    async def run() -> None:
        async with tenant(folder, **options) as made, visitor(made) as me:
            await story(made, me)

    asyncio.run(run())


def steps(counts: list[tuple[int, int]]) -> list[dict[str, Any]]:
    return [
        {"start": format_time(hour * HOUR), "succeeded": won, "failed": lost}
        for hour, (won, lost) in enumerate(counts)
    ]


async def count(made: Tenant, webhook_id: str, hours_ago: int, won: int, lost: int) -> None:
    """Invocations of the past, counted as the engine counts."""
    then = made.clock() - hours_ago * HOUR

    def run(connection: Any) -> None:
        invocations.count_invocations(
            connection, [(webhook_id, win) for win in [True] * won + [False] * lost], then
        )

    await database_of(made.store).write(run)


@given(COUNTS)
def test_every_bar_stands_in_the_box_and_what_is_not_nothing_is_seen(
    counts: list[tuple[int, int]],
) -> None:
    made = make_graph(DAY, steps(counts))
    for step, (won, lost) in zip(made.steps, counts, strict=True):
        assert step.x >= 0
        assert step.x + step.width <= WIDTH
        assert (step.up > 0, step.down > 0) == (won > 0, lost > 0)
        assert step.up == 0 or 3 <= step.up <= made.line + 0.01
        assert step.down == 0 or 3 <= step.down <= HEIGHT - made.line + 0.01
    assert (made.succeeded, made.failed) == (
        sum(won for won, _ in counts),
        sum(lost for _, lost in counts),
    )


def test_bars_above_and_below_have_one_scale() -> None:
    made = make_graph(DAY, steps([(60, 0), (30, 0), (0, 30), *[(0, 0)] * 21]))
    first, second, third = made.steps[:3]
    assert first.up == pytest.approx(2 * second.up)
    assert second.up == pytest.approx(third.down)


def test_the_text_says_what_the_picture_shows() -> None:
    made = make_graph(DAY, steps([(1, 0), (1200, 34), *[(0, 0)] * 22]))
    assert made.summary == (
        "Last 24 hours: 1,201 successful and 34 failed invocations. The most were at "
        "1970-01-01 01:00–02:00 UTC: 1,200 and 34."
    )
    assert make_graph(MONTH, steps([(0, 0)] * 30)).summary == "Last 30 days: no invocations."


@pytest.mark.parametrize(
    ("word", "hours", "count"), [("", 24, 24), ("30d", 720, 30), ("for ever", 24, 24)]
)
def test_a_period_ends_with_the_step_that_is_now(word: str, hours: int, count: int) -> None:
    found = find_period(word)
    now = 1_790_000_000.0
    start, end, size = found.compute_span(now)
    assert size == found.size
    assert end - start == hours == found.steps * found.size
    assert found.steps == count
    assert start % found.size == end % found.size == 0
    assert (end - found.size) * HOUR <= now < end * HOUR


def test_the_edit_page_draws_its_webhook_and_the_list_draws_all(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one, other = await made.make("one"), await made.make("other")
        await count(made, one["id"], 3, 5, 2)
        await count(made, other["id"], 3, 1, 0)
        await count(made, one["id"], 24 * 20, 7, 0)
        edit = await me.get(f"/settings/webhooks/{one['id']}")
        assert "5 successful and 2 failed invocations" in edit.text
        month = await me.get(f"/settings/webhooks/{one['id']}?period=30d")
        assert "12 successful and 2 failed invocations" in month.text
        assert "6 successful and 2 failed invocations" in (await me.get("/settings/webhooks")).text
        assert (
            "13 successful and 2 failed invocations"
            in (await me.get("/settings/webhooks?period=30d")).text
        )

    on_page(tmp_path, story)


def test_the_numbers_stand_in_a_table_too_and_nothing_is_styled_inline(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        await count(made, one["id"], 0, 3, 1)
        page = await me.get(f"/settings/webhooks/{one['id']}")
        figure = page.html[page.html.index("<figure") : page.html.index("</figure>")]
        assert figure.count('<th scope="row">') == 24
        assert re.search(r'<td class="number">3</td><td class="number">1</td>', figure)
        assert "style=" not in page.html
        assert "<style" not in page.html
        assert len(re.findall(r' id="([^"]+)"', page.html)) == len(
            set(re.findall(r' id="([^"]+)"', page.html))
        )

    on_page(tmp_path, story)


def test_choosing_a_period_keeps_the_search(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        await count(made, one["id"], 0, 1, 0)
        page = await me.get("/settings/webhooks?search=one")
        assert 'href="/settings/webhooks?search=one&amp;period=30d#invocations"' in page.html
        page = await me.get("/settings/webhooks?search=one&period=30d")
        assert 'href="/settings/webhooks?search=one#invocations"' in page.html
        assert '<input type="hidden" name="period" value="30d">' in page.html

    on_page(tmp_path, story)
