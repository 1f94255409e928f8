"""What a git process that was killed leaves in the mirror: files that would block the next one, or
fill the disk.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reconciler.core.errors import GitFailed

VERIFY: Final = "verify-"
_ID: Final = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})\n")
# of a fetch alone: other threads may note commits and verify others
_OF_A_FETCH: Final = (
    "refs/reconciler/head.lock",
    "shallow.lock",
    "objects/pack/*.keep",
    "objects/pack/tmp_*",
    "objects/pack/.tmp-*",
    "objects/??/tmp_*",
)
# no ref ends in .lock; gc.pid is believed for hours after a container with another host name ended
_OF_ALL: Final = (
    *_OF_A_FETCH,
    "*.lock",
    "gc.pid",
    "refs/**/*.lock",
    "objects/info/**/*.lock",
    "objects/pack/*.lock",
    f"{VERIFY}*",
)


def remove_fetch_leftovers(folder: Path) -> None:
    """Deletes what an interrupted fetch left; raises GitFailed. No fetch may run."""
    _remove(folder, _OF_A_FETCH)


def remove_leftovers(folder: Path) -> None:
    """Deletes what any interrupted call left; raises GitFailed. No git process of this mirror may
    run.
    """
    _remove(folder, _OF_ALL)
    try:
        for path in (folder / "refs/reconciler").rglob("*"):
            if path.is_file() and _ID.fullmatch(path.read_bytes()) is None:  # cut by a power loss
                path.unlink()
    except OSError as error:
        raise _explain(error) from None


def _remove(folder: Path, patterns: Sequence[str]) -> None:
    try:
        for path in (path for pattern in patterns for path in list(folder.glob(pattern))):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise _explain(error) from None


def _explain(error: OSError) -> GitFailed:
    return GitFailed(
        f"{error.filename}: was left by an interrupted run, and cannot be deleted: {error.strerror}"
    )
