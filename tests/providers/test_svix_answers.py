"""The calls of `svix` on answers that its server gives seldom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reconciler.core.errors import BadAnswer, Conflict
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.http.client import Client
from reconciler.providers.plugin import Session
from reconciler.providers.svix import plugin
from tests.stand_ins.svix import APPLICATION, TOKEN, Server, svix

EVENT = Subscription("user.signup", None, None)
WANT = Webhook("oncall", "http://127.0.0.1:1/", subscriptions=frozenset({EVENT}))


def call(server: Server, work: Callable[[Session], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        token = Secret(TOKEN, "test")
        async with Client(server.url, token, dialect=plugin.PLUGIN.dialect) as http:
            return await work(plugin.PLUGIN.session(http, {"application": APPLICATION}))

    return asyncio.run(run())


async def read_list(session: Session) -> list[str]:
    return [item.spec.name async for page in session.held() for item in page]


async def send_test(session: Session, want: Webhook = WANT) -> Delivery:
    return await session.test(await session.create(want, want.name), want, EVENT)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"data": None, "done": True},
        {"data": [1], "done": True},
        {"data": [], "iterator": "ep_1", "done": False},
        {"data": [{"id": "ep_1", "url": "https://a.example/"}], "iterator": None, "done": False},
        {"data": [{"id": "ep_1"}], "iterator": "ep_1", "done": True},
        {"data": [{"id": "ep_1", "url": "x", "metadata": 3}], "iterator": "ep_1", "done": True},
    ],
)
def test_a_list_of_another_shape_and_one_without_end_are_bad_answers(body: Any) -> None:
    with svix() as server:
        server.faults.append((200, body))
        with pytest.raises(BadAnswer):
            call(server, read_list)


def test_an_endpoint_is_found_by_its_id_and_its_uid_and_a_missing_one_is_none() -> None:
    async def find_both(session: Session) -> list[Any]:
        made = await session.create(WANT, "key")
        return [await session.get(ident) for ident in (made.id, "oncall", "other")]

    with svix() as server:
        by_id, by_uid, missing = call(server, find_both)
    assert by_id == by_uid
    assert missing is None


def test_a_uid_that_is_taken_is_a_conflict_that_says_so() -> None:
    async def create_twice(session: Session) -> None:
        await session.create(WANT, "one")
        await session.create(WANT, "two")

    with svix() as server, pytest.raises(Conflict, match="has this name as its uid") as caught:
        call(server, create_twice)
    assert caught.value.fields == ("name",)


def test_the_newer_name_of_the_rate_limit_is_read_too() -> None:
    async def read_options(session: Session) -> Any:
        return [item.spec.options async for page in session.held() for item in page]

    endpoint = {"id": "ep_1", "url": "https://a.example/", "throttleRate": 7}
    with svix() as server:
        server.faults.append((200, {"data": [endpoint], "iterator": "ep_1", "done": True}))
        assert call(server, read_options) == [{"rateLimit": 7}]


def test_a_test_of_an_endpoint_that_nothing_reaches_or_that_is_disabled_says_so() -> None:
    off = Webhook("off", "http://127.0.0.1:1/", enabled=False, subscriptions=WANT.subscriptions)
    with svix() as server:
        refused = call(server, send_test)
        disabled = call(server, lambda session: send_test(session, off))
    assert refused.verdict is Verdict.REFUSED
    assert (disabled.verdict, disabled.detail) == (Verdict.REJECTED, plugin._DISABLED)


def test_an_example_that_is_not_sent_is_a_timeout_that_names_channels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plugin, "_PAUSE", 0.0)
    options = {"channels": ["project_1"]}
    want = Webhook(
        "oncall", "http://127.0.0.1:1/", subscriptions=WANT.subscriptions, options=options
    )
    with svix() as server:
        delivery = call(server, lambda session: send_test(session, want))
    assert delivery.verdict is Verdict.TIMEOUT
    assert "channels" in str(delivery.detail)
