"""Two versions of a webhook side by side: what somebody typed, and what somebody else saved in the
meantime. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reconciler.core.model import fields as table
from reconciler.core.model.auth import AUTH_TYPES
from reconciler.core.model.fields import Field, Kind
from reconciler.core.model.webhook import Webhook
from reconciler.tenant.page.forms.form import LABELS
from reconciler.tenant.page.forms.typed_texts import make_spec
from reconciler.tenant.store.values.draft import Draft
from reconciler.tenant.store.values.webhook import StoredWebhook


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


def compare_versions(draft: Draft, held: StoredWebhook) -> list[Row]:
    """Every setting of a draft beside the stored one; of a secret only whether a new one was
    typed.
    """
    secret = ("set",) if held.auth.sealed is not None else ("none",)
    return [
        *compare_specs(make_spec(draft.typed, held.spec), held.spec),
        Row(
            "Protected", _list_lines(draft.typed["protected"] == "on"), _list_lines(held.protected)
        ),
        Row("Secret", ("a new one",) if draft.sealed is not None else secret, secret),
    ]


def compare_specs(typed: Webhook, stored: Webhook) -> list[Row]:
    """A row per field of the table but the credential; of those of an authentication only the ones
    that a version has.
    """
    rows = (
        Row(_name_field(each), *(_list_lines(_read_field(each, spec)) for spec in (typed, stored)))
        for each in table.list_common_rows()
        if each.kind is not Kind.CREDENTIAL
    )
    optional = {_name_field(each) for each in table.list_common_rows() if len(each.path) > 1}
    return [row for row in rows if row.label not in optional or row.typed or row.stored]


def _name_field(spec_field: Field) -> str:
    name = "auth" if spec_field.path == ("auth", "type") else spec_field.name
    return LABELS.get(name, name.capitalize())


def _read_field(spec_field: Field, spec: Webhook) -> Any:
    value = spec_field.read(spec)
    return AUTH_TYPES[value].label if spec_field.path == ("auth", "type") else value


def _list_lines(value: Any) -> tuple[str, ...]:
    """A value as the lines of a cell."""
    match value:
        case None:
            return ()
        case bool():
            return ("yes" if value else "no",)
        case frozenset():
            ordered = sorted(value, key=lambda item: item.sort_key)
            return tuple(f"{s.type}, version {s.version}, severity {s.severity}" for s in ordered)
        case _:
            return tuple(str(value).splitlines())
