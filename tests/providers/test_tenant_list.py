"""Lists: as many requests as pages, and every way in which a tenant's list can be none."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.core.errors import BadAnswer, Unreachable
from tests.providers.builders import (
    Answering,
    Asked,
    Reply,
    problem,
    reply,
    webhook,
)
from tests.providers.telling import holding, listing


@pytest.mark.parametrize(("held", "requests"), [(0, 1), (1, 1), (7, 1), (8, 2), (21, 3)])
def test_a_list_takes_as_many_requests_as_there_are_pages_and_no_other(
    held: int, requests: int
) -> None:
    found, asked = listing(holding(*(webhook(100 + number) for number in range(held))), page_size=7)
    assert [live.id for live in found] == [f"wh-{100 + number}" for number in range(held)]
    assert len(asked) == requests
    assert {item.method for item in asked} == {"GET"}
    assert asked[0].target == "/public-api/v1/webhooks?limit=7"


def test_two_webhooks_of_one_name_are_both_listed() -> None:
    found, _ = listing(holding(webhook(1, name="Same"), webhook(2, name="Same")))
    assert [live.spec.name for live in found] == ["Same", "Same"]


def endless(asked: Asked) -> Reply:
    """Fresh webhooks for ever, under two cursors in turn."""
    turn = "b" if "cursor=a" in asked.target else "a"
    endless_count[0] += 1
    return reply({"items": [webhook(endless_count[0])], "next_cursor": turn})


endless_count = [0]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (endless, "its list never ends"),
        (
            lambda _: reply({"items": [webhook(1)], "next_cursor": "same"}),
            "its list has one webhook twice",
        ),
        (
            lambda _: reply({"items": [webhook(1), webhook(1)], "next_cursor": None}),
            "its list has one webhook twice",
        ),
        (lambda _: reply({"items": [], "next_cursor": "more"}), "its list never ends"),
        (lambda _: problem(404, "not-found"), "it has no /webhooks"),
        (lambda _: Reply(204), "wrong shape at /: not an object"),
        (lambda _: reply([]), "wrong shape at /: not an object"),
        (lambda _: reply({}), "wrong shape at /items: not a list"),
        (
            lambda _: reply({"items": [], "next_cursor": 7}),
            "wrong shape at /next_cursor: not a text",
        ),
        (lambda _: reply({"items": [3]}), "wrong shape at /items/0"),
        (
            lambda _: reply({"items": [webhook(1), webhook(2, name=["x"])]}),
            "wrong shape at /items/1/name: not a text",
        ),
        (lambda _: reply({"items": [webhook(1, name="\ud800")]}), "wrong shape at /items/0/name"),
        (
            lambda _: reply({"items": [webhook(1, enabled="yes")]}),
            "wrong shape at /items/0/enabled",
        ),
        (
            lambda _: reply({"items": [webhook(1, auth={"type": "magic"})]}),
            "wrong shape at /items/0/auth/type: unknown",
        ),
        (
            lambda _: reply({"items": [webhook(1, events=[{"type": 1}])]}),
            "wrong shape at /items/0/events/0/type",
        ),
        (
            lambda _: reply({"items": [webhook(1, managed_by="me")]}),
            "wrong shape at /items/0/managed_by",
        ),
        (
            lambda _: reply({"items": [webhook(1, id="..")]}),
            "wrong shape at /items/0/id: not an id",
        ),
        (
            lambda _: reply({"items": [webhook(1, id="a/../b")]}),
            "wrong shape at /items/0/id: not an id",
        ),
        (
            lambda _: reply({"items": [webhook(1, revision='1"\r\nX: y')]}),
            "wrong shape at /items/0/revision: not a revision",
        ),
    ],
)
def test_a_list_that_is_none_is_a_bad_answer_that_names_the_place(
    answer: Answering, why: str
) -> None:
    with pytest.raises(BadAnswer) as caught:
        listing(answer)
    assert why in str(caught.value)
    assert "this project's own contract" in str(caught.value)


def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones() -> None:
    tenant = holding(*(webhook(100 + number, description="x" * 3_000_000) for number in range(5)))
    found, asked = listing(tenant, page_size=16)
    assert len(found) == 5
    assert [item.target.rpartition("limit=")[2].partition("&")[0] for item in asked][:2] == [
        "16",
        "2",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 7),
        ("revision", None),
        ("name", {}),
        ("url", {"a": 1}),
        ("description", 1.5),
        ("enabled", 1),
        ("auth", "bearer"),
        ("events", [None]),
        ("managed_by", []),
        ("protected", "no"),
        ("invocations", "many"),
    ],
)
def test_a_wrong_type_in_any_field_is_a_bad_answer_that_names_the_field(
    field: str, value: object
) -> None:
    with pytest.raises(BadAnswer, match=f"wrong shape at /items/0/{field}"):
        listing(lambda _: reply({"items": [webhook(1, **{field: value})], "next_cursor": None}))


def test_new_cursors_for_ever_end_after_a_thousand_pages_that_are_not_full() -> None:
    made: list[int] = []

    def answer(_asked: Asked) -> Reply:
        made.append(len(made))
        return reply({"items": [webhook(len(made))], "next_cursor": f"c{len(made)}"})

    with pytest.raises(BadAnswer, match="its list never ends"):
        listing(answer)
    assert len(made) == 1001


def test_a_list_that_is_not_complete_in_its_time_is_unreachable() -> None:
    async def silent(_asked: Asked) -> Reply | None:
        await asyncio.Event().wait()
        return None

    with pytest.raises(Unreachable, match=r"its list was not complete within 0\.05 s"):
        listing(silent, list_seconds=0.05)
