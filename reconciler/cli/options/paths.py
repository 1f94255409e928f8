"""The paths of a command."""

from __future__ import annotations

from typing import Any

import click


def _files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Any]:
    """What completion offers for a path: files, which the shell itself knows."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415  only when a shell asks

    return [CompletionItem(incomplete, type="file")]


def _here(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return value or (".",)


# `.` by default, for what writes nothing; reconcile needs the paths that it may delete from
paths_argument = click.argument(
    "paths", nargs=-1, metavar="[PATH...]", callback=_here, shell_complete=_files
)
optional_paths_argument = click.argument(
    "paths", nargs=-1, metavar="[PATH...]", shell_complete=_files
)
