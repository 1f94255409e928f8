"""The ledger of marks: what it keeps, what it does not believe, and two runs at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from reconciler.core.errors import Rejected
from reconciler.core.model.webhook import ManagedBy
from reconciler.providers.driver.ledger import Book, Entry
from reconciler.providers.driver.marks import Mark


class Texts:
    """A product's texts by owner."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def read(self) -> Mapping[str, str]:
        return dict(self.texts)

    async def write(self, owner: str, text: str) -> None:
        await asyncio.sleep(0)
        self.texts[owner] = text


def make_entry(key: str, owner: str = "payments", version: str | None = "1") -> Entry:
    mark = Mark(ManagedBy(owner, key, ("a.yaml", "b.yaml"), "4fd1c2e", "host/a/b"), version, True)
    return Entry(mark, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")


def test_what_is_noted_is_read_back_whole() -> None:
    async def story() -> None:
        texts = Texts()
        await Book(texts).note("payments", "1", make_entry("oncall"))
        await Book(texts).note("payments", "2", make_entry("pager", version=None))
        await Book(texts).note("search", "3", make_entry("index", "search"))
        entries, warnings = await Book(texts).read()
        assert warnings == []
        assert entries == {
            "1": make_entry("oncall"),
            "2": make_entry("pager", version=None),
            "3": make_entry("index", "search"),
        }
        await Book(texts).note("payments", "1", None)
        assert set((await Book(texts).read())[0]) == {"2", "3"}

    asyncio.run(story())


def test_an_entry_that_another_run_overwrote_comes_back_with_the_next_one() -> None:
    async def story() -> None:
        texts = Texts()
        one, other = Book(texts), Book(texts)
        await asyncio.gather(
            one.note("payments", "1", make_entry("a")), other.note("payments", "2", make_entry("b"))
        )
        await one.note("payments", "3", make_entry("c"))
        await other.note("payments", "4", make_entry("d"))
        assert set((await Book(texts).read())[0]) == {"1", "2", "3", "4"}

    asyncio.run(story())


def test_a_webhook_that_another_owner_takes_leaves_the_ledger_of_the_former_one() -> None:
    async def story() -> None:
        texts = Texts()
        await Book(texts).note("payments", "1", make_entry("oncall"))
        await Book(texts).note("payments", "2", make_entry("pager"))
        await Book(texts).note("search", "1", make_entry("oncall", "search"))
        entries, warnings = await Book(texts).read()
        assert warnings == []
        assert entries == {"1": make_entry("oncall", "search"), "2": make_entry("pager")}

    asyncio.run(story())


def test_an_entry_that_another_run_wrote_later_stays_as_it_wrote_it() -> None:
    async def story() -> None:
        texts = Texts()
        one, other = Book(texts), Book(texts)
        await one.note("payments", "1", make_entry("oncall"))
        await other.note("payments", "1", make_entry("pager"))
        await one.note("payments", "2", make_entry("second"))
        assert (await Book(texts).read())[0]["1"] == make_entry("pager")

    asyncio.run(story())


def test_a_webhook_in_two_ledgers_is_nobodys_and_a_warning() -> None:
    async def story() -> None:
        texts = Texts()
        await Book(texts).note("payments", "1", make_entry("oncall"))
        texts.texts["search"] = texts.texts["payments"]
        entries, [warning] = await Book(texts).read()
        assert entries == {}
        assert "two owners have the webhook 1" in warning

    asyncio.run(story())


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", "null", "1", '"text"', "{}", '{"version": 2, "webhooks": {}}'),
        *(
            '{"version": 1}',
            '{"version": 1, "webhooks": []}',
            '{"version": 1, "webhooks": {"1": 2}}',
        ),
        '{"version": 1, "webhooks": {"1": {"key": "a"}}}',
        '{"version": 1, "webhooks": {"1": {"key": "a", "created": "x", "touched": "y", "commit": []}}}',
        '{"version": 1, "webhooks": {"1": {"key": "a", "created": "x", "touched": "y", "sources": 1}}}',
    ],
)
def test_a_text_that_is_not_ours_is_a_warning_and_holds_nothing(text: str) -> None:
    async def story() -> None:
        texts = Texts()
        texts.texts["payments"] = text
        entries, [warning] = await Book(texts).read()
        assert entries == {}
        assert "the ledger of payments cannot be read" in warning
        with pytest.raises(Rejected, match="would be lost"):
            await Book(texts).note("payments", "1", make_entry("oncall"))
        assert texts.texts["payments"] == text

    asyncio.run(story())


def test_what_is_noted_during_a_write_is_written_together_with_the_next_one() -> None:
    class Counted(Texts):
        writes = 0

        async def write(self, owner: str, text: str) -> None:
            self.writes += 1
            await super().write(owner, text)

    async def story() -> None:
        texts = Counted()
        book = Book(texts)
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(book.note("payments", str(number), make_entry(f"key-{number}")))
        entries, _ = await book.read()
        assert len(entries) == 20
        assert texts.writes == 2

    asyncio.run(story())


def test_a_write_that_fails_is_an_error_of_everything_in_it() -> None:
    class Full(Texts):
        async def write(self, owner: str, text: str) -> None:
            await super().write(owner, text)
            raise Rejected("no room")

    async def story() -> None:
        book = Book(Full())
        notes = (book.note("payments", str(number), make_entry("a")) for number in range(3))
        errors = await asyncio.gather(*notes, return_exceptions=True)
        assert [str(error) for error in errors] == ["no room"] * 3

    asyncio.run(story())
