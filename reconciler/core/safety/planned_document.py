"""A planned webhook in the form that the organisation's rules check: without secret values.

`schemas/planned-webhook.schema.json` describes the document.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.core.model.fields import FIELDS, Field, Kind, Path, set_value
from reconciler.core.model.options import Options, is_hidden
from reconciler.core.model.reference_names import add_reference_suffix
from reconciler.core.model.scopes import split_key
from reconciler.core.model.secret import HIDDEN, is_fingerprint, shown
from reconciler.core.model.webhook import Declared, Origin, Steps
from reconciler.core.wire import webhooks as codec

Json = dict[str, Any]
_URL: Final[Path] = ("url",)
_VERSION: Final[Path] = ("auth", "version")
_IN_MANIFEST: Final[
    dict[str, tuple[Steps, ...]]
] = {  # paths of a field in a manifest; the first that exists counts
    "key": (("metadata", "name"),),
    "name": (("spec", "name"), ("metadata", "name")),
    "host": (("spec", "url"),),
    "labels": (("metadata", "labels"),),
}


def make_planned_document(declared: Declared, literals: AbstractSet[str]) -> Json:
    """The document; `literals` are the urls that may be printed in full. Unknown values are left
    out.

    An open field of the manifest without a live value has its value after creation.
    """
    key, scope = split_key(declared.key)
    body: Json = {
        "key": key,
        "protected": bool(declared.protected),
        "labels": dict(declared.labels),
    }
    if scope:
        body |= {"scope": scope}
    for row in FIELDS:
        _add_field(body, row, row.read(declared.spec), literals)
    return body


def _add_field(body: Json, row: Field, value: Any, literals: AbstractSet[str]) -> None:
    """Adds the values of a field for rules, by path; none if it is unknown. Asked for each field of
    each webhook, so the most frequent kinds come first.
    """
    match row.kind:
        case Kind.PLAIN:
            set_value(body, row.path, row.created if value is None else value)
        case Kind.REFERENCE:
            text = shown(value, literals)
            if text is not None and text != HIDDEN:
                set_value(body, row.path, text)
                if row.path == _URL and (host := _find_host(text)):
                    body["host"] = host
        case Kind.OPTIONS | Kind.FOLDED:
            if value:
                set_value(body, row.path, _hide_secrets(value))
        case Kind.CREDENTIAL:
            version = value.version if value is not None else None
            if version is not None and not is_fingerprint(version):
                set_value(body, _VERSION, version)
        case Kind.SET:
            set_value(body, row.path, codec.events_to_wire(value))


def _hide_secrets(options: str | Options) -> str | Json:
    """The options, or a text as it is; of a secret option a rule sees that there is one."""
    if isinstance(options, str):
        return options
    return {name: HIDDEN if is_hidden(value) else value for name, value in options.items()}


def _find_host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # of a manifest that is refused for it anyway
        return None


def manifest_path(declared: Declared, steps: Steps) -> Steps:
    """The path in a Webhook manifest of the value at `steps` in the document."""
    if not steps:
        return ()
    path = next(_list_paths(steps))
    reference = (*path[:-1], add_reference_suffix(str(path[-1])))
    return reference if declared.find_origin(reference) else path


def _list_paths(steps: Steps) -> Iterator[Steps]:
    """The paths that a value may have in a manifest; the first that exists counts."""
    for path in _IN_MANIFEST.get(str(steps[0]), (("spec", steps[0]),)):
        *above, last = *path, *steps[1:]
        yield (*above, last)
        if (name := add_reference_suffix(str(last))) != str(last):
            yield (*above, name)


def find_origin(declared: Declared, steps: Steps) -> Origin:
    """The position of the value at `steps` in the document; that of the webhook if there is
    none.
    """
    if len(steps) > 1 and steps[0] == "events":
        events = sorted(declared.spec.subscriptions, key=lambda item: item.sort_key)
        return declared.subscription_origins.get(events[int(steps[1])], declared.origin)
    origins = map(declared.find_origin, _list_paths(steps)) if steps else ()
    return next(filter(None, origins), declared.origin)
