"""What Svix's OpenAPI document, version 1.922.0, says of the bodies that a provider sends: the fields
of each operation, the required ones, and which values a field takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

EVENTS = {"user.signup", "user.deleted", "invoice.paid", "without.example"}
NAME = re.compile(r"[a-zA-Z0-9\-_.]{1,256}")
CHANNEL = re.compile(r"[a-zA-Z0-9\-_.:+]{1,128}")
KEY = re.compile(r"(whsec_)?[a-zA-Z0-9+/=]{32,100}")
NULLABLE = {"uid", "filterTypes", "channels", "rateLimit", "throttleRate", "secret", "key"}


def is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 65536


def is_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def is_set_of(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        unique = isinstance(value, list) and len(value) == len(set(value)) > 0
        return unique and all(pattern.fullmatch(item) for item in value)

    return check


def matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


FIELDS: dict[str, Callable[[Any], bool]] = {
    "url": lambda value: isinstance(value, str) and urlsplit(value).scheme in {"http", "https"},
    "description": lambda value: isinstance(value, str) and not re.search(r"[\x00-\x08]", value),
    "uid": matches(NAME),
    "disabled": lambda value: isinstance(value, bool),
    "filterTypes": is_set_of(NAME),
    "channels": lambda value: is_set_of(CHANNEL)(value) and len(value) <= 10,
    "rateLimit": is_number,
    "throttleRate": is_number,
    "version": is_number,
    "metadata": lambda value: (
        is_map(value) and len(json.dumps(value, separators=(",", ":"))) <= 4096
    ),
    "secret": matches(KEY),
    "headers": is_map,
    "key": matches(KEY),
    "gracePeriodSeconds": lambda value: isinstance(value, int),
    "eventType": matches(NAME),
    "exampleIndex": lambda value: isinstance(value, int),
}
DEFAULTS: dict[str, Any] = {
    "uid": None,
    "description": "",
    "disabled": False,
    "filterTypes": None,
    "channels": None,
    "rateLimit": None,
    "metadata": {},
    "version": 1,
}
PUT = {"url", "throttleRate", *DEFAULTS}
OPERATIONS: dict[tuple[str, str], tuple[set[str], set[str]]] = {  # (allowed, required)
    ("POST", ""): (PUT | {"secret", "headers"}, {"url"}),
    ("PUT", ""): (PUT, {"url"}),
    ("PATCH", ""): (PUT | {"secret"}, set()),
    ("POST", "secret/rotate"): ({"key", "gracePeriodSeconds"}, set()),
    ("POST", "send-example"): ({"eventType", "exampleIndex"}, {"eventType"}),
}


def find_faults(operation: tuple[str, str], body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    allowed, required = OPERATIONS[operation]
    for name in sorted(required - body.keys()):
        yield {"loc": ["body", name], "msg": "field required", "type": "value_error.missing"}
    for name, value in body.items():
        if name in allowed and value is None and name in NULLABLE:
            continue
        if name not in allowed or not FIELDS[name](value):
            yield {"loc": ["body", name], "msg": "invalid value", "type": "value_error"}
    if set(body.get("filterTypes") or ()) - EVENTS:
        message = f"The following event types don't exist: {body['filterTypes']}"
        yield {"loc": ["body", "filterTypes"], "msg": message, "type": "value_error"}
