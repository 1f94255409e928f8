"""How the embedded tenant is served, and who has access to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from reconciler.cli.options.option import Decorator, option, together
from reconciler.core.errors import BadRequest

if TYPE_CHECKING:
    from reconciler.net.proxies import Proxy
    from reconciler.tenant.schedule.retries import Retries


class PlaceOptions(NamedTuple):
    """Where the tenant is served, and the hosts that it answers to."""

    host: str = "127.0.0.1"
    port: int = 0
    allow_host: tuple[str, ...] = ()
    tls_cert: str | None = None
    tls_key: str | None = None
    public_url: str | None = None
    allow_plain_http: bool = False
    connections_per_address: int | None = None


class AccessOptions(NamedTuple):
    """A new access token: its name, what it may do, for whom, and until when (POSIX time)."""

    name: str = ""
    scope: tuple[str, ...] = ()
    owner: str | None = None
    expires: float | None = None


class RateOptions(NamedTuple):
    """What a token may ask for in a minute."""

    requests_per_minute: int = 60_000
    tests_per_minute: int = 600


db_option: Decorator[Any] = option(
    "--db",
    default=".reconciler/tenant.db",
    show_default=True,
    metavar="FILE",
    help="The tenant's database.",
)


def _parse_schedule(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Retries:
    from reconciler.tenant.schedule.retries import Retries, parse_schedule  # noqa: PLC0415  `--help` needs none of it

    try:
        return Retries() if value is None else Retries(parse_schedule(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _parse_public_url(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> str | None:
    from reconciler.net.listening import read_origin  # noqa: PLC0415  `--help` needs none of it

    try:
        return None if value is None else read_origin(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _read_proxy(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Proxy | None:
    from reconciler.net.proxies import parse_proxy  # noqa: PLC0415  `--help` needs none of it

    try:
        return None if value is None else parse_proxy(value, "the value")
    except BadRequest as error:
        raise click.BadParameter(str(error)) from None


place_options: Decorator[Any] = together(
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
        callback=_parse_public_url,
        help="https:// address at which a proxy that ends TLS shows the page and API.",
    ),
    option(
        "--allow-plain-http", is_flag=True, help="Serve other addresses than loopback without TLS."
    ),
)

rate_options: Decorator[Any] = together(
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

retry_schedule_option: Decorator[Any] = option(
    "--retry-schedule",
    metavar="SPANS",
    callback=_parse_schedule,
    help="Waits before a failed delivery is tried again.  [default: "
    "5s,30s,2m,10m,1h,6h,12h,24h,24h]",
)

delivery_proxy_option: Decorator[Any] = option(
    "--delivery-proxy",
    metavar="URL",
    callback=_read_proxy,
    help="A proxy for deliveries to https endpoints.  [default: none; HTTPS_PROXY is not read]",
)
