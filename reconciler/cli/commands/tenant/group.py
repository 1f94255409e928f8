"""`reconciler tenant`: the embedded tenant's access tokens, sign-in links and backups. Serving it:
`serve.py`.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Final, NamedTuple

import click

from reconciler.cli.commands.tenant.serve import serve
from reconciler.cli.options.option import option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.serving import AccessOptions, db_option
from reconciler.cli.terminal.console import console_of

SCOPES: Final = ("Webhooks: Read", "Webhooks: Write", "Events: Write")
_UNITS: Final = {"m": 60, "h": 3600, "d": 86400}

EPILOG = """\b
Examples:
  reconciler tenant serve --port 8080
  reconciler tenant token ci --scope "Webhooks: Write" --owner payments --out token.txt
  reconciler tenant tokens
  reconciler tenant revoke ci
  reconciler tenant login
  reconciler tenant backup tenant-2026-01-31.db
"""


@click.group("tenant", epilog=EPILOG)
@logging_options
def command() -> None:
    """The embedded tenant: the project's own, modelled on Elastio's Settings > Webhooks page."""


command.add_command(serve)


TO_MAKE = """\b
Examples:
  reconciler tenant token ci --scope "Webhooks: Write" --owner payments --out token.txt
  reconciler tenant token reader --scope "Webhooks: Read" --expires 90d
"""


def _expiry(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    span = re.fullmatch(r"(\d{1,6})([mhd])", value)
    if span:
        if not int(span[1]):
            raise click.BadParameter("is over at once")
        return time.time() + int(span[1]) * _UNITS[span[2]]
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            "wants a span such as 90d, 12h, 30m, or a date such as 2027-01-31"
        ) from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if moment.timestamp() <= time.time():
        raise click.BadParameter("lies in the past")
    return moment.timestamp()


class TokenOptions(NamedTuple):
    """The options of `tenant token`."""

    db: str
    access: AccessOptions = AccessOptions()
    out: str | None = None


@command.command("token", epilog=TO_MAKE)
@click.argument("name")
@option(
    "--scope",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What it may do; repeatable. Write implies read.",
)
@option(
    "--owner",
    metavar="O",
    help="It changes only unowned webhooks and those of this owner.  [default: any]",
)
@option(
    "--expires",
    metavar="D",
    callback=_expiry,
    help="A span (90d, 12h, 30m) or a date.  [default: never]",
)
@option(
    "--out", metavar="FILE", help="Written there with mode 0600, instead of to standard output."
)
@db_option
@logging_options
@pass_options(TokenOptions)
def token(ctx: click.Context, options: TokenOptions) -> None:
    """Make an access token. It is shown once."""
    from reconciler.cli.actions.tenant import tokens  # noqa: PLC0415  `--help` needs none of it

    tokens.make_token(console_of(ctx), options.db, options.access, options.out)


@command.command("tokens", epilog="Example: reconciler tenant tokens -o json")
@db_option
@output_option("text", "json")
@logging_options
@click.pass_context
def list_tokens(ctx: click.Context, db: str) -> None:
    """List the access tokens; never their text."""
    from reconciler.cli.actions.tenant import tokens  # noqa: PLC0415  `--help` needs none of it

    tokens.show_tokens(console_of(ctx), db)


@command.command("revoke", epilog="Example: reconciler tenant revoke ci")
@click.argument("name")
@db_option
@logging_options
@click.pass_context
def revoke(ctx: click.Context, name: str, db: str) -> None:
    """End an access token at once."""
    from reconciler.cli.actions.tenant import tokens  # noqa: PLC0415  `--help` needs none of it

    if not tokens.revoke_token(db, name):
        raise click.UsageError(f"no token is named {name}", ctx)
    console_of(ctx).say(f"revoked {name}")


@command.command("login", epilog="Example: reconciler tenant login --db .reconciler/tenant.db")
@db_option
@option(
    "--url", metavar="URL", help="Where the tenant is reached.  [default: where it was served last]"
)
@logging_options
@click.pass_context
def login(ctx: click.Context, db: str, url: str | None) -> None:
    """Print a new sign-in link for the page: good for ten minutes, once."""
    from reconciler.cli.actions.tenant import tokens  # noqa: PLC0415  `--help` needs none of it

    console_of(ctx).data(tokens.make_sign_in_link(db, url))


@command.command(
    "backup",
    epilog="Example: reconciler tenant backup tenant-2026-01-31.db --db .reconciler/tenant.db",
)
@click.argument("file")
@db_option
@logging_options
@click.pass_context
def copy(ctx: click.Context, file: str, db: str) -> None:
    """Copy the database to FILE, also while it is served.

    The key of its credentials is a file of its own beside the database and is not copied: keep it
    too, somewhere else.
    """
    from reconciler.cli.actions.tenant import backup  # noqa: PLC0415  `--help` needs none of it

    backup.copy_database(console_of(ctx), db, file)
