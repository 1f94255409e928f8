"""A webhook's form as a template shows it: its texts, and each error beside its field. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.model.fields import list_common_rows
from reconciler.tenant.page.forms.typed_texts import (
    CHOICES,
    FIELDS,
    Typed,
    read_events,
    read_webhook,
)
from reconciler.tenant.problems import FieldError
from reconciler.tenant.store.values.draft import Draft
from reconciler.tenant.store.values.webhook import StoredWebhook

LABELS: Final = {
    **{row.name: row.label for row in list_common_rows() if row.is_simple},
    "auth": "Authentication",
    "username": "User name",
    "password": "Password",
    "token": "Token",
    "header": "Header",
    "value": "Key",
    "scheme": "Scheme",
    "secret": "Signing key",
    "events": "Events",
    "event_type": "Event type",
    "event_version": "Version",
    "event_severity": "Severity",
    "other_type": "Event type",
    "other_version": "Version",
    "other_severity": "Severity",
    "test": "Test webhook",
}


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
        return read_events(self.typed)


def is_changed(draft: Draft, held: StoredWebhook) -> bool:
    """Whether somebody typed or chose something that is not stored; the version chooses itself
    where there is one only.
    """
    return draft.sealed is not None or _is_different(draft, held, FIELDS)


def _is_different(draft: Draft, held: StoredWebhook, names: Iterable[str]) -> bool:
    """Whether one of these fields is not as stored."""
    stored = read_webhook(held)
    return any(draft.typed[name] != stored[name] for name in names if name != "event_version")


def make_form(
    draft: Draft | None,
    typed: Typed,
    held: StoredWebhook | None,
    errors: Iterable[FieldError] = (),
    revision: str = "",
) -> Form:
    """A form for a template; each error beside the field that its JSON pointer names."""
    by_field: dict[str, tuple[str, ...]] = {}
    for error in errors:
        name = _find_field(error.pointer)
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
        changed=draft is not None and held is not None and is_changed(draft, held),
        choosing=draft is not None and held is not None and _is_different(draft, held, CHOICES),
        draft=draft.id if draft is not None else "",
        revision=revision,
        tested=draft.tested if draft is not None else None,
    )


def _find_field(pointer: str) -> str:
    """The field of a JSON pointer: its last part for an authentication, else the first."""
    parts = pointer.split("/")
    name = parts[-1] if parts[1:2] == ["auth"] and len(parts) > 2 else parts[1]
    return (
        {"type": "auth", "credential_version": "auth"}.get(name, name)
        if parts[1:2] == ["auth"]
        else name
    )
