"""One field of one manifest changed in its text, everything else left byte for byte: comments, order, anchors, layout.

Called by `write.py`. An edit is taken only if the strict reader then finds what was meant and nothing else changed. Only fields
of one value are edited; `auth` and `events` are not.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from reconciler.core.manifest import scalar
from reconciler.manifests.places import File
from reconciler.manifests.read import read

FIELDS: Final = frozenset({"name", "url", "description", "enabled", "protected"})
_PROPERTY: Final = re.compile(r"&\S+\s+")


def edited(text: str, key: str, field: str, value: str | bool) -> str | None:
    """The text with `spec.field` of that Webhook set; None where that cannot be done in place, or would change more."""
    before = _values(text)
    wanted = copy.deepcopy(before)
    for document in wanted:
        if _is(document, key):
            document["spec"][field] = value
    new = ("true" if value else "false") if isinstance(value, bool) else scalar(value)
    return next((made for made in _candidates(text, key, field, new) if _values(made) == wanted), None)


def _values(text: str) -> list[Any]:
    documents, problems = read(File(""), text.encode())
    return [None] if problems else [document.value for document in documents]


def _is(document: Any, key: str) -> bool:
    return isinstance(document, dict) and document.get("kind") == "Webhook" and document["metadata"]["name"] == key


def _child(node: Any, name: str) -> Any:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for key, value in pairs if key.value == name), None)


def _candidates(text: str, key: str, field: str, new: str) -> Iterator[str]:
    """The texts to try, the one that changes least first."""
    for document in yaml.compose_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        spec, name = _child(document, "spec"), _child(_child(document, "metadata"), "name")
        if spec is None or name is None or name.value != key:
            continue
        held = _child(spec, field)
        if held is not None:
            start, end = held.start_mark.index, held.end_mark.index
            old = text[start:end]
            anchor = _PROPERTY.match(old)
            rest = old[len(old.rstrip("\r\n")) :] if isinstance(held, yaml.ScalarNode) and held.style in {"|", ">"} else ""
            yield f"{text[:start]}{anchor[0] if anchor else ''}{new}{rest}{text[end:]}"
        elif spec.value:
            mark = spec.value[0][0].start_mark
            quote = '"' if text[mark.index] == '"' else ""
            line_end = "\r\n" if "\r\n" in text else "\n"
            between = ", " if spec.flow_style else line_end + " " * mark.column
            yield f"{text[: mark.index]}{quote}{field}{quote}: {new}{between}{text[mark.index :]}"
