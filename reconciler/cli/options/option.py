"""How an option is declared: each is also RECONCILER_<OPTION>, the same for every command."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]


class Number(click.FloatRange):
    """A number of a range; what is no number is in none, although every comparison with it is
    false.
    """

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; raises BadParameter."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number


class _Option(click.Option):
    """An option that is also an environment variable of its long name, and says so when that is
    wrong.

    Several values are separated by commas or white space; those of a list of choices, which hold
    spaces, by commas alone. `--prune/--no-prune` has two variables. An empty variable is as one
    that is not set; not so that of a guard, which an empty one would take away: it is an empty
    value, which fits nothing.
    """

    def __init__(self, *names: Any, guard: bool = False, **attributes: Any) -> None:
        """As click's; `guard` for what says that a run may do one thing only."""
        super().__init__(*names, **attributes)
        self.guard = guard

    def _variable(self) -> str:
        """The name of the variable that is set, else of the first."""
        names = self.envvar if isinstance(self.envvar, list) else [str(self.envvar)]
        return next((name for name in names if os.environ.get(name)), names[0])

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """The text of the variable, split where several values are wanted; None when it is unset,
        or empty and no guard.
        """
        text = self.resolve_envvar_value(ctx)
        if text is None:
            return "" if self.guard and self._variable() in os.environ else None
        if self.multiple:
            separators = r"," if isinstance(self.type, click.Choice) else r"[,\s]"
            return [part.strip() for part in re.split(separators, text) if part.strip()]
        return self._switched(ctx) if self.secondary_opts else super().value_from_envvar(ctx)

    def _switched(self, ctx: click.Context) -> bool | str:
        """What the two variables of a switch say; raises BadParameter where one contradicts the
        other.
        """
        off = variable(self.secondary_opts[0])
        given = {name: text for name in self.envvar or () if (text := os.environ.get(name))}
        meant = {_opposite(text) if name == off else _boolean(text) for name, text in given.items()}
        if len(meant) > 1:
            raise click.BadParameter(
                f"{' and '.join(given)} contradict each other; unset one", ctx, self
            )
        return meant.pop()

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """What a usage error is about: the variable, where the value came from it."""
        if (
            ctx is not None
            and ctx.get_parameter_source(self.name or "") is ParameterSource.ENVIRONMENT
        ):
            return f"'{self._variable()}' (environment)"
        return super().get_error_hint(ctx)


def _boolean(text: str) -> bool | str:
    """What a variable such as RECONCILER_PRUNE means; its text where that is no boolean, for click
    to refuse.
    """
    try:
        return bool(click.BOOL.convert(text, None, None))
    except click.BadParameter:
        return text


def _opposite(text: str) -> bool | str:
    """The same of a variable such as RECONCILER_NO_PRUNE."""
    said = _boolean(text)
    return said if isinstance(said, str) else not said


def variable(option_name: str) -> str:
    """The environment variable of an option: `--max-deletes` is `RECONCILER_MAX_DELETES`."""
    return "RECONCILER_" + option_name.removeprefix("--").replace("-", "_").upper()


def option(*names: str, **attributes: Any) -> Decorator[F]:
    """A click option that is also an environment variable of its long name."""
    long = next(name for name in names if name.startswith("--")).split("/")
    variables = [variable(name) for name in long]
    return click.option(
        *names, cls=_Option, envvar=variables if len(variables) > 1 else variables[0], **attributes
    )


def together(*decorators: Decorator[Any]) -> Decorator[F]:
    """Several options as one decorator, listed in `--help` in this order."""

    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply
