"""The folder of the embedded tenant's file. `.reconciler` holds its key and tokens: private, and
ignored by Git.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import Final

from reconciler.core.errors import StoreError

OWN: Final = ".reconciler"
_PRIVATE: Final = 0o700
_IGNORED: Final = "*\n"

_log = logging.getLogger("reconciler.cli")  # the name that JSON log lines have always had


def prepare_folder(file: str) -> None:
    """Makes the folder of a file with mode 0700, whatever the umask; raises StoreError.

    An existing `.reconciler` gets that mode too, and a `.gitignore` that ignores all of it; what is
    there is not trusted.
    """
    folder = Path(file).parent
    try:
        if folder.name == OWN:
            _check_link(folder)
        if not folder.is_dir():
            folder.mkdir(_PRIVATE, parents=True)
            folder.chmod(_PRIVATE)  # whatever the umask left of it
        if folder.name == OWN:
            _make_private(folder)
            _ignore(folder / ".gitignore")
    except OSError as error:
        raise StoreError(
            f"{error.filename or folder}: cannot be made: {os.strerror(error.errno or 0)}"
        ) from None


def _check_link(folder: Path) -> None:
    """Raises StoreError for a folder that is a link: a checkout could lead the tenant's key
    anywhere by one.
    """
    if folder.is_symlink():
        raise StoreError(
            f"{folder}: is a link, which could lead anywhere; remove it, or name the "
            "database's own folder"
        )


def _make_private(folder: Path) -> None:
    status = folder.stat()
    if not stat.S_IMODE(status.st_mode) & 0o077:
        return
    if status.st_uid != os.geteuid():
        _log.warning(
            "%s: others may read it, and it belongs to another user, who has to: chmod 700 %s",
            folder,
            folder,
        )
        return
    folder.chmod(_PRIVATE)
    _log.warning(
        "%s: others could read it, which holds keys and tokens; its mode is 0700 now", folder
    )


def _ignore(file: Path) -> None:
    """Makes a `.gitignore` that ignores everything of what is there, unless it does so already."""
    if _ignores_all(file):
        return
    if file.is_symlink() or file.exists():
        if file.is_dir() and not file.is_symlink():
            raise StoreError(
                f"{file}: is a folder; remove it, so that a .gitignore can hide the keys beside it"
            )
        file.unlink()
        _log.warning("%s: did not ignore all of the folder; it was written anew", file)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as stream:
        stream.write(_IGNORED)


def _ignores_all(file: Path) -> bool:
    """Whether it is a file of its own with `*` as its only pattern."""
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            return False
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return False
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")] == [_IGNORED.strip()]
