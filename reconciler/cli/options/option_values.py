"""From what click parsed to the value of a command. No other module sees options by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import update_wrapper
from typing import Any, NamedTuple, TypeVar

import click

T = TypeVar("T", bound=NamedTuple)
R = TypeVar("R")


def pass_options(kind: type[T]) -> Callable[[Callable[[click.Context, T], R]], Callable[..., R]]:
    """A decorator that gives a command its options and arguments as one value of `kind`."""

    def decorate(function: Callable[[click.Context, T], R]) -> Callable[..., R]:
        def call(ctx: click.Context, /, **values: Any) -> R:
            return function(ctx, make_value(kind, values))

        return click.pass_context(update_wrapper(call, function))

    return decorate


def make_value(kind: type[T], values: Mapping[str, Any]) -> T:
    """The value, with each option in the field of its name, in whichever topic that is; raises
    TypeError for an option without a field, or a field that needs an option.
    """
    left = dict(values)
    made: T = _fill(kind, left)
    if left:
        raise TypeError(f"{kind.__name__} has no field for {', '.join(left)}")
    return made


def _fill(kind: Any, left: dict[str, Any]) -> Any:
    """A field whose default is a value with fields is a topic; others take their option out of what
    is left.
    """
    values = {}
    for name in kind._fields:
        topic = kind._field_defaults.get(name)
        if isinstance(topic, tuple) and hasattr(topic, "_fields"):
            values[name] = _fill(type(topic), left)
        elif name in left:
            values[name] = left.pop(name)
    return kind(**values)
