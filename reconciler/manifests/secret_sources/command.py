"""`fromCommand: [PROGRAM, ARGUMENT, …]`: the output of a program. It needs --allow-command, since a
manifest chooses the program.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.manifests.secret_sources.base import (
    SIZE,
    Access,
    Item,
    Place,
    Unresolved,
    pick_whole,
)

LIST_NAME: Final = None
ALLOWED_BY_DEFAULT: Final = True
pick = pick_whole
_CUT: Final = "…"  # in place of the arguments, in a saved plan


def find_place(value: Any, folder: str, _access: Access) -> Place:
    """The program, run in the manifest's folder; no shell."""
    return Place("fromCommand", (folder, *value))


def fetch(item: Item, access: Access) -> bytes:
    """The program's standard output."""
    folder, *argv = item
    if not access.allow_command:
        raise Unresolved(
            "no command is run", "if you trust these manifests, allow it with --allow-command"
        )
    if argv[-1] == _CUT:
        raise Unresolved(
            "a saved plan does not hold the arguments of a command",
            "use --expect-digest, which reads the manifests again",
        )
    from reconciler.manifests.secret_sources.process import run  # noqa: PLC0415  runs without a program never load it

    return run(argv, access, SIZE, folder)


def without_arguments(part: Any) -> Any:
    """A part of a manifest to be saved, of each command only its program: an argument may be a
    credential.
    """
    if not isinstance(part, dict):
        return part
    return {
        name: [value[0], _CUT]
        if name == "fromCommand" and len(value) > 1
        else without_arguments(value)
        for name, value in part.items()
    }
