"""The tenant as an ASGI application: routes as data, start and end. Made by `cli`, for a server and in process for `--local`.

Needs no lifespan events: without them nothing that an earlier process left is picked up, and all else works.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.delivery.send import Sender
from reconciler.tenant import api_deliveries, api_events, api_tests, api_webhooks, openapi, problems
from reconciler.tenant.api_webhooks import BASE
from reconciler.tenant.endpoint import Call, Endpoint, Operation, Rates, Tenant, reply
from reconciler.tenant.engine import Engine
from reconciler.tenant.events import MAX_PENDING
from reconciler.tenant.page.routes import routes as page_routes
from reconciler.tenant.problems import Problem
from reconciler.tenant.retries import Retries
from reconciler.tenant.store import Store
from reconciler.tenant.tokens import EVENTS, READ, WRITE


async def _health(_call: Call) -> Response:
    return reply({"status": "ok"})


async def _document(_call: Call) -> Response:
    return reply(openapi.DOCUMENT)


OPERATIONS: Final = (
    Operation("GET", "/webhooks", (READ,), api_webhooks.listing),
    Operation("POST", "/webhooks", (WRITE,), api_webhooks.create),
    Operation("POST", "/webhooks/test", (WRITE,), api_tests.unsaved),
    Operation("GET", "/webhooks/{id}", (READ,), api_webhooks.read),
    Operation("PATCH", "/webhooks/{id}", (WRITE,), api_webhooks.patch),
    Operation("DELETE", "/webhooks/{id}", (WRITE,), api_webhooks.delete),
    Operation("POST", "/webhooks/{id}/test", (WRITE,), api_tests.saved),
    Operation("GET", "/webhooks/{id}/deliveries", (READ,), api_deliveries.listing),
    Operation("POST", "/webhooks/{id}/deliveries/{delivery}/redeliver", (WRITE,), api_deliveries.send_again),
    Operation("POST", "/webhooks/{id}/redeliver", (WRITE,), api_deliveries.send_failed_again),
    Operation("GET", "/webhooks/{id}/invocations", (READ,), api_deliveries.counts),
    Operation("GET", "/invocations", (READ,), api_deliveries.totals),
    Operation("GET", "/events", (READ, EVENTS), api_events.catalogue),
    Operation("POST", "/events", (EVENTS,), api_events.accept),
    Operation("GET", "/healthz", None, _health),
    Operation("GET", "/openapi.json", None, _document),
)
_AT_ROOT: Final = frozenset({"/healthz", "/openapi.json"})


def _routes(tenant: Tenant) -> list[Route]:
    paths: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        for base in (BASE, "") if operation.path in _AT_ROOT else (BASE,):
            paths.setdefault(base + operation.path, {})[operation.method] = operation
    return [Route(path, Endpoint(tenant, operations)) for path, operations in paths.items()]


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return problems.response(Problem("not-found" if status == 404 else "bad-request"))


async def _defect(_request: Request, _error: Exception) -> Response:
    return problems.response(Problem("defect"))


def create_app(  # noqa: PLR0913  each is an option of `tenant serve` or of a test
    store: Store,
    sender: Sender,
    *,
    local_token: str | None = None,
    allowed_hosts: tuple[str, ...] | None = None,
    tests_per_minute: int = 600,
    deliver: bool = True,
    max_pending: int = MAX_PENDING,
    retries: Retries = Retries(),  # noqa: B008  a frozen value
) -> Starlette:
    """The application over an open store; `app.state.engine` is its engine, None without `deliver`.

    `local_token` is a token with every scope that stands in no file. `allowed_hosts` are the names it answers to, None for all.
    With lifespan events it recovers what an earlier process left, and closes the sender at the end.
    """
    engine = Engine(store, sender, retries) if deliver else None
    local = None if local_token is None else hashlib.sha256(local_token.encode()).digest()
    hosts = None if allowed_hosts is None else tuple(host.lower() for host in allowed_hosts)
    tenant = Tenant(store, sender, engine, Rates(tests_per_minute, store.clock), local, hosts, max_pending)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with sender:
            if engine is None:
                yield
                return
            await engine.start()
            try:
                yield
            finally:
                await engine.stop()

    handlers = {HTTPException: _http_error, Exception: _defect}
    app = Starlette(routes=[*_routes(tenant), *page_routes(tenant)], exception_handlers=handlers, lifespan=lifespan)
    app.router.redirect_slashes = False
    app.state.engine = engine
    return app
