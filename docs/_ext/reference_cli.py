"""Commands, options and exit codes, from click's commands and the enumeration of exit codes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click
from markdown_table import code, plain, table

from reconciler.cli.main import ALIASES, COMMANDS, EPILOG, root
from reconciler.cli.terminal.ending import BADNESS, Exit

_CODE = re.compile(r"\b(\d+) ([^,.]+(?:\([^)]*\))?)")


def exit_code_meanings() -> dict[int, str]:
    """What `reconciler --help` says of each exit code."""
    text = " ".join(EPILOG.partition("Exit codes:")[2].split())
    return {int(number): meaning.strip() for number, meaning in _CODE.findall(text)}


def exit_codes() -> str:
    """Every exit code with its meaning, and a link to what to do about it."""
    meanings = exit_code_meanings()
    return table(
        ["code", "meaning", "cause and fix"],
        [
            [
                str(number.value),
                plain(meanings[number]),
                f"[exit code {number.value}](what-each-refusal-means.md#exit-code-{number.value})",
            ]
            for number in sorted(Exit)
        ],
    )


def worst_exit_codes() -> str:
    """The exit codes from the least bad to the worst."""
    return ", ".join(str(number.value) for number in BADNESS)


def commands() -> Iterator[tuple[click.Context, click.Command]]:
    """Every command with its context, those of a group after the group."""
    top = click.Context(root, info_name="reconciler", **root.context_settings)
    for name in COMMANDS:
        command = root.get_command(top, name)
        assert command is not None  # noqa: S101  the table names it
        context = click.Context(command, info_name=name, parent=top)
        yield context, command
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                found = command.get_command(context, below)
                assert found is not None  # noqa: S101  the group lists it
                yield click.Context(found, info_name=below, parent=context), found


def _variables(option: click.Option) -> str:
    named = option.envvar or ()
    return ", ".join(code(name) for name in ([named] if isinstance(named, str) else named))


def _options(context: click.Context, command: click.Command) -> str:
    rows = []
    for option in command.get_params(context):
        record = option.get_help_record(context)
        if (
            isinstance(option, click.Option)
            and record is not None
            and not record[0].endswith("--help")
        ):
            rows.append([code(record[0]), _variables(option), plain(record[1])])
    return table(["option", "variable", "meaning"], rows)


def _page(context: click.Context, command: click.Command) -> str:
    also = [alias for alias, name in ALIASES.items() if name == context.info_name]
    usage = command.get_usage(context).removeprefix("Usage: ")
    about = inspect.cleandoc(command.help or "").replace("\b\n", "")
    parts = [
        f"### {context.command_path}",
        *(f"Also: `reconciler {alias}`." for alias in also),
        *(plain(part) for part in about.split("\n\n")),
        f"```text\n{' '.join(usage.split())}\n```",
        _options(context, command),
    ]
    if command.epilog:
        parts.append("```text\n" + command.epilog.replace("\b\n", "").strip() + "\n```")
    return "\n\n".join(parts)


def command_summary() -> str:
    """Every command with one line about it."""
    rows = [[code(name), plain(about)] for name, (_, about) in COMMANDS.items()]
    return table(["command", "purpose"], rows)


def command_pages() -> str:
    """Every command: what it does, its options and their variables, its examples."""
    return "\n\n".join(_page(context, command) for context, command in commands())
