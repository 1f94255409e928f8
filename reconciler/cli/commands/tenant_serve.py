"""`reconciler tenant serve`, and opening the tenant's database for it and for the other commands of
`tenant.py`.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import Decorator, logging_options, network_options, option, together
from reconciler.cli.run.certificates import ca_file_option
from reconciler.cli.terminal.console import console_of

if TYPE_CHECKING:
    from reconciler.tenant.server.server import Place

db_option: Decorator[Any] = option(
    "--db",
    default=".reconciler/tenant.db",
    show_default=True,
    metavar="FILE",
    help="The tenant's database.",
)


EPILOG = """\b
Examples:
  reconciler tenant serve
  reconciler tenant serve --db shared.db --port 0
  reconciler tenant serve --allow-network 10.0.0.0/8
  reconciler tenant serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem \\
    --allow-host tenant.example.com
  reconciler tenant serve --public-url https://tenant.example.com

Behind a proxy that ends TLS, --public-url says where browsers see it: then the page takes forms
from there alone and its cookie is for TLS alone. A request whose Host is neither loopback's,
--host, an --allow-host nor --public-url's is answered with 421. Log lines, one a request and one an
attempt, go to standard error, without secrets, paths and queries. /healthz and /metrics tell how it
is.
"""


def open_db(db: str, *, new: bool = True) -> Any:
    """The store of that file; with `new` it is made where there is none. Raises StoreError."""
    from reconciler.cli.run.tenant_folder import prepare_folder  # noqa: PLC0415  `--help` needs no database
    from reconciler.core.errors import StoreError  # noqa: PLC0415  likewise
    from reconciler.tenant.store.store import open_store  # noqa: PLC0415  likewise

    if new:
        prepare_folder(str(Path(db).absolute()))
    elif not Path(db).exists():
        raise StoreError(f"{db}: does not exist; tenant serve and tenant token make it")
    return open_store(db, key=os.environ.get("RECONCILER_TENANT_KEY"))


def _schedule(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
    from reconciler.tenant.schedule.retries import Retries, parsed  # noqa: PLC0415  `--help` needs none of it

    try:
        return Retries() if value is None else Retries(parsed(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _public(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    from reconciler.tenant.server.server import public_origin  # noqa: PLC0415  `--help` needs none of it

    try:
        return None if value is None else public_origin(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _proxy(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
    from reconciler.core.errors import BadRequest  # noqa: PLC0415  `--help` needs none of it
    from reconciler.net.proxies import parse_proxy  # noqa: PLC0415  likewise

    try:
        return None if value is None else parse_proxy(value, "the value")
    except BadRequest as error:
        raise click.BadParameter(str(error)) from None


_place: Decorator[Any] = together(
    option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    option(
        "--port",
        type=click.IntRange(0, 65535),
        default=8080,
        show_default=True,
        help="0: any free one, printed.",
    ),
    option(
        "--allow-host",
        multiple=True,
        metavar="NAME",
        help="A host name that it answers to; repeatable.",
    ),
    option(
        "--tls-cert", metavar="FILE", help="Certificate chain in PEM: serve https, with --tls-key."
    ),
    option("--tls-key", metavar="FILE", help="The certificate's key in PEM."),
    option(
        "--public-url",
        metavar="URL",
        callback=_public,
        help="https:// address at which a proxy that ends TLS shows the page and API.",
    ),
    option(
        "--allow-plain-http", is_flag=True, help="Serve other addresses than loopback without TLS."
    ),
)
_rates: Decorator[Any] = together(
    option(
        "--requests-per-minute",
        type=click.IntRange(1),
        default=60_000,
        show_default=True,
        help="API requests a token may send.",
    ),
    option(
        "--tests-per-minute",
        type=click.IntRange(1),
        default=600,
        show_default=True,
        help="Test deliveries a token may ask for.",
    ),
    option(
        "--connections-per-address",
        type=click.IntRange(1, 1000),
        help="Connections a client address may have.  [default: 250; with --public-url 1000]",
    ),
)


def _served_at(values: dict[str, Any]) -> Place:
    """Where the options say that the tenant is served."""
    from reconciler.tenant.server.protocol import CONNECTIONS, PER_ADDRESS  # noqa: PLC0415  `--help` needs none of it
    from reconciler.tenant.server.server import Place  # noqa: PLC0415  likewise

    per_address = values["connections_per_address"] or (
        CONNECTIONS if values["public_url"] else PER_ADDRESS
    )
    return Place(
        *(values["host"], values["port"], values["allow_host"], values["allow_plain_http"]),
        *(values["tls_cert"], values["tls_key"], values["public_url"], per_address),
    )


@click.command("serve", epilog=EPILOG)
@db_option
@_place
@_rates
@option(
    "--retry-schedule",
    metavar="SPANS",
    callback=_schedule,
    help="Waits before a failed delivery is tried again.  [default: "
    "5s,30s,2m,10m,1h,6h,12h,24h,24h]",
)
@option(
    "--metrics-per-webhook",
    is_flag=True,
    help="/metrics has numbers of each webhook too, up to 1,000 webhooks.",
)
@network_options
@ca_file_option
@option(
    "--delivery-proxy",
    metavar="URL",
    callback=_proxy,
    help="A proxy for deliveries to https endpoints.  [default: none; HTTPS_PROXY is not read]",
)
@logging_options
@click.pass_context
def serve(ctx: click.Context, /, **values: Any) -> None:
    """Serve the tenant until SIGTERM or Ctrl-C. Prints its API's address, and a sign-in link for
    its page, when it is ready.
    """
    from reconciler.cli.run.connect import sender  # noqa: PLC0415  `--help` needs none of it
    from reconciler.cli.run.source import Options  # noqa: PLC0415  likewise
    from reconciler.cli.terminal.lines import Lines  # noqa: PLC0415  likewise
    from reconciler.tenant.api.endpoint import SIGN_IN  # noqa: PLC0415  likewise
    from reconciler.tenant.api.webhooks import BASE  # noqa: PLC0415  likewise
    from reconciler.tenant.server.app import create_app  # noqa: PLC0415  likewise
    from reconciler.tenant.server.server import serve as run  # noqa: PLC0415  likewise

    if (values["tls_cert"] is None) is not (values["tls_key"] is None):
        raise click.UsageError("--tls-cert and --tls-key go together", ctx)
    console = console_of(ctx)
    place = _served_at(values)
    deliveries = sender(Options(values), values["delivery_proxy"])
    store, lines = open_db(values["db"]), Lines(2)
    try:
        console.start_logging(lines)
        more = {
            "metrics_per_webhook": values["metrics_per_webhook"],
            "sign_in": f"{SIGN_IN} --db {shlex.quote(values['db'])}",
        }
        rates = {name: values[name] for name in ("tests_per_minute", "requests_per_minute")}
        retries = values["retry_schedule"]
        app = create_app(
            store,
            deliveries,
            allowed_hosts=place.hosts,
            public=place.public,
            retries=retries,
            **rates,
            **more,
        )

        def ready(origin: str) -> None:
            shown = place.public or origin
            link = store.sign_in_address(
                shown
            )  # before anything is printed: it may be what a damaged file cannot do
            console.data(shown + BASE)
            console.data(f"page: {link}")
            if place.public is not None:
                console.data(f"listens on {origin}")

        run(store, app, place, ready)
    finally:
        store.close()
        lines.close()
