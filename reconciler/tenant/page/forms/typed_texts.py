"""The texts of a webhook's form: from a stored webhook or a posted form, and as the JSON value that
the API takes. Pure.

What is wrong with a value is decided by `body.details` and `webhook_change.py`, as for the API.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.core.model.auth import AUTH_TYPES, CREDENTIAL_FIELDS
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.tenant.problems import FieldError, Refusal
from reconciler.tenant.requests import strict
from reconciler.tenant.store.values.webhook import StoredAuth, StoredWebhook, make_auth

Typed = Mapping[str, str]


STEP_1: Final = ("name", "url", "description", "auth", "username", "header", "scheme")


SELECTED: Final = ("event_type", "event_version", "event_severity")


WRITTEN: Final = ("other_type", "other_version", "other_severity")


FIELDS: Final = (*STEP_1, "events", "enabled", "protected", "group", *SELECTED, *WRITTEN)


CHOICES: Final = ("events", "group", *SELECTED, *WRITTEN)


EMPTY: Final[Typed] = dict.fromkeys(FIELDS, "") | {
    "auth": "none",
    "events": "[]",
    "scheme": "standard",
}


_TRIMMED: Final = frozenset(
    {"name", "url", *SELECTED, *WRITTEN}
)  # a space at an end comes from copying


def read_posted(posted: Mapping[str, tuple[str, ...]]) -> Typed:
    """The texts of a posted form, secrets left out; raises 400 where the hidden list of events is
    not one.
    """
    typed = {name: posted.get(name, (EMPTY[name],))[0] for name in FIELDS}
    typed |= {name: typed[name].strip() for name in _TRIMMED}
    typed["description"] = typed["description"].replace(
        "\r\n", "\n"
    )  # as browsers send line breaks
    read_events(typed)
    return typed


def copy_texts(posted: Mapping[str, tuple[str, ...]]) -> Typed:
    """The texts of a posted form as fields to send once more, secrets left out; empty where it is
    not a webhook's form.
    """
    return (
        {name: posted[name][0] for name in (*FIELDS, "revision") if name in posted}
        if "events" in posted
        else {}
    )


def read_secret(posted: Mapping[str, tuple[str, ...]], name: str | None) -> str:
    """The text of a secret's field, empty when nothing was typed."""
    return posted.get(name, ("",))[0] if name is not None else ""


def read_webhook(held: StoredWebhook) -> Typed:
    """A stored webhook as its form shows it."""
    return {
        **EMPTY,
        "name": held.name,
        "url": held.url,
        "description": held.description.replace(
            "\r\n", "\n"
        ),  # as a form sends it, so that both can be compared
        "auth": held.auth.type,
        "username": held.auth.username or "",
        "header": held.auth.header or "",
        "scheme": held.auth.scheme or EMPTY["scheme"],
        "events": write_events(
            {"type": s.type, "version": s.version or "", "severity": s.severity or ""}
            for s in held.events
        ),
        "enabled": "on" if held.enabled else "",
        "protected": "on" if held.protected else "",
    }


def read_events(typed: Typed) -> list[dict[str, str]]:
    """The added events; raises 400 for what this page did not write."""
    events = strict.read_json(typed["events"].encode())
    if not isinstance(events, list) or not all(_is_event(item) for item in events):
        raise Refusal("bad-request", "the form could not be read")
    return events


def _is_event(item: object) -> bool:
    if not isinstance(item, dict) or set(item) != {"type", "version", "severity"}:
        return False
    return all(isinstance(text, str) for text in item.values())


def write_events(items: Iterable[Mapping[str, str]]) -> str:
    """Events as the hidden field holds them."""
    return json.dumps([dict(item) for item in items], separators=(",", ":"))


def make_value(
    typed: Typed, held: StoredWebhook | None, secret: str, *, replaced: bool
) -> dict[str, Any]:
    """The JSON value of a form, as the API takes it; `secret` is what was typed now, `replaced`
    whether one was typed before.
    """
    value: dict[str, Any] = {
        "name": typed["name"],
        "url": typed["url"],
        "description": typed["description"],
        "events": read_events(typed),
    }
    value["auth"] = _make_auth_value(typed, held, secret, replaced=replaced)
    if held is not None:
        value |= {"enabled": typed["enabled"] == "on", "protected": typed["protected"] == "on"}
        if typed["description"] == read_webhook(held)["description"]:
            value["description"] = held.description
    return value


def _make_auth_value(
    typed: Typed, held: StoredWebhook | None, secret: str, *, replaced: bool
) -> dict[str, Any]:
    kind = typed["auth"]
    value: dict[str, Any] = {"type": kind}
    row = AUTH_TYPES.get(kind)
    if row is not None and row.text:
        value[row.text] = typed[row.text]
    if kind in CREDENTIAL_FIELDS and secret:
        value[CREDENTIAL_FIELDS[kind]] = secret
    elif (
        held is not None
        and not replaced
        and (kind, value.get("username")) == (held.auth.type, held.auth.username)
    ):
        value["credential_version"] = (
            held.auth.version
        )  # the credential that this version names stays
    return value


def read_event_fields(typed: Typed, names: tuple[str, str, str]) -> dict[str, str]:
    """The event that stands in three fields of the form, not added yet."""
    return dict(zip(("type", "version", "severity"), (typed[name] for name in names), strict=True))


def list_unadded(typed: Typed) -> list[FieldError]:
    """An event that was chosen or written and not added would be lost by saving: errors that say
    so.
    """
    why = "is chosen, but not added: press Add, or choose none"
    wrote = "is written, but not added: press Add, or empty it"
    errors = [FieldError("/event_type", why)] if typed["event_type"] else []
    return errors + ([FieldError("/other_type", wrote)] if typed["other_type"] else [])


def clear_fields(typed: Typed, names: tuple[str, ...]) -> Typed:
    """The form with these fields empty."""
    return {**typed, **dict.fromkeys(names, "")}


def read_subscriptions(typed: Typed) -> tuple[Subscription, ...]:
    """The added events as values."""
    return tuple(
        Subscription(item["type"], item["version"], item["severity"]) for item in read_events(typed)
    )


def make_spec(typed: Typed, before: Webhook) -> Webhook:
    """A valid form as a spec, its secret withheld; what the form does not have is as before."""
    auth = StoredAuth(typed["auth"], typed["username"], typed["header"], typed["scheme"])
    return replace(
        before,
        name=typed["name"],
        url=typed["url"],
        description=typed["description"],
        enabled=typed["enabled"] == "on",
        auth=make_auth(auth),
        subscriptions=frozenset(read_subscriptions(typed)),
    )
