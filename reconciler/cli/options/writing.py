"""How a plan is approved and carried out."""

from __future__ import annotations

import sys
from typing import Any, Literal, NamedTuple

import click

from reconciler.cli.options.option import Decorator, option
from reconciler.cli.terminal.console import is_terminal


class ApprovalOptions(NamedTuple):
    """Who approved which plan: `yes` asks no one; the others are digests of a plan."""

    yes: bool = False
    expect_digest: str | None = None
    accept: str | None = None

    @property
    def is_for_one_plan(self) -> bool:
        """Whether a run is for the plan that a person approved, and no other."""
        return self.expect_digest is not None or self.accept is not None


class ExecutionOptions(NamedTuple):
    """How many changes at once, what a failure stops, and whether endpoints are tested first."""

    parallelism: int = 10
    on_error: Literal["continue", "stop"] = "continue"
    test_first: bool = False


class WriteOptions(NamedTuple):
    """Both, for a command that writes."""

    approval: ApprovalOptions = ApprovalOptions()
    execution: ExecutionOptions = ExecutionOptions()


def require_terminal(ctx: click.Context, approval: ApprovalOptions) -> None:
    """Raises UsageError where there is neither `--yes` nor somebody to ask."""
    if not approval.yes and not all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))):
        raise click.UsageError(
            "there is no terminal to ask on: give --yes to write without a prompt", ctx
        )


def parallelism_option(what: str) -> Decorator[Any]:
    """`--parallelism`; `what` is done at once."""
    return option(
        "--parallelism",
        type=click.IntRange(1, 100),
        default=10,
        show_default=True,
        metavar="N",
        help=f"{what} at once.",
    )


yes_option: Decorator[Any] = option("--yes", is_flag=True, help="No prompt.")

on_error_option: Decorator[Any] = option(
    "--on-error",
    type=click.Choice(["continue", "stop"]),
    default="continue",
    show_default=True,
    help="After a failure.",
)
