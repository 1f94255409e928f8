"""What each product can answer to a listing: every fault is the right error with a next step, and
no answer of another shape is a defect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest

from reconciler.cli.terminal.ending import Exit, code_of
from reconciler.core.errors import BadAnswer, ProviderError
from reconciler.core.model.webhook import Live
from tests.providers.builders import Asked, Reply, reply
from tests.providers.product_answers import (
    LOGIN,
    TARGETS,
    WEBHOOKS,
    answer_listing,
    make_listing,
    provide,
)

SAID = {"message": f"No, {LOGIN}", "detail": f"No, {LOGIN}"}  # it repeats our token
PAGE = b"<html>It is down</html>"
RIGHTS = {
    "github": "the token needs the permissions Webhooks and Variables",
    "gitlab": "the token needs the scope api, and the role Maintainer",
    "gitea": "the token needs the scope write:repository",
    "svix": "an API key of the environment that may read and write endpoints",
    "mlflow": "only an administrator of MLflow may",
    "label-studio": "needs the permission to change webhooks",
    "pretix": "needs the right to change the organiser's settings",
}
MISSING = {
    "github": "there is no such repository or organisation, or the token lacks",
    "gitlab": "there is no such project or group, or the token may not see it",
    "gitea": "there is no such repository or organisation, or the token may not see it",
    "svix": "there is no such application",
    "mlflow": "this server has no webhooks: spec.url is another address",
    "label-studio": "what spec.target names does not exist",
    "pretix": "what spec.target names does not exist",
}
STRANGE = "check that the Tenant's url is the address of the API"
Case = tuple[Reply, str, Exit, str | dict[str, str]]
CASES: dict[str, Case] = {
    "401": (reply(SAID, 401), "unauthorized", Exit.UNAUTHORIZED, "in PRODUCT_TOKEN is wrong"),
    "403": (reply(SAID, 403), "unauthorized", Exit.UNAUTHORIZED, RIGHTS),
    "404": (reply(SAID, 404), "not-found", Exit.ERROR, MISSING),
    "404 page": (Reply(404, PAGE, media="text/html"), "not-found", Exit.ERROR, MISSING),
    "422": (reply(SAID, 422), "rejected", Exit.ERROR, "answered 422"),
    "429": (reply(SAID, 429, Retry_After="7"), "overloaded", Exit.ERROR, "it asks to wait 7 s"),
    "500": (reply(SAID, 500), "tenant-fault", Exit.ERROR, "answered 500"),
    "502 page": (Reply(502, PAGE, media="text/html"), "tenant-fault", Exit.ERROR, "answered 502"),
    "503": (reply(SAID, 503), "overloaded", Exit.ERROR, "answered 503"),
    "page": (
        Reply(200, PAGE, media="text/html"),
        "bad-answer",
        Exit.ERROR,
        f"a web page; {STRANGE}",
    ),
    "text": (Reply(200, b"x"), "bad-answer", Exit.ERROR, f"that is not JSON; {STRANGE}"),
    "moved": (
        Reply(301, headers={"Location": "/x"}),
        "bad-answer",
        Exit.ERROR,
        "give its new name",
    ),
}


async def list_webhooks(product: str, answer: Any, **options: Any) -> tuple[Live, ...]:
    async with provide(product, answer, **options) as provider:
        return await provider.list()


@pytest.mark.parametrize("product", TARGETS)
@pytest.mark.parametrize("case", CASES)
def test_each_fault_of_a_product_is_the_right_error_and_says_what_to_do(
    product: str, case: str
) -> None:
    answer, kind, code, said = CASES[case]
    with pytest.raises(ProviderError) as caught:
        asyncio.run(list_webhooks(product, lambda _asked: answer, deadline=0.3))
    text = str(caught.value)
    assert (caught.value.kind, code_of(caught.value)) == (kind, code)
    assert (said if isinstance(said, str) else said[product]) in text
    assert "contract" not in text
    assert "/public-api/" not in text
    assert LOGIN not in text
    assert "It is down" not in text


@pytest.mark.parametrize("product", TARGETS)
def test_a_product_that_does_not_answer_in_time_is_unreachable(product: str) -> None:
    async def answer(_asked: Asked) -> Reply | None:
        await asyncio.sleep(5)
        return None

    with pytest.raises(ProviderError, match=r"did not answer within 0\.05 s") as caught:
        asyncio.run(list_webhooks(product, answer, timeout=0.05))
    assert (caught.value.kind, code_of(caught.value)) == ("unreachable", Exit.ERROR)
    assert "check that the tenant runs and that spec.url is its address" in str(caught.value)


def change_each(value: Any, other: object) -> Iterator[Any]:
    """The value with each of its parts in turn replaced, at every depth."""
    yield other
    if not isinstance(value, dict | list):
        return
    for place, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
        for changed in change_each(part, other):
            whole = deepcopy(value)
            whole[place] = changed
            yield whole


@pytest.mark.parametrize("product", TARGETS)
def test_an_answer_of_another_shape_is_an_error_and_no_defect(product: str) -> None:
    whole = make_listing(product, WEBHOOKS[product])
    sent: list[Any] = [whole]

    async def run() -> None:
        async with provide(product, lambda asked: answer_listing(asked, sent[0])) as provider:
            assert len(await provider.list()) == 1
            for other in (None, True, 5, "x", [], [None], {}, {"a": 1}):
                for sent[0] in change_each(whole, other):
                    with suppress(ProviderError):
                        for live in await provider.list():
                            assert isinstance(live.id, str)
                            assert all(isinstance(e.type, str) for e in live.spec.subscriptions)

    asyncio.run(run())


def make_endless(product: str) -> Any:
    """The first page of a product that answers it to every request."""
    webhook = WEBHOOKS[product]
    match product:
        case "svix":
            return {"data": [], "iterator": "ep_1", "done": False}
        case "mlflow":
            return {"webhooks": [], "next_page_token": "again"}
        case "pretix":
            return {"results": [], "next": "/api/v1/organizers/acme/webhooks/?page=1"}
        case "github":  # hooks of a service, which are passed over
            return [{**webhook, "id": number, "name": "email"} for number in range(100)]
        case "gitea":
            return [{**webhook, "type": "slack"}]
        case _:
            return [{**webhook, "id": number} for number in range(100)]


@pytest.mark.parametrize("product", sorted(TARGETS.keys() - {"label-studio"}))  # it has no pages
def test_a_listing_that_never_ends_is_an_error(product: str) -> None:
    def answer(asked: Asked) -> Reply:
        if "/actions/variables" in asked.target:
            return answer_listing(asked, None)
        return reply(make_endless(product))

    with pytest.raises(BadAnswer, match="never ends"):
        asyncio.run(asyncio.wait_for(list_webhooks(product, answer), 5))


@pytest.mark.parametrize("product", ["github", "gitea"])
def test_a_ledger_that_is_listed_forever_is_an_error(product: str) -> None:
    page = [{"name": f"OTHER_{number}", "value": "x", "data": "x"} for number in range(30)]
    body = {"variables": page} if product == "github" else page
    with pytest.raises(BadAnswer, match="never ends"):
        asyncio.run(asyncio.wait_for(list_webhooks(product, lambda _asked: reply(body)), 5))
