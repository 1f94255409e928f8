"""`reconciler tenant`: the embedded tenant as a server, and its access tokens."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from reconciler.cli.console import console_of
from reconciler.cli.options import Decorator, logging_options, network_options, option, output_option, together

SCOPES: Final = ("Webhooks: Read", "Webhooks: Write", "Events: Write")
_UNITS: Final = {"m": 60, "h": 3600, "d": 86400}

db_option: Decorator[Any] = option(
    "--db", default=".reconciler/tenant.db", show_default=True, metavar="FILE", help="The tenant's database."
)

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


def _open(db: str, *, new: bool = True) -> Any:
    """The store of that file; with `new` it is made where there is none. Raises StoreError."""
    from reconciler.cli.connect import prepare_folder  # noqa: PLC0415  `--help` needs no database
    from reconciler.core.errors import StoreError  # noqa: PLC0415  likewise
    from reconciler.tenant.store import open_store  # noqa: PLC0415  likewise

    if new:
        prepare_folder(str(Path(db).absolute()))
    elif not Path(db).exists():
        raise StoreError(f"{db}: does not exist; tenant serve and tenant token make it")
    return open_store(db, key=os.environ.get("RECONCILER_TENANT_KEY"))


TO_SERVE = """\b
Examples:
  reconciler tenant serve
  reconciler tenant serve --db shared.db --port 0
  reconciler tenant serve --allow-network 10.0.0.0/8
  reconciler tenant serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem --allow-host tenant.example.com

A request whose Host is neither loopback's, --host nor an --allow-host is answered with 421. Log lines, one a request and one
an attempt, go to standard error, without secrets, paths and queries. /healthz and /metrics tell how it is.
"""
TO_MAKE = """\b
Examples:
  reconciler tenant token ci --scope "Webhooks: Write" --owner payments --out token.txt
  reconciler tenant token reader --scope "Webhooks: Read" --expires 90d
"""


def _schedule(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
    from reconciler.tenant.retries import Retries, parsed  # noqa: PLC0415  `--help` needs none of it

    try:
        return Retries() if value is None else Retries(parsed(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_place: Decorator[Any] = together(
    option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one, printed."),
    option("--allow-host", multiple=True, metavar="NAME", help="A host name that it answers to; repeatable."),
    option("--tls-cert", metavar="FILE", help="Certificate chain in PEM: serve https, with --tls-key."),
    option("--tls-key", metavar="FILE", help="The certificate's key in PEM."),
    option("--allow-plain-http", is_flag=True, help="Serve other addresses than loopback without TLS."),
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
)


@command.command("serve", epilog=TO_SERVE)
@db_option
@_place
@_rates
@option(
    "--retry-schedule",
    metavar="SPANS",
    callback=_schedule,
    help="Waits before a failed delivery is tried again.  [default: 5s,30s,2m,10m,1h,6h,12h,24h,24h]",
)
@network_options
@logging_options
@click.pass_context
def serve(ctx: click.Context, /, **values: Any) -> None:
    """Serve the tenant until SIGTERM or Ctrl-C. Prints its API's address, and a sign-in link for its page, when it is ready."""
    from reconciler.cli.connect import address_policy  # noqa: PLC0415  `--help` needs none of it
    from reconciler.cli.lines import Lines  # noqa: PLC0415  likewise
    from reconciler.cli.source import Options  # noqa: PLC0415  likewise
    from reconciler.delivery.send import Sender  # noqa: PLC0415  likewise
    from reconciler.tenant.api_webhooks import BASE  # noqa: PLC0415  likewise
    from reconciler.tenant.app import create_app  # noqa: PLC0415  likewise
    from reconciler.tenant.server import Place  # noqa: PLC0415  likewise
    from reconciler.tenant.server import serve as run  # noqa: PLC0415  likewise

    if (values["tls_cert"] is None) is not (values["tls_key"] is None):
        raise click.UsageError("--tls-cert and --tls-key go together", ctx)
    console = console_of(ctx)
    place = Place(
        *(values["host"], values["port"], values["allow_host"], values["allow_plain_http"]),
        *(values["tls_cert"], values["tls_key"]),
    )
    sender = Sender(address_policy(Options(values)))
    store, lines = _open(values["db"]), Lines(2)
    try:
        console.start_logging(lines)
        rates = {name: values[name] for name in ("tests_per_minute", "requests_per_minute")}
        app = create_app(store, sender, allowed_hosts=place.hosts, retries=values["retry_schedule"], **rates)

        def ready(origin: str) -> None:
            console.data(origin + BASE)
            console.data(f"page: {store.sign_in_address(origin)}")

        run(store, app, place, ready)
    finally:
        store.close()
        lines.close()


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
        raise click.BadParameter("wants a span such as 90d, 12h, 30m, or a date such as 2027-01-31") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if moment.timestamp() <= time.time():
        raise click.BadParameter("lies in the past")
    return moment.timestamp()


