"""A product file as values: how the REST API of a product without a provider is spoken to.

A valid Product manifest -> `Product`. What is sent is `providers/product_file/`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.model import limits
from reconciler.core.model.capabilities import Capabilities, Envelope, SecretRules, Signature
from reconciler.core.model.options import KEYWORD

EVERY_EVENT: Final = "*"
"""The event that stands for all, where a product has a field for it."""
NO_MARK: Final = "none"
"""The mark of a product without room for one."""
_DESCRIPTION_LENGTH: Final = 1024
_PARALLELISM: Final = 4  # requests at the same time, if the file does not say
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_OPTION_WORDS: Final = ("type", "description", "enum", "default", "minimum", "maximum", "items")
_FIELDS: Final = ("name", "url", "description", "enabled", "events", "options")
_PLAIN_WORDS: Final = frozenset({"enum", "default", "minimum", "maximum", "items"})
_CALLS: Final = ("list", "get", "create", "update", "delete", "test")
_WORDS: Final = ("event", "type", "id", "timestamp", "time", "instance")
_METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its method and path, fixed query and body, and the pointer to what is asked for
    in the answer. `{NAME}` in texts is the webhook's id or a part of the Tenant's target.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    item: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Product:
    """A product file: its capabilities, its calls by name, and the parts of its spec that say where
    each field stands.
    """

    capabilities: Capabilities
    calls: Mapping[str, Call]
    spec: Mapping[str, Any]


def make_product(name: str, spec: Mapping[str, Any]) -> Product:
    """The values of a product file that matches its schema and has no fault."""
    calls = {part: _make_call(part, spec[part]) for part in _CALLS if part in spec}
    return Product(_make_capabilities(name, spec), calls, spec)


def _make_call(name: str, part: Mapping[str, Any]) -> Call:
    method = next(word for word in _METHODS if word in part)
    item = part.get("items" if name == "list" else "item", "")
    return Call(method.upper(), part[method], part.get("query", {}), part.get("body", {}), item)


def _make_capabilities(name: str, spec: Mapping[str, Any]) -> Capabilities:
    fields, auth = spec["fields"], spec.get("auth", {})
    return Capabilities(
        provider=name,
        version=_make_version(spec),
        fields=frozenset({"name", "description", "enabled"} & fields.keys()),
        description_length=spec.get("descriptionLength", _DESCRIPTION_LENGTH),
        auths=frozenset({"none", auth.get("type", "none")}),
        schemes=(auth.get("scheme", "product"),) if auth.get("type") == "signature" else (),
        events=list_events(spec),
        needs_events=spec.get("needsEvents", False),
        options=_make_options(spec.get("options", {})),
        target=_make_target(spec.get("target", {})),
        identity="name" if "name" in fields and spec["mark"] != NO_MARK else "url",
        unique_names=spec.get("uniqueNames", False),
        mark="none" if spec["mark"] == NO_MARK else "field",
        secrets=SecretRules(kept=True, visible="has" in auth, type_visible="has" in auth),
        rewrites=_list_rewrites(spec["update"]),
        test="saved" if "test" in spec else "none",
        parallelism=spec.get("parallelism", _PARALLELISM),
        envelope=_make_envelope(spec["envelope"]) if "envelope" in spec else None,
    )


def _make_version(spec: Mapping[str, Any]) -> str:
    """A digest of what plans depend on; the envelope is for tests only."""
    import hashlib  # noqa: PLC0415  it loads OpenSSL, which `validate` does without

    planned = {part: value for part, value in spec.items() if part != "envelope"}
    return hashlib.sha256(json.dumps(planned, sort_keys=True).encode()).hexdigest()[:12]


def _make_envelope(part: Mapping[str, Any]) -> Envelope:
    return Envelope(
        headers=part.get("headers", {}),
        words={event: {"event": name} for event, name in part.get("names", {}).items()},
        sample=part.get("sample", {}),
        form=part.get("form", ""),
        signatures=(Signature(**part["signature"]),) if "signature" in part else (),
        credential_header=part.get("token", ""),
    )


def _list_rewrites(update: Mapping[str, Any]) -> frozenset[str]:
    """The fields that each update writes: all of them, but for PATCH."""
    return frozenset(update.get("always", ()) if "patch" in update else _FIELDS)


def list_events(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The events that the product takes; none if it takes any name."""
    events = spec["fields"]["events"]
    known = (*events.get("flags", ()), *spec.get("knownEvents", ()))
    return (*known, EVERY_EVENT) if known and "all" in events else tuple(known)


