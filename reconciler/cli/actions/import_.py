"""Writes what another tool manages as manifests."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.cli.run.fresh_files import write_fresh
from reconciler.core.errors import BadRequest
from reconciler.manifests.edit.terraform import Imported, import_state
from reconciler.rendering.counts import show_count

SIZE = 256 * 1024 * 1024  # characters of a state; more is taken for another file


def import_terraform(file: str, folder: str, owner: str) -> str:
    """Writes the manifests of a state into new files; what to say about it.

    Raises BadRequest before anything is written.
    """
    imported = import_state(_read(file), owner)
    write_fresh(folder, imported.files)
    return _describe(imported, folder)


def _read(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.read(SIZE)
        with Path(file).open(encoding="utf-8") as stream:
            return stream.read(SIZE)
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadRequest(f"{file} is not UTF-8 text") from None


def _describe(imported: Imported, folder: str) -> str:
    lines = [f"+ {folder.rstrip('/')}/{name}" for name in sorted(imported.files)]
    lines += [f"warning: left out: {text}" for text in imported.left_out]
    lines += ["", f"Import: {show_count(imported.webhooks, 'webhook')}."]
    if imported.variables:
        what = show_count(len(imported.variables), "variable")
        lines += [f"{what} to set, which these manifests reference:"]
        lines += [f"  {name}" for name in imported.variables]
    lines += [
        "Next: reconciler adopt marks them as ours; removed.tf lets Terraform forget them.",
    ]
    return "\n".join(lines) + "\n"
