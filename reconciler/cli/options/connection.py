"""How tenants, endpoints and secret stores are reached."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options.option import Decorator, Number, option, together
from reconciler.core.errors import BadRequest


def _check_file(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A file that holds certificates; raises BadParameter."""
    if value is None:
        return None
    from reconciler.net.trust import check_ca_file  # noqa: PLC0415  only runs with a private authority load TLS for it

    try:
        check_ca_file(value)
    except BadRequest as error:
        raise click.BadParameter(str(error)) from None
    return value


ca_file_option: Decorator[Any] = option(
    "--ca-file",
    metavar="FILE",
    callback=_check_file,
    help="Certificate authorities in PEM, trusted beside the machine's.",
)

network_options: Decorator[Any] = together(
    option(
        "--allow-network",
        multiple=True,
        metavar="CIDR",
        help="Addresses that deliveries may reach beside public ones; repeatable.",
    ),
    option(
        "--allow-port",
        multiple=True,
        type=click.IntRange(1, 65535),
        metavar="N",
        help="A port below 1024 beside 80, 443; repeatable.",
    ),
)

time_options: Decorator[Any] = together(
    option(
        "--timeout",
        type=Number(min=0.001),
        default=30.0,
        metavar="S",
        help="Seconds a request may take.  [default: 30]",
    ),
    option(
        "--deadline",
        type=Number(min=0.001),
        metavar="S",
        help="Seconds the whole run may take.  [default: no limit]",
    ),
)
