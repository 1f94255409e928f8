"""A webhook's form: its fields as texts, from a stored webhook or a posted form, and as the JSON
value that the API takes.

Pure. What is wrong with a value is decided by `body.details` and `webhook_change.py`, as for the
API; here an error only finds its field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.model.auth import CREDENTIAL_FIELDS
from reconciler.core.model.webhook import Subscription
from reconciler.tenant.problems import FieldError, Refusal
from reconciler.tenant.requests import strict
from reconciler.tenant.store.rows.drafts import Draft
from reconciler.tenant.store.rows.webhooks import Stored

Typed = Mapping[str, str]

LABELS: Final = {
    "name": "Name",
    "url": "Endpoint URL",
    "description": "Description",
    "auth": "Authentication",
    "username": "User name",
    "password": "Password",
    "token": "Token",
    "header": "Header",
    "value": "Key",
    "events": "Events",
    "event_type": "Event type",
    "event_version": "Version",
    "event_severity": "Severity",
    "other_type": "Event type",
    "other_version": "Version",
    "other_severity": "Severity",
    "test": "Test webhook",
}
STEP_1: Final = ("name", "url", "description", "auth", "username", "header")
SELECTED: Final = ("event_type", "event_version", "event_severity")
WRITTEN: Final = ("other_type", "other_version", "other_severity")
_KEPT: Final = (*STEP_1, "events", "enabled", "protected", "group", *SELECTED, *WRITTEN)
_CHOSEN: Final = ("events", "group", *SELECTED, *WRITTEN)
EMPTY: Final[Typed] = dict.fromkeys(_KEPT, "") | {"auth": "none", "events": "[]"}
_TRIMMED: Final = frozenset(
    {"name", "url", *SELECTED, *WRITTEN}
)  # a space at an end comes from copying


@dataclass(frozen=True, slots=True)
class Form:
    """What a template shows of a form. `stored` is the authentication whose secret the tenant
    holds, empty for none.

    `kept`: a secret was typed and lies in the draft; `unreadable`: the stored one cannot be opened.
    `changed`: something that is not stored was typed or chosen; `choosing`: among the events.
    `errors` by field; `summary` is field and sentence, in the form's order. `refused`: why nothing
    was done with what was sent, and no secret of it is left; empty where it was taken.
    """

    typed: Typed = field(repr=False)
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    summary: tuple[tuple[str, str], ...] = ()
    kept: bool = False
    stored: str = ""
    unreadable: bool = False
    changed: bool = False
    choosing: bool = False
    draft: str = ""
    revision: str = ""
    tested: Mapping[str, Any] | None = None
    refused: str = ""

    @property
    def events(self) -> list[dict[str, str]]:
        """The events that were added, in the order of adding."""
        return events(self.typed)


def of_form(given: Mapping[str, tuple[str, ...]]) -> Typed:
    """The texts of a posted form, secrets left out; raises 400 where the hidden list of events is
    not one.
    """
    typed = {name: given.get(name, (EMPTY[name],))[0] for name in _KEPT}
    typed |= {name: typed[name].strip() for name in _TRIMMED}
    typed["description"] = typed["description"].replace(
        "\r\n", "\n"
    )  # as browsers send line breaks
    events(typed)
    return typed


def carried(given: Mapping[str, tuple[str, ...]]) -> Typed:
    """The texts of a posted form as fields to send once more, secrets left out; empty where it is
    not a webhook's form.
    """
    return (
        {name: given[name][0] for name in (*_KEPT, "revision") if name in given}
        if "events" in given
        else {}
    )


def secret_of(given: Mapping[str, tuple[str, ...]], name: str | None) -> str:
    """The text of a secret's field, empty when nothing was typed."""
    return given.get(name, ("",))[0] if name is not None else ""


def of_webhook(held: Stored) -> Typed:
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
        "events": listed(
            {"type": s.type, "version": s.version or "", "severity": s.severity or ""}
            for s in held.events
        ),
        "enabled": "on" if held.enabled else "",
        "protected": "on" if held.protected else "",
    }


def changed(draft: Draft, held: Stored) -> bool:
    """Whether somebody typed or chose something that is not stored; the version chooses itself
    where there is one only.
    """
    return draft.sealed is not None or _differ(draft, held, _KEPT)


def _differ(draft: Draft, held: Stored, names: Iterable[str]) -> bool:
    """Whether one of these fields is not as stored."""
    stored = of_webhook(held)
    return any(draft.typed[name] != stored[name] for name in names if name != "event_version")


