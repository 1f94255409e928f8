"""The fields of a webhook's spec, one row each. What compares, prints, saves or exports a spec
loops over this table.

A provider's codec is not here: it has the words of its product, and a test checks that it covers
the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from reconciler.core.model import auth, limits
from reconciler.core.model.options import is_hidden
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Subscription, Webhook

Path = tuple[str, ...]


class Kind(StrEnum):
    """How a field is compared and printed."""

    PLAIN = "plain"  # text, flag or number: as it is
    FOLDED = "folded"  # text, whose letters are compared in any case
    REFERENCE = "reference"  # text or a Secret: printed only where it may be
    CREDENTIAL = "credential"  # compared and printed by its version
    SET = "set"  # the events
    OPTIONS = "options"  # the product's own fields, each by its name


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Field:
    """One field: its path in a manifest's spec, how to read it from a spec, and what it means if a
    manifest leaves it out.

    `default` is that meaning; None leaves the live value, and `created` is what a create writes
    then. `type` is the type of a PLAIN value: str, bool or int. `check` says what is wrong with a
    text, None if nothing is. `label` names the field for people.
    """

    path: Path
    kind: Kind
    read: Callable[[Webhook], Any]
    default: Any = None
    created: Any = None
    type: type[str | bool | int] = str
    check: Callable[[str], str | None] = limits.description
    label: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path[-1]

    @property
    def is_simple(self) -> bool:
        """Whether the field is one value directly below spec."""
        return len(self.path) == 1 and self.kind in {Kind.PLAIN, Kind.REFERENCE, Kind.OPTIONS}


def plain_field(name: str, default: Any = None, **values: Any) -> Field:
    """A row of kind PLAIN for an attribute of the spec, with further values of a Field."""
    label = name.replace("_", " ").capitalize()
    return Field(
        (name,),
        Kind.PLAIN,
        lambda spec: getattr(spec, name, default),
        default,
        **{"label": label, **values},
    )


FIELDS: Final[list[Field]] = [
    plain_field("name", check=limits.name),
    Field(("url",), Kind.REFERENCE, lambda spec: spec.url, label="Endpoint URL"),
    plain_field("description", ""),
    plain_field("enabled", type=bool, created=True),
    Field(("auth", "type"), Kind.PLAIN, lambda spec: auth.get_auth_type(spec.auth), "none"),
    Field(("auth", "username"), Kind.REFERENCE, lambda spec: auth.get_username(spec.auth)),
    Field(("auth", "header"), Kind.FOLDED, lambda spec: auth.get_header(spec.auth), ""),
    Field(("auth", "scheme"), Kind.FOLDED, lambda spec: auth.get_scheme(spec.auth), ""),
    Field(("auth", "credential"), Kind.CREDENTIAL, lambda spec: auth.get_credential(spec.auth)),
    Field(("options",), Kind.OPTIONS, lambda spec: dict(spec.options), {}),
    Field(("events",), Kind.SET, lambda spec: spec.subscriptions, frozenset()),
]
MODEL: type[Webhook] = (
    Webhook  # what `make_spec` makes; with a further row of FIELDS comes a model that has it
)


def make_spec(
    values: Mapping[str, Any],
    url: str | Secret,
    authentication: auth.Auth,
    events: frozenset[Subscription],
) -> Webhook:
    """A spec of the values of `list_attributes` by name, and of those that had to be decoded."""
    return MODEL(**values, url=url, auth=authentication, subscriptions=events)


def list_attributes() -> Iterator[Field]:
    """The rows that are a value of the spec by themselves and need no decoding: those a manifest
    holds as they are.
    """
    return (row for row in FIELDS if row.kind in {Kind.PLAIN, Kind.OPTIONS} and len(row.path) == 1)


def list_plain_rows() -> Iterator[Field]:
    """The rows that a product may hold or lack: one plain value directly below spec."""
    return (row for row in list_attributes() if row.kind is Kind.PLAIN)


def list_ignorable_rows() -> Iterator[Field]:
    """The rows that a manifest may leave out of comparison, beside single options.

    The name identifies a webhook. The url and the authentication belong together: a credential goes
    only to an endpoint that a manifest says, and a change of the url has to send it again.
    """
    return (
        row
        for row in FIELDS
        if len(row.path) == 1 and row.kind in {Kind.PLAIN, Kind.SET} and row.name != "name"
    )


def list_common_rows() -> Iterator[Field]:
    """The rows of every product: without the options of one."""
    return (row for row in FIELDS if row.kind is not Kind.OPTIONS)


def visible_values(spec: Webhook) -> dict[str, Any]:
    """The PLAIN fields of a spec, which hold no secret, as nested dicts."""
    document: dict[str, Any] = {}
    for row in FIELDS:
        if row.kind is Kind.PLAIN:
            set_value(document, row.path, row.read(spec))
    return document


def set_value(document: dict[str, Any], path: Path, value: Any) -> None:
    """Sets a value in nested dicts."""
    for step in path[:-1]:
        document = document.setdefault(step, {})
    document[path[-1]] = value


def comparable_values(spec: Webhook) -> dict[Path, Any]:
    """Every field by the path under which a plan names it, as values that are equal if the fields
    are.
    """
    values_by_path: dict[Path, Any] = {}
    for row in FIELDS:
        value, path = row.read(spec), row.path
        if row.kind is Kind.OPTIONS:  # a plan names each option
            values_by_path |= {
                (*path, name): _comparable_credential(option) if is_hidden(option) else option
                for name, option in value.items()
            }
            continue
        match row.kind:
            case Kind.FOLDED:
                value = value.lower()
            case Kind.CREDENTIAL if value is not None:
                path = ("auth", auth.get_credential_field(spec.auth))
                value = _comparable_credential(value)
            case _:
                pass
        values_by_path[path] = value
    return values_by_path


def _comparable_credential(value: Secret | Withheld) -> tuple[str | None, str | None]:
    """A Secret is one that would be sent, whatever version the tenant knows."""
    return value.version, value.reference if isinstance(value, Secret) else None
