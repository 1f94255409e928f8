"""The option `--ca-file` of every command that speaks to a tenant, to endpoints or to secret
stores.
"""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options import Decorator, option


def _checked(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A file that holds certificates; raises BadParameter."""
    if value is None:
        return None
    from reconciler.core.errors import BadRequest  # noqa: PLC0415  only runs with a private authority load TLS for it
    from reconciler.net.trust import check_ca_file  # noqa: PLC0415  likewise

    try:
        check_ca_file(value)
    except BadRequest as error:
        raise click.BadParameter(str(error)) from None
    return value


ca_file_option: Decorator[Any] = option(
    "--ca-file",
    metavar="FILE",
    callback=_checked,
    help="Certificate authorities in PEM, trusted beside the machine's.",
)