def events(typed: Typed) -> list[dict[str, str]]:
    """The added events; raises 400 for what this page did not write."""
    found = strict.loads(typed["events"].encode())
    if not isinstance(found, list) or not all(_is_event(item) for item in found):
        raise Refusal("bad-request", "the form could not be read")
    return found


def _is_event(item: object) -> bool:
    if not isinstance(item, dict) or set(item) != {"type", "version", "severity"}:
        return False
    return all(isinstance(text, str) for text in item.values())


def listed(items: Iterable[Mapping[str, str]]) -> str:
    """Events as the hidden field holds them."""
    return json.dumps([dict(item) for item in items], separators=(",", ":"))


def one(item: Mapping[str, str]) -> str:
    """One event as the button that removes it names it."""
    return json.dumps([item["type"], item["version"], item["severity"]])


def value(typed: Typed, held: Stored | None, secret: str, *, replaced: bool) -> dict[str, Any]:
    """The JSON value of a form, as the API takes it; `secret` is what was typed now, `replaced`
    whether one was typed before.
    """
    made: dict[str, Any] = {
        "name": typed["name"],
        "url": typed["url"],
        "description": typed["description"],
        "events": events(typed),
    }
    made["auth"] = _auth(typed, held, secret, replaced=replaced)
    if held is not None:
        made |= {"enabled": typed["enabled"] == "on", "protected": typed["protected"] == "on"}
        if typed["description"] == of_webhook(held)["description"]:
            made["description"] = held.description
    return made


def _auth(typed: Typed, held: Stored | None, secret: str, *, replaced: bool) -> dict[str, Any]:
    kind = typed["auth"]
    made: dict[str, Any] = {"type": kind}
    if kind == "basic":
        made["username"] = typed["username"]
    if kind == "apiKey":
        made["header"] = typed["header"]
    if kind in CREDENTIAL_FIELDS and secret:
        made[CREDENTIAL_FIELDS[kind]] = secret
    elif (
        held is not None
        and not replaced
        and (kind, made.get("username")) == (held.auth.type, held.auth.username)
    ):
        made["credential_version"] = (
            held.auth.version
        )  # the credential that this version names stays
    return made


def selected(typed: Typed, names: tuple[str, str, str]) -> dict[str, str]:
    """The event that stands in three fields of the form, not added yet."""
    return dict(zip(("type", "version", "severity"), (typed[name] for name in names), strict=True))


def unadded(typed: Typed) -> list[FieldError]:
    """An event that was chosen or written and not added would be lost by saving: errors that say
    so.
    """
    why = "is chosen, but not added: press Add, or choose none"
    wrote = "is written, but not added: press Add, or empty it"
    found = [FieldError("/event_type", why)] if typed["event_type"] else []
    return found + ([FieldError("/other_type", wrote)] if typed["other_type"] else [])


def cleared(typed: Typed, names: tuple[str, ...]) -> Typed:
    """The form with these fields empty."""
    return {**typed, **dict.fromkeys(names, "")}


def form(
    draft: Draft | None,
    typed: Typed,
    held: Stored | None,
    errors: Iterable[FieldError] = (),
    revision: str = "",
) -> Form:
    """A form for a template; each error beside the field that its JSON pointer names."""
    by_field: dict[str, tuple[str, ...]] = {}
    for error in errors:
        name = _field(error.pointer)
        by_field[name] = (*by_field.get(name, ()), f"{LABELS[name]} {error.detail}")
    order = {name: at for at, name in enumerate(LABELS)}
    summary = tuple(
        (name, text) for name in sorted(by_field, key=order.__getitem__) for text in by_field[name]
    )
    return Form(
        typed,
        by_field,
        summary,
        kept=draft is not None and draft.sealed is not None,
        stored=held.auth.type if held is not None and held.auth.sealed is not None else "",
        changed=draft is not None and held is not None and changed(draft, held),
        choosing=draft is not None and held is not None and _differ(draft, held, _CHOSEN),
        draft=draft.id if draft is not None else "",
        revision=revision,
        tested=draft.tested if draft is not None else None,
    )


def _field(pointer: str) -> str:
    """The field of a JSON pointer: its last part for an authentication, else the first."""
    parts = pointer.split("/")
    name = parts[-1] if parts[1:2] == ["auth"] and len(parts) > 2 else parts[1]
    return (
        {"type": "auth", "credential_version": "auth"}.get(name, name)
        if parts[1:2] == ["auth"]
        else name
    )


def subscriptions(typed: Typed) -> tuple[Subscription, ...]:
    """The added events as values."""
    return tuple(
        Subscription(item["type"], item["version"], item["severity"]) for item in events(typed)
    )
