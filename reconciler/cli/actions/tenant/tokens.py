"""Access tokens and sign-in links of the embedded tenant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from reconciler.cli.options.serving import AccessOptions
from reconciler.cli.run.database import open_db
from reconciler.cli.terminal.console import Console
from reconciler.rendering.document import to_json
from reconciler.rendering.escape import terminal


def make_token(console: Console, db: str, access: AccessOptions, out: str | None) -> None:
    """Makes a token, which goes to the file `out` or to standard output."""
    with closing(open_db(db)) as store:
        if not out:
            console.data(
                store.create_token(access.name, access.scope, access.owner, access.expires)
            )
            return
        with _reserved(out) as handle:
            token = store.create_token(access.name, access.scope, access.owner, access.expires)
        with os.fdopen(handle, "w") as file:
            file.write(token + "\n")
        console.say(f"written to {out}")


@contextmanager
def _reserved(path: str) -> Iterator[int]:
    """A new file, opened before the token is made, so that none is lost to a path that cannot be
    written; removed if there is no token.
    """
    handle = _reserve(path)
    try:
        yield handle
    except BaseException:
        Path(path).unlink()  # it is empty and would stand in the way of the next try
        raise


def _reserve(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.UsageError(
            f"--out {path}: exists already; a token never overwrites a file"
        ) from None
    except OSError as error:
        raise click.UsageError(f"--out {path}: {os.strerror(error.errno or 0)}") from None


def show_tokens(console: Console, db: str) -> None:
    """The tokens, without their text."""
    with closing(open_db(db, new=False)) as store:
        listed = store.list_tokens()
    if console.output == "json":
        items = [asdict(item) for item in listed]
        console.data(to_json({"format": "reconciler.tokens/v1", "tokens": items}))
        return
    lines = [
        f"{terminal(i.name)}  {', '.join(i.scopes)}  owner {terminal(i.owner or '-')}  "
        f"expires {_when(i.expires)}"
        for i in listed
    ]
    console.data("\n".join(lines) or "no tokens")


def _when(moment: float | None) -> str:
    return (
        "never"
        if moment is None
        else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%MZ")
    )


def revoke_token(db: str, name: str) -> bool:
    """Ends a token; false if there is none of that name."""
    with closing(open_db(db, new=False)) as store:
        return store.revoke_token(name)


def make_sign_in_link(db: str, url: str | None) -> str:
    """A new link to the page at `url`, None: where the tenant was served last."""
    with closing(open_db(db, new=False)) as store:
        return store.create_sign_in_address(url)
