"""Live webhooks -> new manifest files, one per webhook that no manifest declares. `edits.py` edits
existing files.

All texts are complete before the first file is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from reconciler.core.errors import BadRequest
from reconciler.core.export.exported import Export, Fresh, Written
from reconciler.core.export.manifest import make_manifest
from reconciler.core.wire.webhooks import make_literal
from reconciler.manifests.files.trees import show_path

NAME_LENGTH: Final = 200  # characters of a file's name, which file systems bound at 255 bytes


@dataclass(frozen=True, slots=True)
class Style:
    """How new manifests are written: their labels, whether urls and user names become references,
    and whether the product has names.
    """

    labels: Mapping[str, str]
    hide_urls: bool = False
    has_names: bool = True


def make_new_files(export: Export, folder: str, style: Style) -> tuple[Written, ...]:
    """A file per webhook that no manifest declares. Its name is the webhook's key, or a longer one
    if that file exists.
    """
    try:
        used_names = {path.name.casefold() for path in Path(folder).iterdir()}
    except FileNotFoundError:
        used_names = set()
    except NotADirectoryError:
        raise BadRequest(f"{show_path(folder)}: is a file; export writes into a folder") from None
    files = []
    for fresh in export.fresh:
        name = _choose_file_name(fresh.key, used_names)
        used_names.add(name.casefold())
        files.append(_make_new_file(fresh, f"{folder}/{name}", style))
    return tuple(files)


def _make_new_file(fresh: Fresh, path: str, style: Style) -> Written:
    live_spec = fresh.live.spec
    spec = make_literal(live_spec)
    if style.hide_urls:
        spec = replace(spec, url=live_spec.url)
    if not style.has_names:
        spec = replace(spec, name=fresh.key)
    new_manifest = make_manifest(
        spec,
        fresh.key,
        protected=fresh.live.protected,
        labels=style.labels,
        stem=fresh.stem,
        scopes=fresh.scopes,
    )
    mark = fresh.live.managed_by
    return Written(
        path,
        show_path(path),
        new_manifest.text,
        fresh.key,
        live_spec.name,
        fresh.live.id,
        variables=new_manifest.variables,
        mark=mark,
    )


def _choose_file_name(key: str, used_names: Iterable[str]) -> str:
    stem = key[:NAME_LENGTH]
    name, number = f"{stem}.yaml", 1
    while name in used_names:
        number += 1
        name = f"{stem}-{number}.yaml"
    return name


def write_files(files: Iterable[Written], folder: str) -> None:
    """Writes the files, each whole or not at all, and removes files that are empty now; raises
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
    """Removes an empty file, and links to it: an empty file is no manifest."""
    Path(path).resolve().unlink()
    Path(path).unlink(missing_ok=True)


def _replace(path: str, text: str) -> None:
    """Writes a temporary file and renames it, so that a reader sees the old or the new text; links
    and permissions stay.
    """
    target = Path(path).resolve()
    temporary = target.with_name(f".{target.name}.export")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)
        temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
