"""What the tests of a webhook's form fill in, and where: texts, secrets, the two steps of creating,
the page of a webhook.
"""

from __future__ import annotations

from typing import Any

from tests.tenant.harness import Tenant
from tests.tenant.page.visitor import Page, Visitor

STARTED = "elastio:recovery-point:create:started"
EVENTS = [{"type": STARTED, "version": "v0", "severity": "info"}]
MARK = {
    "owner": "payments",
    "key": "payments-oncall",
    "sources": ["webhooks/payments.yaml"],
    "revision": "4fd1c2e",
    "repository": "forge.example/acme/webhooks",
}
CREATE = "/settings/webhooks/new"
URL = "https://hooks.example.com/a"
OLD, NEW = "sesame-open-4711", "another-one-0815"
BEARER = {"type": "bearer", "token": OLD, "credential_version": "7"}
API_KEY = {"type": "apiKey", "header": "X-API-Key", "value": OLD, "credential_version": "7"}


async def step_2(me: Visitor, **typed: str) -> Page:
    page = await me.press(await me.get(CREATE), "next", **{"name": "one", "url": URL, **typed})
    assert page.path.endswith("/events"), page.text
    return page


def get_path(webhook: dict[str, Any]) -> str:
    return f"/settings/webhooks/{webhook['id']}"


async def read_again(made: Tenant, webhook: dict[str, Any]) -> dict[str, Any]:
    return dict((await made.call("GET", f"/webhooks/{webhook['id']}")).json())
