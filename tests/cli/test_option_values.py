"""From click's values to the value of a command: no option without a field, no field by mistake."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import click
import pytest

from reconciler.cli.main import COMMANDS, root
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.option_values import make_value
from reconciler.connection import Connection


class Options(NamedTuple):
    folder: str
    manifests: ManifestOptions = ManifestOptions()


def commands() -> dict[str, click.Command]:
    """Every command by the words that call it."""
    context = click.Context(root)
    found = {name: root.get_command(context, name) for name in COMMANDS}
    tenant = found.pop("tenant")
    assert isinstance(tenant, click.Group)
    return {name: one for name, one in found.items() if one is not None} | {
        f"tenant {name}": one for name, one in tenant.commands.items()
    }


def kind_of(command: click.Command) -> type | None:
    """The value that holds the options of a command: the class in its module."""
    assert command.callback is not None
    annotation = command.callback.__annotations__.get("options")
    return getattr(sys.modules[command.callback.__module__], annotation) if annotation else None


def list_fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Each field of a value of options and of its topics, by name."""
    for name, content in value._asdict().items():
        if hasattr(content, "_fields"):
            yield from list_fields(content)
        else:
            yield name, content


KINDS = {name: kind for name, one in commands().items() if (kind := kind_of(one)) is not None}


def test_every_command_with_more_than_a_few_options_has_a_value() -> None:
    few = {"show", "explain", "schema", "providers", "init", "import", "completion", "demo"}
    tenant = {f"tenant {name}" for name in ("tokens", "revoke", "login", "backup")}
    assert set(commands()) - set(KINDS) == few | tenant
    assert all(hasattr(kind, "_fields") for kind in KINDS.values())


@pytest.mark.parametrize("name", KINDS)
def test_every_option_of_a_command_has_a_field_of_its_value(name: str) -> None:
    values = {
        param.name: f"of {param.name}"
        for param in commands()[name].params
        if param.expose_value and param.name is not None
    }
    stored = dict(list_fields(make_value(KINDS[name], values)))
    assert {option: stored[option] for option in values} == values


def test_an_option_goes_to_the_topic_that_has_a_field_of_its_name() -> None:
    made = make_value(Options, {"folder": "out", "paths": (".",), "timeout": 5.0, "tenant": "a"})
    assert (made.folder, made.manifests.paths) == ("out", (".",))
    assert made.manifests.connection == Connection(timeout=5.0)
    assert made.manifests.tenant.tenant == "a"


def test_an_option_without_a_field_and_a_field_without_its_option_are_defects() -> None:
    with pytest.raises(TypeError, match="Options has no field for colour"):
        make_value(Options, {"folder": "out", "colour": "red"})
    with pytest.raises(TypeError, match="folder"):
        make_value(Options, {})


def test_the_values_cannot_be_changed() -> None:
    made = make_value(Options, {"folder": "out"})
    with pytest.raises(AttributeError):
        made.folder = "elsewhere"  # type: ignore[misc]  # that is the point
