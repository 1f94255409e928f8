"""Writes files that were not there before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.core.errors import BadRequest


def write_fresh(folder: str, files: Mapping[str, str]) -> None:
    """Writes texts by their names into a folder, which is made if need be, as are folders in it.

    Raises BadRequest before anything is written if the folder has one of them, and for a folder
    that cannot be written.
    """
    target = Path(folder)
    taken = sorted(name for name in files if (target / name).exists())
    if taken:
        raise BadRequest(f"{folder} has {', '.join(taken[:5])} already; give a folder without them")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (target / name).parent.mkdir(exist_ok=True)
            with (target / name).open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
    except OSError as error:
        raise BadRequest(f"{folder} cannot be written: {error.strerror}") from None
