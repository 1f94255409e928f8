"""The tenant as an ASGI application: routes as data, start and end.

Needs no lifespan events: without them nothing that an earlier process left is picked up, and all
else works.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import HTTPExceptionHandler, Lifespan, Scope

from reconciler.delivery.send import Sender
from reconciler.tenant import problems
from reconciler.tenant.api import deliveries as api_deliveries
from reconciler.tenant.api import events as api_events
from reconciler.tenant.api import metrics as api_metrics
from reconciler.tenant.api import openapi
from reconciler.tenant.api import tests as api_tests
from reconciler.tenant.api import webhooks as api_webhooks
from reconciler.tenant.api.endpoint import (
    SIGN_IN,
    Call,
    Endpoint,
    Operation,
    Tenant,
    check_host,
    reply,
)
from reconciler.tenant.api.webhooks import BASE
from reconciler.tenant.engine.engine import Engine
from reconciler.tenant.page import front
from reconciler.tenant.page.routes import routes as page_routes
from reconciler.tenant.problems import Problem, Refusal
from reconciler.tenant.requests.rates import Rates
from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.server.watch import Watch
from reconciler.tenant.store.rows.events import MAX_PENDING
from reconciler.tenant.store.rows.tokens import EVENTS, READ, WRITE
from reconciler.tenant.store.store import Store
from reconciler.tenant.telemetry import Telemetry


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
    Operation(
        "POST",
        "/webhooks/{id}/deliveries/{delivery}/redeliver",
        (WRITE,),
        api_deliveries.send_again,
    ),
    Operation("POST", "/webhooks/{id}/redeliver", (WRITE,), api_deliveries.send_failed_again),
    Operation("GET", "/webhooks/{id}/invocations", (READ,), api_deliveries.counts),
    Operation("GET", "/invocations", (READ,), api_deliveries.totals),
    Operation("GET", "/events", (READ, EVENTS), api_events.catalogue),
    Operation("POST", "/events", (EVENTS,), api_events.accept),
    Operation("GET", "/healthz", None, api_metrics.health),
    Operation("GET", "/metrics", (READ,), api_metrics.metrics),
    Operation("GET", "/openapi.json", None, _document),
)
_AT_ROOT: Final = frozenset({"/healthz", "/metrics", "/openapi.json"})


def _routes(tenant: Tenant) -> list[Route]:
    paths: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        for base in (BASE, "") if operation.path in _AT_ROOT else (BASE,):
            paths.setdefault(base + operation.path, {})[operation.method] = operation
    return [Route(path, Endpoint(tenant, operations)) for path, operations in paths.items()]


def _to_its_end(route: Route) -> Route:
    """A route that is its path and nothing behind it: the `$` of Starlette's patterns lets a line
    break follow.
    """
    route.path_regex = re.compile(route.path_regex.pattern.removesuffix("$") + r"\Z")
    return route


def _refused(scope: Scope, kind: str) -> Response:
    """A refusal outside of every operation: a document below the API's base, else a page."""
    return (problems.response if scope["path"].startswith("/public-api") else front.refused)(
        Problem(kind)
    )


def _unknown(tenant: Tenant) -> HTTPExceptionHandler:
    """What is answered to a path that is nobody's."""

    async def answer(request: Request, _error: Exception) -> Response:
        try:
            check_host(tenant, request)
        except Refusal as refusal:
            return _refused(request.scope, refusal.problem.type)
        return _refused(request.scope, "not-found")

    return answer


def _lifespan(sender: Sender, engine: Engine | None) -> Lifespan[Starlette]:
    """Begins and ends with the server: the engine, and at the very end the sender."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with sender:
            if engine is None:
                yield
                return
            await sender.prepare()
            await engine.start()
            try:
                yield
            finally:
                await engine.stop()

    return lifespan


def create_app(  # noqa: PLR0913  each is an option of `tenant serve` or of a test
    store: Store,
    sender: Sender,
    *,
    local_token: str | None = None,
    allowed_hosts: tuple[str, ...] | None = None,
    public: str | None = None,
    tests_per_minute: int = 600,
    requests_per_minute: int = 60_000,
    deliver: bool = True,
    max_pending: int = MAX_PENDING,
    retries: Retries = Retries(),  # noqa: B008  a frozen value
    metrics_per_webhook: bool = False,
    sign_in: str = SIGN_IN,
) -> Starlette:
    """The application over an open store; `app.state.engine` is its engine, None without `deliver`.

    `local_token` is a token with every scope that stands in no file. `allowed_hosts` are the names
    it answers to, None for all; `public` is the origin of its page behind a proxy that ends TLS;
    `sign_in` is the command that prints a sign-in link. With lifespan events it recovers what an
    earlier process left, and closes the sender at the end.
    """
    telemetry = Telemetry(per_webhook=metrics_per_webhook)
    engine = (
        Engine(store, sender, retries, partial(telemetry.attempt, "event")) if deliver else None
    )
    local = None if local_token is None else hashlib.sha256(local_token.encode()).digest()
    hosts = None if allowed_hosts is None else tuple(host.lower() for host in allowed_hosts)
    tests, requests = Rates(tests_per_minute, store.clock), Rates(requests_per_minute, store.clock)
    tenant = Tenant(
        store,
        sender,
        engine,
        tests,
        requests,
        telemetry,
        local,
        hosts,
        max_pending,
        public,
        sign_in,
    )

    watch = Middleware(Watch, telemetry=telemetry, refuse=lambda scope: _refused(scope, "defect"))
    handlers = {HTTPException: _unknown(tenant)}
    routes = [_to_its_end(route) for route in (*_routes(tenant), *page_routes(tenant))]
    app = Starlette(
        routes=routes,
        middleware=[watch],
        exception_handlers=handlers,
        lifespan=_lifespan(sender, engine),
    )
    app.router.redirect_slashes = False
    app.state.engine = engine
    return app
