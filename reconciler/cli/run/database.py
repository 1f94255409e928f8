"""Opening the database of the embedded tenant."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.cli.terminal.logs import start_logging_of_command
from reconciler.core.errors import StoreError
from reconciler.tenant.folder import prepare_folder
from reconciler.tenant.store.store import Store, open_store


def open_db(db: str, *, new: bool = True) -> Store:
    """The store of that file; with `new` it is made where there is none. Raises StoreError."""
    start_logging_of_command()
    if new:
        prepare_folder(str(Path(db).absolute()))
    elif not Path(db).exists():
        raise StoreError(f"{db}: does not exist; tenant serve and tenant token make it")
    return open_store(db, key=os.environ.get("RECONCILER_TENANT_KEY"))
