"""Where a document has references to secrets, and the same document with others in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Json = dict[str, Any]
Path = tuple[str, ...]
_FIELDS: Final = {"urlFrom": "url", "usernameFrom": "username"}  # the same value by another name
_KINDS: Final = frozenset({"Webhook", "Tenant", "ClusterTenant"})


def list_references(document: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Path and content of each reference."""
    if document["kind"] not in _KINDS:
        return
    spec = document["spec"]
    for path in (("url",), ("urlFrom",), ("token",)):
        if isinstance(spec.get(path[0]), Mapping):
            yield ("spec", *path), spec[path[0]]
    for group in ("auth", "options"):
        for name, value in spec.get(group, {}).items():
            if isinstance(value, Mapping):
                yield ("spec", group, name), value


def name_fields(document: Mapping[str, Any]) -> dict[Path, str]:
    """The name of the value behind each reference: as its field, and unique in the document."""
    names: dict[Path, str] = {}
    for path, _reference in list_references(document):
        name = _FIELDS.get(path[-1], path[-1])
        names[path] = f"options.{name}" if path[1] == "options" and name in names.values() else name
    return names


def replace_references(
    document: Json, make: Callable[[Path, Mapping[str, Any]], Mapping[str, Any]]
) -> Json:
    """A copy of the document with what `make` returns for each reference."""
    made = {**document, "spec": dict(document["spec"])}
    for group in ("auth", "options"):
        if isinstance(made["spec"].get(group), Mapping):
            made["spec"][group] = dict(made["spec"][group])
    for path, reference in list_references(document):
        holder = made
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = make(path, reference)
    return made
