"""`tenant backup`: a copy of the tenant's file, also while it is served.

SQLite's online backup: one consistent moment, beside other writers. The key is a file of its own
and is not copied: together they would open every stored credential.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from reconciler.core.errors import BadRequest, StoreError
from reconciler.tenant.store.faults import RESTORE, explain, report_undecodable
from reconciler.tenant.store.schema import Foreign, check_schema


def backup(path: str, out: str) -> None:
    """Copies the file at `path` to `out`, with mode 0600, and checks the copy.

    Raises StoreError, also for a damaged file, and BadRequest where `out` exists already.
    """
    if not Path(path).is_file():
        raise StoreError(f"{path}: does not exist")
    try:
        os.close(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise BadRequest(f"{out}: exists already; a backup never overwrites a file") from None
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "not a path"
        raise BadRequest(f"{out}: {why}") from None
    try:
        _copy(path, out)
    except BaseException as error:
        Path(out).unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"{path}: {explain(error)}") from None
        if isinstance(error, Foreign):
            raise StoreError(f"{path}: {error}") from None
        raise


def _copy(path: str, out: str) -> None:
    source = sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode=ro", uri=True)  # noqa: PTH100  a link stays one
    with closing(source), closing(sqlite3.connect(out)) as target, report_undecodable():
        check_schema(source)
        source.backup(
            target
        )  # in one step: begun anew at every write of another process it might never end
        if target.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise StoreError(f"{path}: is a damaged database; {RESTORE}")
        target.execute("PRAGMA journal_mode = DELETE")  # so that the copy is one file
