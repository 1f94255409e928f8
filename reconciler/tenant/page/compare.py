"""Two versions of a webhook side by side: what somebody typed, and what somebody else saved
meanwhile. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconciler.tenant.page import forms
from reconciler.tenant.page.forms import LABELS, Typed
from reconciler.tenant.store.rows.drafts import Draft
from reconciler.tenant.store.rows.webhooks import Stored


@dataclass(frozen=True, slots=True)
class Row:
    """One setting in both versions, line by line."""

    label: str
    typed: tuple[str, ...]
    stored: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether saving the typed version would change it."""
        return self.typed != self.stored


def rows(draft: Draft, held: Stored) -> list[Row]:
    """Every setting of a draft beside the stored one; of a secret only whether a new one was
    typed.
    """
    stored = forms.of_webhook(held)
    made = [
        Row(label, mine, theirs)
        for (label, mine), (_, theirs) in zip(_said(draft.typed), _said(stored), strict=True)
    ]
    secret = ("set",) if held.auth.sealed is not None else ("none",)
    return [*made, Row("Secret", ("a new one",) if draft.sealed is not None else secret, secret)]


def _said(typed: Typed) -> list[tuple[str, tuple[str, ...]]]:
    events = tuple(
        sorted(
            f"{item['type']}, version {item['version']}, severity {item['severity']}"
            for item in forms.events(typed)
        )
    )
    return [
        *(
            (LABELS[name], tuple(typed[name].splitlines()))
            for name in ("name", "url", "description")
        ),
        (
            "Authentication",
            (_AUTH.get(typed["auth"], typed["auth"]).format(typed["username"], typed["header"]),),
        ),
        ("Events", events),
        ("Enabled", (_yes(typed["enabled"]),)),
        ("Protected", (_yes(typed["protected"]),)),
    ]


_AUTH: Final = {
    "none": "None",
    "basic": "Basic, user {0}",
    "bearer": "Bearer token",
    "apiKey": "API key in {1}",
}


def _yes(text: str) -> str:
    return "yes" if text == "on" else "no"
