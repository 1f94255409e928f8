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
from reconciler.tenant.page.routes import make_routes as make_page_routes
from reconciler.tenant.problems import Problem, Refusal
from reconciler.tenant.requests.rates import Rates
from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.server.watch import Watch
from reconciler.tenant.store.store import Store
from reconciler.tenant.store.values.event import MAX_PENDING
from reconciler.tenant.store.values.token import EVENTS, READ, WRITE
from reconciler.tenant.telemetry import Telemetry


async def _show_document(_call: Call) -> Response:
    return reply(openapi.DOCUMENT)


OPERATIONS: Final = (
    Operation("GET", "/webhooks", (READ,), api_webhooks.list_webhooks),
    Operation("POST", "/webhooks", (WRITE,), api_webhooks.create_webhook),
    Operation("POST", "/webhooks/test", (WRITE,), api_tests.run_unsaved_test),
    Operation("GET", "/webhooks/{id}", (READ,), api_webhooks.show_webhook),
    Operation("PATCH", "/webhooks/{id}", (WRITE,), api_webhooks.change_webhook),
    Operation("DELETE", "/webhooks/{id}", (WRITE,), api_webhooks.delete_webhook),
    Operation("POST", "/webhooks/{id}/test", (WRITE,), api_tests.run_saved_test),
    Operation("GET", "/webhooks/{id}/deliveries", (READ,), api_deliveries.list_deliveries),
    Operation(
        "POST",
        "/webhooks/{id}/deliveries/{delivery}/redeliver",
        (WRITE,),
        api_deliveries.resend,
    ),
    Operation("POST", "/webhooks/{id}/redeliver", (WRITE,), api_deliveries.resend_failed),
    Operation("GET", "/webhooks/{id}/invocations", (READ,), api_deliveries.list_invocations),
    Operation("GET", "/invocations", (READ,), api_deliveries.show_totals),
    Operation("GET", "/events", (READ, EVENTS), api_events.list_events),
    Operation("POST", "/events", (EVENTS,), api_events.accept_event),
    Operation("GET", "/healthz", None, api_metrics.check_health),
    Operation("GET", "/metrics", (READ,), api_metrics.show_metrics),
    Operation("GET", "/openapi.json", None, _show_document),
)
_AT_ROOT: Final = frozenset({"/healthz", "/metrics", "/openapi.json"})


def _make_routes(tenant: Tenant) -> list[Route]:
    paths: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        for base in (BASE, "") if operation.path in _AT_ROOT else (BASE,):
            paths.setdefault(base + operation.path, {})[operation.method] = operation
    return [Route(path, Endpoint(tenant, operations)) for path, operations in paths.items()]


def _match_whole(route: Route) -> Route:
    """A route that is its path and nothing behind it: the `$` of Starlette's patterns lets a line
    break follow.
    """
    route.path_regex = re.compile(route.path_regex.pattern.removesuffix("$") + r"\Z")
    return route


def _refuse(scope: Scope, kind: str) -> Response:
    """A refusal outside of every operation: a document below the API's base, else a page."""
    return (
        problems.make_response if scope["path"].startswith("/public-api") else front.render_refusal
    )(Problem(kind))


def _make_unknown_handler(tenant: Tenant) -> HTTPExceptionHandler:
    """The handler that answers unknown paths."""

    async def answer(request: Request, _error: Exception) -> Response:
        try:
            check_host(tenant, request)
        except Refusal as refusal:
            return _refuse(request.scope, refusal.problem.type)
        return _refuse(request.scope, "not-found")

    return answer


def _make_lifespan(sender: Sender, engine: Engine | None) -> Lifespan[Starlette]:
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
        Engine(store, sender, retries, partial(telemetry.count_attempt, "event"))
        if deliver
        else None
    )
    tenant = Tenant(
        store,
        sender,
        engine,
        Rates(tests_per_minute, store.clock),
        Rates(requests_per_minute, store.clock),
        telemetry,
        None if local_token is None else hashlib.sha256(local_token.encode()).digest(),
        None if allowed_hosts is None else tuple(host.lower() for host in allowed_hosts),
        max_pending,
        public,
        sign_in,
    )
    return _assemble(tenant)


def _assemble(tenant: Tenant) -> Starlette:
    """The application of a tenant: its routes, the watch around them, its start and end."""
    watch = Middleware(
        Watch, telemetry=tenant.telemetry, refuse=lambda scope: _refuse(scope, "defect")
    )
    routes = [_match_whole(route) for route in (*_make_routes(tenant), *make_page_routes(tenant))]
    app = Starlette(
        routes=routes,
        middleware=[watch],
        exception_handlers={HTTPException: _make_unknown_handler(tenant)},
        lifespan=_make_lifespan(tenant.sender, tenant.engine),
    )
    app.router.redirect_slashes = False
    app.state.engine = tenant.engine
    return app
