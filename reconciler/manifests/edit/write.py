"""Live webhooks -> manifest files: a new file each for what is declared nowhere; what differs is
edited by `edits.py`.

Everything is worked out before the first file is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from reconciler.core.errors import BadRequest
from reconciler.core.export.exported import Export, Fresh, Written
from reconciler.core.export.manifest import manifest
from reconciler.core.wire.webhooks import literal
from reconciler.manifests.files.trees import shown

NAME_LENGTH: Final = 200  # characters of a file's name, which file systems bound at 255 bytes


@dataclass(frozen=True, slots=True)
class Style:
    """How new manifests are written: their labels, and whether urls and user names become
    references too.
    """

    labels: Mapping[str, str]
    hide_urls: bool = False


def new_files(made: Export, folder: str, style: Style) -> tuple[Written, ...]:
    """A file for each webhook that no manifest declares, named after its key; never the name of a
    file that is there.
    """
    try:
        taken = {path.name.casefold() for path in Path(folder).iterdir()}
    except FileNotFoundError:
        taken = set()
    except NotADirectoryError:
        raise BadRequest(f"{shown(folder)}: is a file; export writes into a folder") from None
    files = []
    for fresh in made.fresh:
        name = _file_name(fresh.key, taken)
        taken.add(name.casefold())
        files.append(_new(fresh, f"{folder}/{name}", style))
    return tuple(files)


def _new(fresh: Fresh, path: str, style: Style) -> Written:
    told = fresh.live.spec
    spec = literal(told)
    if style.hide_urls:
        spec = replace(spec, url=told.url)
    made = manifest(
        spec, fresh.key, protected=fresh.live.protected, labels=style.labels, stem=fresh.stem
    )
    mark = fresh.live.managed_by
    return Written(
        path,
        shown(path),
        made.text,
        fresh.key,
        spec.name,
        fresh.live.id,
        variables=made.variables,
        mark=mark,
    )


def _file_name(key: str, taken: Iterable[str]) -> str:
    stem = key[:NAME_LENGTH]
    name, number = f"{stem}.yaml", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}.yaml"
    return name


def write(files: Iterable[Written], folder: str) -> None:
    """Writes them, each whole or not at all, and removes those that have nothing left; raises
    OSError.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path, text, fresh in dict.fromkeys(
        (file.path, file.text, not file.fields) for file in files
    ):
        if fresh:
            with Path(path).open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
        elif text.strip():
            _replace(path, text)
        else:
            _remove(path)


def _remove(path: str) -> None:
    """Removes a file that has nothing left in it, and what links to it: an empty file is no
    manifest.
    """
    Path(path).resolve().unlink()
    Path(path).unlink(missing_ok=True)


def _replace(path: str, text: str) -> None:
    """Through a file beside it, so that whoever reads it meanwhile sees one of the two; links and
    permissions stay.
    """
    real = Path(path).resolve()
    beside = real.with_name(f".{real.name}.export")
    try:
        with beside.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
        beside.chmod(real.stat().st_mode & 0o7777)
        beside.replace(real)
    finally:
        beside.unlink(missing_ok=True)