def _make_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of `spec.options`."""
    if not options:
        return {}
    properties = {
        name: {word: part[word] for word in _OPTION_WORDS if word in part}
        | ({KEYWORD: True} if part.get("secret") else {})
        for name, part in options.items()
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _make_target(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a Tenant's `spec.target`."""
    if not parts:
        return {}
    values = {"type": ["string", "integer"], "minLength": 1, "maxLength": 255}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, part in parts.items() if part.get("required", True)],
        "properties": {
            name: {**values, "description": part["description"]} for name, part in parts.items()
        },
    }


def find_faults(spec: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What its schema cannot say of a product file: the path of each fault, its text and a hint."""
    parts = spec.get("target", {})
    yield from _find_envelope_faults(spec.get("envelope", {}), {*parts, *_WORDS})
    for name in _CALLS:
        known = {*parts, *(("id",) if name in {"get", "update", "delete", "test"} else ())}
        yield from _find_unknown_words(_list_texts(spec.get(name, {}), (name,)), known)
        is_of_one = name in spec and "id" in known
        if is_of_one and "{id}" not in _make_call(name, spec[name]).path:
            yield (name,), f"{name} names no webhook", "put {id} into its path"
    yield from _find_secret_faults(spec)
    for path, pointer in _list_pointers(spec):
        if pointer == spec["id"] and path != ("id",):
            yield path, "it points to the id, which cannot be written", "give its own pointer"


def _find_secret_faults(spec: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if spec["mark"] == NO_MARK and "has" not in spec.get("auth", {"has": ""}):
        text = "without a mark, only the product tells whether there is a credential"
        yield ("auth",), text, "add has"
    for name, part in spec.get("options", {}).items():
        if part.get("secret") and (part["type"] != "string" or _PLAIN_WORDS & part.keys()):
            hint = f"type: string, without {', '.join(sorted(_PLAIN_WORDS))}"
            yield ("options", name), "a secret is a text of any value", hint


def _find_envelope_faults(
    part: Mapping[str, Any], known: set[str]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    for name in ("headers", "sample"):
        texts = _list_texts(part.get(name, {}), ("envelope", name))
        yield from _find_unknown_words(texts, known)
    headers: dict[tuple[str, ...], str] = {
        ("headers", name): name for name in part.get("headers", {})
    }
    headers["signature", "header"] = part.get("signature", {}).get("header", "")
    headers["token",] = part.get("token", "")
    for path, name in headers.items():
        fault = limits.header(name) if name else None
        if fault:
            yield ("envelope", *path), f"{name} {fault}", "leave it out"


def _find_unknown_words(
    texts: Iterable[tuple[tuple[str, ...], str]], known: set[str]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    hint = f"known here: {', '.join(sorted(known)) or 'none'}"
    for path, text in texts:
        for word in _PLACEHOLDER.findall(text):
            if word not in known:
                yield path, f"{{{word}}} stands for nothing", hint


def _list_texts(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _list_texts(inner, (*path, name))


def _list_pointers(spec: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every pointer to a field that is written."""
    if spec["mark"] != NO_MARK:
        yield ("mark",), spec["mark"]
    for part in ("fields", "options", "auth"):
        for path, text in _list_texts(spec.get(part, {}), (part,)):
            if text.startswith("/"):
                yield path, text


def fill(text: str, values: Mapping[str, str]) -> str | None:
    """A text with its placeholders filled in; None if one of them has no value."""
    if any(word not in values for word in _PLACEHOLDER.findall(text)):
        return None
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
