"""Every operation against a webhook of another owner, and with a page's cookie: the table has to
name each of them.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from reconciler.tenant.server.app import OPERATIONS
from tests.tenant.harness import BEARER, EVENT, Receiver, Tenant, receiver, tenant
from tests.tenant.page.visitor import visitor

OWNER, OTHER = "payments", "search"
MARK = {"owner": OWNER, "key": "one", "sources": ["webhooks/one.yaml"], "revision": None}
SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
NOT_SUBSCRIBED = {**EVENT, "type": "acme:nothing", "event": {}}

# The status for the owner and for another owner; in this order, so that the webhook exists until
# the end. Events have no owner; totals, catalogue and documents are for everybody.
EXPECTED: dict[tuple[str, str], tuple[int, int]] = {
    ("GET", "/webhooks"): (200, 200),
    ("POST", "/webhooks"): (201, 403),
    ("POST", "/webhooks/test"): (200, 403),
    ("GET", "/webhooks/{id}"): (200, 200),
    ("PATCH", "/webhooks/{id}"): (200, 403),
    ("POST", "/webhooks/{id}/test"): (200, 403),
    ("GET", "/webhooks/{id}/deliveries"): (200, 200),
    ("POST", "/webhooks/{id}/deliveries/{delivery}/redeliver"): (202, 403),
    ("POST", "/webhooks/{id}/redeliver"): (202, 403),
    ("GET", "/webhooks/{id}/invocations"): (200, 200),
    ("GET", "/invocations"): (200, 200),
    ("GET", "/events"): (200, 200),
    ("POST", "/events"): (202, 202),
    ("GET", "/healthz"): (200, 200),
    ("GET", "/metrics"): (200, 200),
    ("GET", "/openapi.json"): (200, 200),
    ("DELETE", "/webhooks/{id}"): (204, 403),
}


def _body(operation: tuple[str, str], webhook: dict[str, Any]) -> Any:
    """What makes an operation succeed for who may do it."""
    return {
        ("POST", "/webhooks"): {
            "name": "two",
            "url": webhook["url"],
            "managed_by": {**MARK, "key": "two"},
        },
        ("POST", "/webhooks/test"): {"webhook": {"url": webhook["url"]}, "id": webhook["id"]},
        ("PATCH", "/webhooks/{id}"): {"description": "changed"},
        ("POST", "/webhooks/{id}/test"): {},
        ("POST", "/webhooks/{id}/redeliver"): SPAN,
        ("POST", "/events"): NOT_SUBSCRIBED,
    }.get(operation)


async def _failed(t: Tenant, endpoint: Receiver) -> tuple[dict[str, Any], str]:
    """A webhook of the owner, as it is shown, and a delivery of it that failed."""
    endpoint.status = 503
    made = await t.make(url=endpoint.url, auth=BEARER, events=[EVENT], managed_by=MARK)
    await t.call("POST", "/events", {**EVENT, "event": {}})
    await t.engine.wait_until_idle()
    found = await t.call("GET", f"/webhooks/{made['id']}/deliveries")
    return await _shown(t, made), found.json()["items"][0]["id"]


async def _shown(t: Tenant, webhook: dict[str, Any]) -> dict[str, Any]:
    return (await t.call("GET", f"/webhooks/{webhook['id']}")).json()


async def _all(
    t: Tenant, token: str, webhook: dict[str, Any], delivery: str
) -> dict[tuple[str, str], tuple[int, str | None]]:
    """Every operation with this token: status, and the kind of a problem."""
    ends = {}
    for method, path in EXPECTED:
        place = path.replace("{id}", webhook["id"]).replace("{delivery}", delivery)
        answer = await t.call(
            method, place, _body((method, path), webhook), token=token, If_Match="*"
        )
        ends[method, path] = (
            answer.status_code,
            None if answer.is_success else answer.json()["type"],
        )
    return ends


def test_every_operation_has_an_expectation() -> None:
    assert {(operation.method, operation.path) for operation in OPERATIONS} == set(EXPECTED)


def test_what_writes_or_tests_is_refused_to_another_owners_token_and_what_reads_is_not(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with receiver() as endpoint, tenant(tmp_path) as t:
            webhook, delivery = await _failed(t, endpoint)
            token = {
                who: t.store.create_token(who, ["Webhooks: Write", "Events: Write"], who)
                for who in (OWNER, OTHER)
            }
            ends = await _all(t, token[OTHER], webhook, delivery)
            assert ends == {
                name: (other, "owner" if other == 403 else None)
                for name, (_, other) in EXPECTED.items()
            }
            await t.engine.wait_until_idle()
            assert await _shown(t, webhook) == webhook
            assert len(endpoint.heads) == 1  # the event's; nothing was sent for the other owner
            ends = await _all(t, token[OWNER], webhook, delivery)
            assert ends == {name: (own, None) for name, (own, _) in EXPECTED.items()}

    asyncio.run(run())


def test_the_api_ignores_the_cookie_of_a_session_that_the_page_takes(tmp_path: Path) -> None:
    async def run() -> None:
        async with receiver() as endpoint, tenant(tmp_path) as t, visitor(t) as me:
            webhook, delivery = await _failed(t, endpoint)
            assert (await me.get("/settings/webhooks")).status == 200
            for operation in OPERATIONS:
                name = (operation.method, operation.path)
                place = operation.path.replace("{id}", webhook["id"]).replace(
                    "{delivery}", delivery
                )
                sent = {"If_Match": "*", "Origin": "http://tenant.test", **me._headers}
                answer = await t.call(
                    operation.method, place, _body(name, webhook), token=None, **sent
                )
                assert answer.status_code == (200 if operation.scopes is None else 401), name
            assert await _shown(t, webhook) == webhook

    asyncio.run(run())
