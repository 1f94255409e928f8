"""Providers and what they can do, as text and as JSON (`reconciler.providers/v1`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from reconciler.core.model.capabilities import PRODUCT_FILE, Capabilities
from reconciler.core.model.options import list_parts

_MARKS: Final = {
    "native": "a field of its own, or metadata",
    "field": "the last line of the description",
    "ledger": "a ledger in the product",
    "none": "none: nothing is deleted, unless ownership is all",
}
_USAGES: Final = {
    "listing": "yes, in every listing",
    "log": "yes, in a log that is read before a removal",
    "none": "no",
}
_TESTS: Final = {
    "unsaved": "any webhook, saved or not",
    "saved": "webhooks that are saved",
    "none": "none; use test --via probe",
}
_PROBES: Final = {
    True: "sends what the product sends",
    False: "sends the envelope of the reconciler's own tenant",
}


class Listed(NamedTuple):
    """A provider or a product file, by its capabilities."""

    capabilities: Capabilities
    is_product_file: bool = False


def _lines(item: Capabilities) -> Iterator[tuple[str, str]]:
    yield "fields", ", ".join(["url", *sorted(item.fields), "events"])
    yield "authentication", ", ".join(sorted(item.auths))
    if item.schemes:
        yield "schemes of signatures", ", ".join(item.schemes)
    yield "parts of an event", ", ".join(["type", *sorted(item.event_parts, reverse=True)])
    if item.events:
        yield "events", ", ".join(item.events)
    yield "mark of ownership", _show_mark(item)
    if not item.secrets.rotatable:
        yield "a new credential", "makes a new webhook, then deletes the old one"
    yield "equal names", "refused" if item.unique_names else "allowed"
    yield "counts deliveries", _USAGES[item.usage]
    yield "tests", _TESTS[item.test]
    yield "test --via probe", _PROBES[item.envelope is not None]
    for title, schema in (("target", item.target), ("options", item.options)):
        for name, part in list_parts(schema):
            needed = ", required" if name in schema.get("required", ()) else ""
            yield f"{title}.{name}", f"{part.get('description', '')}{needed}".strip(", ")


def _show_mark(item: Capabilities) -> str:
    if item.mark == "field" and "description" not in item.fields:
        return "a text of the product that nothing else uses"
    return _MARKS[item.mark]


def providers_text(items: Iterable[Listed], *, details: bool) -> str:
    """A line per provider, or everything about each."""
    if not details:
        return "".join(map(_show_line, items))
    parts = []
    for item in items:
        rows = list(_lines(item.capabilities))
        if item.is_product_file:
            rows.insert(0, ("a Tenant says", _show_use(item.capabilities)))
        width = max(len(title) for title, _ in rows)
        parts.append(f"{item.capabilities.provider}, version {item.capabilities.version}")
        parts += [f"  {title:<{width}}  {text}" for title, text in rows]
    return "\n".join(parts) + "\n"


def _show_line(item: Listed) -> str:
    use = f"  product file: {_show_use(item.capabilities)}" if item.is_product_file else ""
    return f"{item.capabilities.provider}  (version {item.capabilities.version}){use}\n"


def _show_use(item: Capabilities) -> str:
    return f"provider: {PRODUCT_FILE}, product: {item.provider}"


def _document(listed: Listed) -> dict[str, Any]:
    item = listed.capabilities
    return {
        "name": item.provider,
        "product_file": listed.is_product_file,
        "version": item.version,
        "fields": sorted(item.fields),
        "auths": sorted(item.auths),
        "schemes": list(item.schemes),
        "events": list(item.events),
        "event_parts": sorted(item.event_parts),
        "mark": item.mark,
        "identity": item.identity,
        "unique_names": item.unique_names,
        "conditional": item.conditional,
        "idempotency_key": item.idempotency_key,
        "usage": item.usage != "none",
        "test": item.test,
        "probe": "product" if item.envelope is not None else "tenant",
        "target": dict(item.target),
        "options": dict(item.options),
    }


def providers_json(items: Iterable[Listed]) -> str:
    """`reconciler.providers/v1`: an object per provider."""
    body = {"format": "reconciler.providers/v1", "providers": [_document(item) for item in items]}
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
