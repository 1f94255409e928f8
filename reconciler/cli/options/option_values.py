"""From what click parsed to the value of a command. No other module sees options by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)
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
    made = _fill(kind, left)
    if left:
        raise TypeError(f"{kind.__name__} has no field for {', '.join(left)}")
    return made


def _fill(kind: type[T], left: dict[str, Any]) -> T:
    """A field whose default is made by a dataclass is a topic; others take their option out of
    what is left.
    """
    found = {}
    for field in fields(kind):
        topic: object = field.default_factory
        if isinstance(topic, type) and is_dataclass(topic):
            found[field.name] = _fill(topic, left)
        elif field.name in left:
            found[field.name] = left.pop(field.name)
    return kind(**found)
