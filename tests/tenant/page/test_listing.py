"""The list of webhooks: order, search, and what it says when there is nothing to list."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.tenant.harness import EVENT, Tenant, tenant
from tests.tenant.page.visitor import Page, Visitor, visitor

Story = Callable[[Tenant, Visitor], Awaitable[None]]
PAGE = "/settings/webhooks"


def on_page(folder: Path, story: Story) -> None:
    async def run() -> None:
        async with tenant(folder) as made, visitor(made) as me:
            await story(made, me)

    asyncio.run(run())


def names(page: Page) -> list[str]:
    return re.findall(r'<th scope="row" data-label="Name"><a [^>]*><bdi>(.*?)</bdi>', page.html)


def test_the_order_is_by_name_whatever_the_case_of_any_alphabet(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        for name in ("b", "A", "\u00c9t\u00e9", "a2", "\u00e9cole", "C", "B"):
            await made.make(name)
        assert names(await me.get(PAGE)) == [
            "A",
            "a2",
            "B",
            "b",
            "C",
            "\u00e9cole",
            "\u00c9t\u00e9",
        ]

    on_page(tmp_path, story)


@pytest.mark.parametrize(
    "search", ["\u00c9COLE", "e\u0301cole", "hooks.EXAMPLE.com/x", "  \u00e9col "]
)
def test_the_search_finds_names_and_urls_in_any_case(tmp_path: Path, search: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        await made.make("\u00e9cole", url="https://hooks.example.com/x")
        await made.make("other", url="https://hooks.example.org/y")
        page = await me.get(f"{PAGE}?search={search.replace(' ', '+')}")
        assert names(page) == ["\u00e9cole"]
        assert "1 of 2 webhooks" in page.text

    on_page(tmp_path, story)


def test_every_page_of_a_long_list_has_others_and_together_they_have_all(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        for number in range(120):
            await made.make(f"team-{number:03}")
        found = [name for page in (1, 2, 3) for name in names(await me.get(f"{PAGE}?page={page}"))]
        assert found == [f"team-{number:03}" for number in range(120)]
        assert "101–120 of 120" in (await me.get(f"{PAGE}?page=99")).text

    on_page(tmp_path, story)


def test_an_empty_tenant_teaches_and_an_empty_search_offers_all(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.get(PAGE)
        assert "No webhooks yet" in page.text
        assert page.html.count('href="/settings/webhooks/new"') == 1
        assert "reconciler reconcile" in page.text
        await made.make("one")
        page = await me.get(f"{PAGE}?search=<zzz>")
        assert "The one webhook does not have <zzz> in its name or url." in page.text
        assert "<zzz>" not in page.html

    on_page(tmp_path, story)


def test_a_webhook_that_receives_nothing_is_marked(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        await made.make("one", events=[EVENT])
        await made.make("two")
        page = await me.get(PAGE)
        assert page.html.count("it receives nothing") == 1

    on_page(tmp_path, story)
