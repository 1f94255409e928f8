"""A listing of each product with one webhook, as its API answers it, and a provider over a server
that gives prepared answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from reconciler.core.model.secret import Secret
from reconciler.manifests.decode.products import read_built_in
from reconciler.providers.base import Provider
from reconciler.providers.driver.product import Product
from reconciler.providers.http.client import Client
from reconciler.providers.http.label import Label
from reconciler.providers.product_file.plugin import ProductFile
from reconciler.providers.registry import load
from tests.providers.builders import Answering, Asked, Reply, reply, serving
from tests.stand_ins.gitlab import FLAGS, OTHERS, TEXTS

LOGIN = "user:token-0123456789"
URL = "https://hooks.example.com/one"
MARK = "[reconciler owner=payments key=one]"
TARGETS: Mapping[str, Mapping[str, Any]] = {
    "github": {"repository": "acme/api"},
    "gitlab": {"project": "acme/api"},
    "gitea": {"repository": "acme/api"},
    "svix": {"application": "acme"},
    "mlflow": {},
    "label-studio": {"project": "1"},
    "pretix": {"organizer": "acme"},
}
WEBHOOKS: Mapping[str, dict[str, Any]] = {
    "github": {
        "id": 1,
        "name": "web",
        "active": True,
        "events": ["push"],
        "config": {"url": URL, "content_type": "json", "insecure_ssl": "0", "secret": "********"},
        "updated_at": "2026-11-29T00:00:00Z",
        "created_at": "2026-11-29T00:00:00Z",
        "last_response": {"code": 502, "status": "active", "message": "x"},
    },
    "gitlab": {"id": 1, "url": URL, **FLAGS, **TEXTS, **OTHERS, "description": MARK},
    "gitea": {
        "id": 1,
        "type": "gitea",
        "active": True,
        "events": ["push"],
        "config": {"url": URL, "content_type": "json"},
        "branch_filter": "main",
        "authorization_header": "",
        "created_at": "2026-11-29T00:00:00Z",
    },
    "svix": {
        "id": "ep_1",
        "uid": "one",
        "url": URL,
        "description": "",
        "disabled": False,
        "filterTypes": ["user.signup"],
        "channels": ["a"],
        "rateLimit": 5,
        "metadata": {"reconciler.owner": "payments"},
        "createdAt": "2026-11-29T00:00:00Z",
        "updatedAt": "2026-11-29T00:00:00Z",
    },
    "mlflow": {
        "webhook_id": "1",
        "name": "one",
        "url": URL,
        "description": MARK,
        "status": "ACTIVE",
        "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}],
        "last_updated_timestamp": 1,
    },
    "label-studio": {
        "id": 1,
        "url": URL,
        "is_active": True,
        "actions": ["TASKS_CREATED"],
        "send_for_all_actions": False,
        "send_payload": True,
        "headers": {"X-Managed-By": MARK},
        "created_at": "2026-11-29T00:00:00Z",
        "updated_at": "2026-11-29T00:00:00Z",
    },
    "pretix": {
        "id": 1,
        "enabled": True,
        "target_url": URL,
        "all_events": True,
        "limit_events": [],
        "action_types": ["pretix.event.order.paid"],
        "comment": MARK,
    },
}


def make_listing(product: str, webhook: object) -> object:
    """The body of the only page, with that webhook alone."""
    match product:
        case "svix":
            return {"data": [webhook], "iterator": "ep_1", "done": True}
        case "mlflow":
            return {"webhooks": [webhook]}
        case "pretix":
            return {"results": [webhook], "next": None}
        case _:
            return [webhook]


def answer_listing(asked: Asked, listing: object) -> Reply:
    """That page, at a forge without a ledger; Gitea's listing ends by an empty one."""
    if "/actions/variables" in asked.target:
        return reply([] if asked.target.startswith("/api/") else {"variables": []})
    return reply([] if "page=2" in asked.target else listing)


def open_plugin(product: str) -> Product:
    file = read_built_in(product)
    plugin = load(product) if file is None else ProductFile(file)
    assert isinstance(plugin, Product)
    return plugin


@asynccontextmanager
async def provide(product: str, answer: Answering, **options: Any) -> AsyncIterator[Provider]:
    """The provider of a product that gives these answers; a request has one try."""
    plugin = open_plugin(product)
    async with serving(answer) as server:
        parts = urlsplit(server.url)
        token = Secret(LOGIN, "fromEnv: PRODUCT_TOKEN")
        label = Label("here", token_place="PRODUCT_TOKEN")
        async with Client(
            f"{parts.scheme}://{parts.netloc}",
            token,
            label=label,
            dialect=plugin.dialect,
            tries=1,
            **options,
        ) as http:
            yield plugin.provider(http, TARGETS[product])
