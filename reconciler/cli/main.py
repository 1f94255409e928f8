"""The root command: finds a command by name, imports only that one, and turns every ending into an
exit code.
"""

from __future__ import annotations

import importlib
import os
from itertools import zip_longest
from typing import Final

import click

from reconciler import __version__
from reconciler.cli.options.option import variable
from reconciler.cli.options.output import logging_options
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import guarded

COMMANDS: Final = {  # name: (module below reconciler.cli, what it does)
    "validate": ("validate", "Check manifests; needs no network and no secrets."),
    "plan": ("plan", "Show what reconcile would do; cannot write. Alias: diff."),
    "show": ("show", "Show a saved plan as plan showed it."),
    "reconcile": ("reconcile", "Plan, confirm, carry out, report. Alias: apply."),
    "drift": ("drift", "Compare the tenant with the manifests; exit 7 when it moved."),
    "agent": ("agent", "Follow a Git repository and reconcile continuously."),
    "operator": ("operator", "Reconcile the objects of a Kubernetes cluster."),
    "test": ("test", "Validate the endpoints with a test delivery each."),
    "export": ("export", "Write live webhooks as manifests, or bring those up to date."),
    "import": ("import_", "Write manifests from Terraform, or objects of a cluster."),
    "adopt": ("adopt", "Mark existing webhooks as ours; nothing else of them changes."),
    "events": ("reference.events", "The catalogue of events, and who receives which."),
    "explain": ("reference.explain", "What a field of a manifest means."),
    "schema": ("reference.schema", "Print a JSON Schema."),
    "providers": ("reference.providers", "Which products can be managed, and what each can do."),
    "init": ("init", "A first repository: manifests that validate and plan."),
    "tenant": ("tenant.group", "The embedded tenant: serve it, make and end access tokens."),
    "doctor": ("doctor", "What is wrong here: token, clock, TLS, permissions of files."),
    "completion": ("reference.completion", "Completion for bash, zsh or fish."),
    "demo": ("demo", "The whole circle on this machine, in a folder of its own."),
}
ALIASES: Final = {"diff": "plan", "apply": "reconcile"}


class Lazy(click.Group):
    """A group that imports a command only when it is called, so that `--help` and `--version` are
    immediate.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """The names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """The command of that name or alias."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"reconciler.cli.commands.{COMMANDS[name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """The table above, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


EPILOG: Final = """\b
Examples:
  reconciler demo
  reconciler validate webhooks/
  reconciler plan webhooks/ --local
  reconciler reconcile webhooks/ --yes
  reconciler test webhooks/ --via both

Every option is also an environment variable: --max-deletes is RECONCILER_MAX_DELETES; a flag is set
by 1, true or yes; several values are separated by commas or white space (scopes by commas alone).

\b
Exit codes: 0 done, 1 error, 2 changes pending (plan --detailed-exitcode),
3 token refused, 4 carried out in part, 5 not the approved plan,
6 plan refused, 7 drift, 8 an endpoint failed, 64 usage, 70 a defect,
130 interrupted.
"""


@click.group(cls=Lazy, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")
@logging_options
def root() -> None:
    """Webhooks and event subscriptions as YAML in Git, reconciled against a live tenant."""


def _asked(args: list[str], long: str, short: str | None = None) -> str | None:
    """The last value of an option, so that even a command line that cannot be read ends in the form
    that was asked for.
    """
    value = os.environ.get(variable(long))
    for arg, after in zip_longest(args, args[1:]):
        if arg in {long, short}:
            value = after
        elif arg.startswith(f"{long}="):
            value = arg.partition("=")[2]
        elif short is not None and arg.startswith(short):
            value = arg.removeprefix(short)
    return value


def main(args: list[str]) -> int:
    """Runs one command line; returns its exit code."""
    console = Console()
    console.output = "json" if _asked(args, "--output", "-o") == "json" else "text"
    console.log_format = "json" if _asked(args, "--log-format") == "json" else "text"
    return guarded(
        lambda: root.main(args, prog_name="reconciler", standalone_mode=False, obj=console), console
    )
