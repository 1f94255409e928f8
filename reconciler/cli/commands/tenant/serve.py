"""`reconciler tenant serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from reconciler.cli.options.connection import ca_file_option, network_options
from reconciler.cli.options.option import option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options
from reconciler.cli.options.serving import (
    PlaceOptions,
    RateOptions,
    db_option,
    delivery_proxy_option,
    place_options,
    rate_options,
    retry_schedule_option,
)
from reconciler.cli.terminal.console import console_of
from reconciler.connection import Connection

if TYPE_CHECKING:
    from reconciler.net.proxies import Proxy
    from reconciler.tenant.schedule.retries import Retries

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
attempt, go to standard error, without secrets, paths and queries. /healthz and /metrics show how it
is.
"""


class ServeOptions(NamedTuple):
    """The options of `tenant serve`."""

    db: str
    retry_schedule: Retries
    place: PlaceOptions = PlaceOptions()
    rates: RateOptions = RateOptions()
    connection: Connection = Connection()
    delivery_proxy: Proxy | None = None
    metrics_per_webhook: bool = False


@click.command("serve", epilog=EPILOG)
@db_option
@place_options
@rate_options
@retry_schedule_option
@option(
    "--metrics-per-webhook",
    is_flag=True,
    help="/metrics has numbers of each webhook too, up to 1,000 webhooks.",
)
@network_options
@ca_file_option
@delivery_proxy_option
@logging_options
@pass_options(ServeOptions)
def serve(ctx: click.Context, options: ServeOptions) -> None:
    """Serve the tenant until SIGTERM or Ctrl-C. Prints its API's address, and a sign-in link for
    its page, when it is ready.
    """
    from reconciler.cli.actions.tenant import serve  # noqa: PLC0415  `--help` needs none of it

    place = options.place
    if (place.tls_cert is None) is not (place.tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together", ctx)
    tenant = serve.Tenant(
        options.db, options.rates, options.retry_schedule, options.metrics_per_webhook
    )
    sender = serve.make_sender(options.connection, options.delivery_proxy)
    serve.serve(console_of(ctx), tenant, place, sender)
