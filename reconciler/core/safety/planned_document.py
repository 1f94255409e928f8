"""A planned webhook as the organisation's rules see it: what a plan shows of it, without secret
values.

`schemas/planned-webhook.schema.json` describes the document.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.core.model.fields import FIELDS, Field, Kind, Path, put
from reconciler.core.model.secret import HIDDEN, is_fingerprint, shown
from reconciler.core.model.webhook import Declared, Origin, Steps
from reconciler.core.wire import webhooks as codec

Json = dict[str, Any]
_IN_MANIFEST: Final[
    dict[str, tuple[Steps, ...]]
] = {  # where a field comes from; the first that is there
    "key": (("metadata", "name"),),
    "name": (("spec", "name"), ("metadata", "name")),
    "host": (("spec", "url"),),
    "labels": (("metadata", "labels"),),
}


def planned(declared: Declared, literals: AbstractSet[str]) -> Json:
    """The document; `literals` are the urls that may be shown in full. What nobody knows yet is not
    in it.

    What a manifest leaves open and no tenant has said is as it will be once created.
    """
    body: Json = {
        "key": declared.key,
        "protected": bool(declared.protected),
        "labels": dict(declared.labels),
    }
    for row in FIELDS:
        for path, value in _field_values(row, row.read(declared.spec), literals):
            put(body, path, value)
    return body


def _field_values(row: Field, value: Any, literals: AbstractSet[str]) -> Iterator[tuple[Path, Any]]:
    """What rules see of a field, by path; nothing of what is not known yet."""
    match row.kind:
        case Kind.OPTIONS if value:
            yield row.path, value
        case Kind.PLAIN:
            yield row.path, row.created if value is None else value
        case Kind.FOLDED if value:
            yield row.path, value
        case Kind.REFERENCE:
            text = shown(value, literals)
            if text is not None and text != HIDDEN:
                yield row.path, text
                if row.path == ("url",) and (host := _host(text)):
                    yield ("host",), host
        case Kind.CREDENTIAL if (
            value is not None and value.version is not None and not is_fingerprint(value.version)
        ):
            yield ("auth", "version"), value.version
        case Kind.SET:
            yield row.path, codec.events_to_wire(value)
        case _:
            pass


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # of a manifest that is refused for it anyway
        return None


def manifest_path(steps: Steps) -> Steps:
    """The path in a Webhook manifest of what stands at `steps` in the document."""
    return (*_sources(steps)[0], *steps[1:]) if steps else ()


def _sources(steps: Steps) -> tuple[Steps, ...]:
    return _IN_MANIFEST.get(str(steps[0]), (("spec", steps[0]),))


def origin(declared: Declared, steps: Steps) -> Origin:
    """Where what stands at `steps` in the document is written; the webhook's own place where it is
    not.
    """
    if len(steps) > 1 and steps[0] == "events":
        events = sorted(declared.spec.subscriptions, key=lambda item: item.sort_key)
        return declared.subscription_origins.get(events[int(steps[1])], declared.origin)
    found = (declared.where((*path, *steps[1:])) for path in _sources(steps)) if steps else ()
    return next(filter(None, found), declared.origin)
