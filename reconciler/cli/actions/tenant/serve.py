"""Serves the embedded tenant."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from starlette.applications import Starlette

from reconciler import connect
from reconciler.cli.options.serving import PlaceOptions, RateOptions
from reconciler.cli.run.database import open_db
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.lines import Lines
from reconciler.cli.terminal.logs import start_logging
from reconciler.connection import Connection
from reconciler.delivery.send import Sender
from reconciler.net.listening import PER_ADDRESS, Place
from reconciler.net.proxies import Proxy
from reconciler.tenant.api.endpoint import SIGN_IN
from reconciler.tenant.api.webhooks import BASE
from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.server import server
from reconciler.tenant.server.app import create_app
from reconciler.tenant.server.protocol import CONNECTIONS
from reconciler.tenant.store.store import Store


@dataclass(frozen=True, slots=True)
class Tenant:
    """The tenant in the database `db`."""

    db: str
    rates: RateOptions
    retries: Retries
    metrics_per_webhook: bool


def make_sender(options: Connection, proxy: Proxy | None) -> Sender:
    """What sends the tenant's deliveries."""
    return connect.make_sender(options, proxy)


def serve(console: Console, tenant: Tenant, options: PlaceOptions, deliveries: Sender) -> None:
    """Serves until SIGTERM or Ctrl-C."""
    place = _place(options)
    store, lines = open_db(tenant.db), Lines(2)
    try:
        start_logging(console, lines)
        app = _app(tenant, store, deliveries, place)
        server.serve(store, app, place, _announce(console, store, place))
    finally:
        store.close()
        lines.close()


def _place(options: PlaceOptions) -> Place:
    per_address = options.connections_per_address or (
        CONNECTIONS if options.public_url else PER_ADDRESS
    )
    return Place(
        host=options.host,
        port=options.port,
        names=options.allow_host,
        plain=options.allow_plain_http,
        certificate=options.tls_cert,
        key=options.tls_key,
        public=options.public_url,
        per_address=per_address,
    )


def _app(tenant: Tenant, store: Store, deliveries: Sender, place: Place) -> Starlette:
    return create_app(
        store,
        deliveries,
        allowed_hosts=place.hosts,
        public=place.public,
        tests_per_minute=tenant.rates.tests_per_minute,
        requests_per_minute=tenant.rates.requests_per_minute,
        retries=tenant.retries,
        metrics_per_webhook=tenant.metrics_per_webhook,
        sign_in=f"{SIGN_IN} --db {shlex.quote(tenant.db)}",
    )


def _announce(console: Console, store: Store, place: Place) -> Callable[[str], None]:
    """Prints the addresses, and a sign-in link, once the tenant listens."""

    def announce(origin: str) -> None:
        shown = place.public or origin
        # before anything is printed: it may be what a damaged file cannot do
        link = store.create_sign_in_address(shown)
        console.data(shown + BASE)
        console.data(f"page: {link}")
        if place.public is not None:
            console.data(f"listens on {origin}")

    return announce
