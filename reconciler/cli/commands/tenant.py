"""`reconciler tenant`: the embedded tenant's access tokens, sign-in links and backups. Serving it:
`tenant_serve.py`.
"""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from reconciler.cli.commands.tenant_serve import db_option, open_db, serve
from reconciler.cli.options import logging_options, option, output_option
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
    help="It changes only webhooks of this owner or of nobody.  [default: any]",
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
@click.pass_context
def token(ctx: click.Context, /, name: str, **values: Any) -> None:
    """Make an access token. It is shown once."""
    console, out = console_of(ctx), values["out"]
    store = open_db(values["db"])
    try:
        handle = _reserve(out) if out else None
        try:
            made = store.create_token(name, values["scope"], values["owner"], values["expires"])
        except BaseException:
            if handle is not None:
                Path(out).unlink()  # it is empty and would stand in the way of the next try
            raise
        if handle is None:
            console.data(made)
            return
        with os.fdopen(handle, "w") as file:
            file.write(made + "\n")
        console.say(f"written to {out}")
    finally:
        store.close()


def _reserve(path: str) -> int:
    """Opens the file before the token is made, so that none is lost to a path that cannot be
    written.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.UsageError(
            f"--out {path}: exists already; a token never overwrites a file"
        ) from None
    except OSError as error:
        raise click.UsageError(f"--out {path}: {os.strerror(error.errno or 0)}") from None


@command.command("tokens", epilog="Example: reconciler tenant tokens -o json")
@db_option
@output_option("text", "json")
@logging_options
@click.pass_context
def tokens(ctx: click.Context, db: str, output: str) -> None:
    """List the access tokens; never their text."""
    from dataclasses import asdict  # noqa: PLC0415  one use

    from reconciler.render.document import to_json  # noqa: PLC0415  `--help` renders nothing
    from reconciler.render.escape import terminal  # noqa: PLC0415  likewise

    store = open_db(db, new=False)
    try:
        listed = store.list_tokens()
    finally:
        store.close()
    if output == "json":
        console_of(ctx).data(
            to_json({"format": "reconciler.tokens/v1", "tokens": [asdict(item) for item in listed]})
        )
        return
    lines = [
        f"{terminal(i.name)}  {', '.join(i.scopes)}  owner {terminal(i.owner or '-')}  "
        f"expires {_when(i.expires)}"
        for i in listed
    ]
    console_of(ctx).data("\n".join(lines) or "no tokens")


def _when(moment: float | None) -> str:
    return (
        "never"
        if moment is None
        else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%MZ")
    )


@command.command("revoke", epilog="Example: reconciler tenant revoke ci")
@click.argument("name")
@db_option
@logging_options
@click.pass_context
def revoke(ctx: click.Context, name: str, db: str) -> None:
    """End an access token at once."""
    store = open_db(db, new=False)
    try:
        ended = store.revoke_token(name)
    finally:
        store.close()
    if not ended:
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
    store = open_db(db, new=False)
    try:
        console_of(ctx).data(store.sign_in_address(url))
    finally:
        store.close()


@command.command(
    "backup",
    epilog="Example: reconciler tenant backup tenant-2026-01-31.db --db .reconciler/tenant.db",
)
@click.argument("file")
@db_option
@logging_options
@click.pass_context
def backup(ctx: click.Context, file: str, db: str) -> None:
    """Copy the database to FILE, also while it is served.

    The key of its credentials is a file of its own beside the database and is not copied: keep it
    too, somewhere else.
    """
    from reconciler.tenant.store.backup import backup as copy  # noqa: PLC0415  `--help` needs no database
    from reconciler.tenant.store.vault import key_file  # noqa: PLC0415  likewise

    copy(db, file)
    console_of(ctx).say(
        f"written to {file}. Its credentials need their key, which is a file of its own: "
        f"keep {key_file(db)} "
        f"(or RECONCILER_TENANT_KEY) too, in another place, and put it back as {key_file(file)}."
    )
