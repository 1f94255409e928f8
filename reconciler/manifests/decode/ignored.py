"""`spec.ignore` of a Webhook: JSON pointers -> the paths of fields that plans do not compare."""

from __future__ import annotations

from typing import Final

from reconciler.core.model.fields import Path as FieldPath
from reconciler.core.model.fields import list_ignorable_rows
from reconciler.core.model.pointer import split_pointer
from reconciler.core.model.problem import Problem
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.yaml.document import Document

_NAMES: Final = tuple(row.name for row in list_ignorable_rows())
_POINTERS: Final = tuple(f"/spec/{name}" for name in _NAMES)
_COMPARED: Final = {
    "name": "it identifies the webhook",
    "url": "events and credentials go only where a manifest says",
    "urlFrom": "events and credentials go only where a manifest says",
    "auth": "a change of the url has to send the credential again",
    "protected": "without it in the manifest, the value at the tenant is kept",
}


def decode_ignored(document: Document, problems: list[Problem]) -> frozenset[FieldPath]:
    """The paths below spec; pointers to other fields join `problems`."""
    paths: set[FieldPath] = set()
    for number, pointer in enumerate(document.value["spec"]["ignore"]):
        path = split_pointer(pointer)[1:]
        if _is_ignorable(document, path):
            paths.add(path)
            continue
        message, hint = _explain(document, path, number + 1)
        place = ("spec", "ignore", number)
        problems.append(document.make_problem(place, "webhook/ignore", message, hint))
    return frozenset(paths)


def _is_ignorable(document: Document, path: FieldPath) -> bool:
    if len(path) == 1:
        return path[0] in _NAMES
    return len(path) == 2 and path[0] == "options" and not _is_reference(document, path[1])


def _is_reference(document: Document, option: str) -> bool:
    return isinstance(document.value["spec"].get("options", {}).get(option), dict)


def _explain(document: Document, path: FieldPath, number: int) -> tuple[str, str | None]:
    """What is wrong with a pointer, and how to fix it."""
    name = path[0] if path else ""
    if len(path) == 2 and name == "options" and _is_reference(document, path[1]):
        reason = "a change of the url has to send a secret option again"
        return f"item {number} of ignore: {reason}", "remove the pointer"
    if name in _COMPARED:
        hint = f"remove the pointer: {_COMPARED[name]}"
        return f"item {number} of ignore: a plan always compares {name}", hint
    known = f"known here: {', '.join(_POINTERS)}, /spec/options/NAME"
    message = f"item {number} of ignore: no field that a plan can leave out"
    return message, suggest(name, _NAMES) or known