@command.command("token", epilog=TO_MAKE)
@click.argument("name")
@option(
    "--scope", multiple=True, required=True, type=click.Choice(SCOPES), help="What it may do; repeatable. Write implies read."
)
@option("--owner", metavar="O", help="It changes only webhooks of this owner or of nobody.  [default: any]")
@option("--expires", metavar="D", callback=_expiry, help="A span (90d, 12h, 30m) or a date.  [default: never]")
@option("--out", metavar="FILE", help="Written there with mode 0600, instead of to standard output.")
@db_option
@logging_options
@click.pass_context
def token(ctx: click.Context, /, name: str, **values: Any) -> None:
    """Make an access token. It is shown once."""
    console, out = console_of(ctx), values["out"]
    store = _open(values["db"])
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
    """Opens the file before the token is made, so that none is lost to a path that cannot be written."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.UsageError(f"--out {path}: exists already; a token never overwrites a file") from None
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

    store = _open(db, new=False)
    try:
        listed = store.list_tokens()
    finally:
        store.close()
    if output == "json":
        console_of(ctx).data(to_json({"format": "reconciler.tokens/v1", "tokens": [asdict(item) for item in listed]}))
        return
    lines = [
        f"{terminal(i.name)}  {', '.join(i.scopes)}  owner {terminal(i.owner or '-')}  expires {_when(i.expires)}" for i in listed
    ]
    console_of(ctx).data("\n".join(lines) or "no tokens")


def _when(moment: float | None) -> str:
    return "never" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%MZ")


@command.command("revoke", epilog="Example: reconciler tenant revoke ci")
@click.argument("name")
@db_option
@logging_options
@click.pass_context
def revoke(ctx: click.Context, name: str, db: str) -> None:
    """End an access token at once."""
    store = _open(db, new=False)
    try:
        ended = store.revoke_token(name)
    finally:
        store.close()
    if not ended:
        raise click.UsageError(f"no token is named {name}", ctx)
    console_of(ctx).say(f"revoked {name}")


@command.command("login", epilog="Example: reconciler tenant login --db .reconciler/tenant.db")
@db_option
@option("--url", metavar="URL", help="Where the tenant is reached.  [default: where it was served last]")
@logging_options
@click.pass_context
def login(ctx: click.Context, db: str, url: str | None) -> None:
    """Print a new sign-in link for the page: good for ten minutes, once."""
    store = _open(db)
    try:
        console_of(ctx).data(store.sign_in_address(url))
    finally:
        store.close()


@command.command("backup", epilog="Example: reconciler tenant backup tenant-2026-01-31.db --db .reconciler/tenant.db")
@click.argument("file")
@db_option
@logging_options
@click.pass_context
def backup(ctx: click.Context, file: str, db: str) -> None:
    """Copy the database to FILE, also while it is served.

    The key of its credentials is a file of its own beside the database and is not copied: keep it too, somewhere else.
    """
    from reconciler.tenant.backup import backup as copy  # noqa: PLC0415  `--help` needs no database
    from reconciler.tenant.vault import key_file  # noqa: PLC0415  likewise

    copy(db, file)
    console_of(ctx).say(
        f"written to {file}. Its credentials need their key, which is a file of its own: keep {key_file(db)} "
        f"(or RECONCILER_TENANT_KEY) too, in another place, and put it back as {key_file(file)}."
    )
