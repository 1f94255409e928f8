"""Copies the database of the embedded tenant."""

from __future__ import annotations

from reconciler.cli.terminal.console import Console
from reconciler.tenant.store.backup import backup
from reconciler.tenant.store.vault import locate_key


def copy_database(console: Console, db: str, file: str) -> None:
    """Copies it to a new file; reports which key belongs to it."""
    backup(db, file)
    console.say(
        f"written to {file}. Its credentials need their key, which is a file of its own: "
        f"keep {locate_key(db)} "
        f"(or RECONCILER_TENANT_KEY) too, in another place, and put it back as {locate_key(file)}."
    )
