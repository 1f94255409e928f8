"""Catalogues of events as documents: AsyncAPI 3, and the `webhooks` of OpenAPI 3.1.

Source: the specifications, AsyncAPI 3.0.0 ("Message Object") and OpenAPI 3.1.0 ("Webhooks").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.core.model.catalogue import Catalogue, EventType

_REFERENCES: Final = 20  # that lead to one another
_SHOWN: Final = 1024  # characters of a description
_KNOWN: Final = "an AsyncAPI 3 document, or an OpenAPI 3.1 document with webhooks"


def read_catalogue(document: object) -> Catalogue:
    """The events that a document describes; raises ValueError with what is wrong."""
    if not isinstance(document, Mapping):
        raise ValueError(f"it must be {_KNOWN}")  # noqa: TRY004  what a file holds is a value
    if str(document.get("asyncapi", "")).startswith("3."):
        found = _list_messages(document)
    elif str(document.get("openapi", "")).startswith(("3.1", "3.2")):
        found = _list_webhooks(document)
    else:
        raise ValueError(f"it must be {_KNOWN}")
    by_type = {event.type: event for event in found}
    if not by_type:
        raise ValueError("it describes no event")
    return Catalogue(by_type)


def _follow(document: Mapping[str, Any], node: object) -> Mapping[str, Any]:
    """An object, or the one that its reference within the document leads to."""
    for _ in range(_REFERENCES):
        if not isinstance(node, Mapping):
            return {}
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        if not reference.startswith("#/"):
            raise ValueError("a reference leads to another document; give one document")
        node = document
        for step in reference.removeprefix("#/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            node = node.get(name) if isinstance(node, Mapping) else None
    raise ValueError("references lead to one another")


def _children(document: Mapping[str, Any], node: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a map by their names, references followed."""
    for name, child in node.items() if isinstance(node, Mapping) else ():
        yield str(name), _follow(document, child)


def _list_messages(document: Mapping[str, Any]) -> Iterator[EventType]:
    """The messages of the components and of every channel."""
    parts = [document.get("components")]
    parts += [channel for _, channel in _children(document, document.get("channels"))]
    for part in parts:
        messages = part.get("messages") if isinstance(part, Mapping) else None
        for key, message in _children(document, messages):
            examples = message.get("examples")
            first = examples[0] if isinstance(examples, list) and examples else {}
            payload = first.get("payload") if isinstance(first, Mapping) else None
            yield _make_type(str(message.get("name") or key), message, payload)


def _list_webhooks(document: Mapping[str, Any]) -> Iterator[EventType]:
    """The webhooks, each with the example of its request."""
    for name, item in _children(document, document.get("webhooks")):
        operation = _follow(document, item.get("post") or item.get("put"))
        body = _follow(document, operation.get("requestBody"))
        content = body.get("content")
        media = dict(_children(document, content)).get("application/json", {})
        examples = [example for _, example in _children(document, media.get("examples"))]
        payload = media.get("example", examples[0].get("value") if examples else None)
        yield _make_type(name, {**item, **operation}, payload)


def _make_type(name: str, node: Mapping[str, Any], payload: object) -> EventType:
    text = next(
        (node[word] for word in ("summary", "description", "title") if node.get(word)), None
    )
    shown = " ".join(str(text).split())[:_SHOWN] if text is not None else None
    example = json.dumps(payload) if isinstance(payload, Mapping) else None
    return EventType(name, None, None, shown, example, "")


def make_asyncapi(catalogue: Catalogue, version: str) -> dict[str, Any]:
    """An AsyncAPI 3 document of a catalogue; `version` is that of the program that writes it."""
    messages = {}
    for number, event in enumerate(catalogue.by_type.values(), 1):
        message: dict[str, Any] = {"name": event.type, "contentType": "application/json"}
        message |= {"summary": event.description} if event.description else {}
        message |= {"externalDocs": {"url": event.source}} if event.source else {}
        message["payload"] = {"type": "object"}
        if event.example is not None:
            message["examples"] = [{"payload": json.loads(event.example)}]
        messages[f"event{number}"] = message
    references = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Events of the tenant", "version": version},
        "channels": {"deliveries": {"address": None, "messages": references}},
        "operations": {"deliver": {"action": "send", "channel": {"$ref": "#/channels/deliveries"}}},
        "components": {"messages": messages},
    }
