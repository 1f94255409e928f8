"""What a form offers for choosing events, out of the catalogue; adding one to the form's list and
taking one off. Pure.
"""

from __future__ import annotations

from typing import Final

from reconciler.core.model.catalogue import CATALOGUE, SEVERITIES
from reconciler.tenant.page.forms.typed_texts import (
    SELECTED,
    WRITTEN,
    Typed,
    clear_fields,
    read_event_fields,
    read_events,
    write_events,
)
from reconciler.tenant.page.rendering.wording import format_event
from reconciler.tenant.problems import FieldError
from reconciler.tenant.requests import body

NO_GROUP: Final = "Group is not public"
TYPES: Final = tuple((event.type, event.group or NO_GROUP) for event in CATALOGUE)
GROUPS: Final = tuple(dict.fromkeys(group for _, group in TYPES))
VERSIONS: Final = tuple(
    sorted({version for event in CATALOGUE for version in event.versions or ()})
)
OFFERED: Final = {"groups": GROUPS, "types": TYPES, "versions": VERSIONS, "severities": SEVERITIES}


def add_event(typed: Typed, *, written: bool) -> tuple[Typed, list[FieldError]]:
    """The form with the chosen event in its list, and what is wrong instead; `written`: the event
    in the text fields.
    """
    names = WRITTEN if written else SELECTED
    chosen = read_event_fields(typed, names)
    errors = _find_errors(chosen, names, written=written)
    known = read_events(typed)
    if not errors and chosen in known:
        errors = [
            FieldError(f"/{names[0]}", "is in the list already, with this version and severity")
        ]
    if errors:
        return typed, errors
    return {**clear_fields(typed, names), "events": write_events([*known, chosen])}, []


def _find_errors(
    chosen: dict[str, str], names: tuple[str, ...], *, written: bool
) -> list[FieldError]:
    parts = tuple(zip(chosen.items(), names, strict=True))
    if not written:
        return [FieldError(f"/{name}", "must be chosen") for (_, text), name in parts if not text]
    errors: list[FieldError] = []
    body.read_subscription(chosen, "", errors)
    by_part = {part: name for (part, _), name in parts}
    return [FieldError(f"/{by_part[error.pointer[1:]]}", error.detail) for error in errors]


def remove_event(typed: Typed, which: str) -> Typed:
    """The form without the event that a button named; the same where it is not in the list."""
    return {
        **typed,
        "events": write_events(item for item in read_events(typed) if format_event(item) != which),
    }
