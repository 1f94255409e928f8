"""The pure comparison: the fields in which two webhooks differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from reconciler.core.change import FieldChange
from reconciler.core.model.auth import get_credential_field
from reconciler.core.model.fields import FIELDS, Field, Kind, visible_values
from reconciler.core.model.options import is_hidden
from reconciler.core.model.secret import HIDDEN, Secret, Withheld, shown
from reconciler.core.model.webhook import Live, Webhook


def show_version(secret: Secret | Withheld | None) -> str | None:
    """A credential's version as text: the only part that is printed."""
    if secret is None:
        return None
    return "no version" if secret.version is None else f"version {secret.version}"


def _diff_plain(before: Webhook, after: Webhook) -> list[FieldChange]:
    """DeepDiff on the plain fields, which hold no secret."""
    from deepdiff import DeepDiff  # noqa: PLC0415  a run without differences never pays for its import

    tree = DeepDiff(visible_values(before), visible_values(after), view="tree")
    levels_found = [level for levels in tree.values() for level in levels]
    changes = []
    for level in levels_found:
        path = tuple(str(part) for part in level.path(output_format="list"))
        old, new = (
            None if side.__class__.__name__ == "NotPresent" else side
            for side in (level.t1, level.t2)
        )
        changes.append(FieldChange(path, old, new))
    return changes


def _is_masked(value: str | Secret | None) -> bool:
    """Whether a tenant hides the value from us: then it cannot be compared."""
    return isinstance(value, Secret) and not value.is_resolved


def _diff_reference(
    row: Field, before: Webhook, after: Webhook, literals: AbstractSet[str]
) -> list[FieldChange]:
    before_value, after_value = row.read(before), row.read(after)
    if before_value == after_value or _is_masked(before_value):
        return []
    old, new = shown(before_value, literals), shown(after_value, literals)
    return [FieldChange(row.path, old, new if new != old or new == HIDDEN else f"{new} (another)")]


def _diff_folded(
    row: Field, before: Webhook, after: Webhook, _literals: AbstractSet[str]
) -> list[FieldChange]:
    old, new = row.read(before), row.read(after)
    return [FieldChange(row.path, old or None, new or None)] if old.lower() != new.lower() else []


def _diff_credential(
    row: Field, before: Webhook, after: Webhook, _literals: AbstractSet[str]
) -> list[FieldChange]:
    old, new = row.read(before), row.read(after)
    if old == new:
        return []
    name = get_credential_field(after.auth) or get_credential_field(before.auth)
    old_text, new_text = show_version(old), show_version(new)
    if old_text == new_text and new_text is not None:
        new_text += ", sent again"
    return [FieldChange(("auth", name), old_text, new_text, secret=True)]


def _diff_options(
    row: Field, before: Webhook, after: Webhook, _literals: AbstractSet[str]
) -> list[FieldChange]:
    old, new = row.read(before), row.read(after)
    return [
        _change_option((*row.path, name), old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _change_option(path: tuple[str, ...], old: object, new: object) -> FieldChange:
    if not (is_hidden(old) or is_hidden(new)):
        return FieldChange(path, old, new)
    old_text, new_text = map(_show_secret_option, (old, new))
    if old_text == new_text:
        new_text = f"{new_text}, sent again"
    return FieldChange(path, old_text, new_text, secret=True)


def _show_secret_option(value: object) -> str | None:
    if value is None or isinstance(value, Secret | Withheld):
        return show_version(value)
    return HIDDEN


def _diff_set(
    row: Field, before: Webhook, after: Webhook, _literals: AbstractSet[str]
) -> list[FieldChange]:
    old, new = row.read(before), row.read(after)
    added, removed = (
        tuple(sorted(part, key=lambda item: item.sort_key)) for part in (new - old, old - new)
    )
    return [FieldChange(row.path, added=added, removed=removed)] if added or removed else []


_COMPARE: Final[
    Mapping[Kind, Callable[[Field, Webhook, Webhook, AbstractSet[str]], list[FieldChange]]]
] = {
    Kind.REFERENCE: _diff_reference,
    Kind.FOLDED: _diff_folded,
    Kind.CREDENTIAL: _diff_credential,
    Kind.SET: _diff_set,
    Kind.OPTIONS: _diff_options,
}


def _by_path(change: FieldChange) -> tuple[str, ...]:
    return change.path


def diff(
    before: Webhook, after: Webhook, literals: AbstractSet[str] = frozenset()
) -> tuple[FieldChange, ...]:
    """The fields in which two specs differ, by path; empty if they are equal.

    `literals` are the urls that may be printed in full. A credential differs if its version does,
    or if `after` holds the Secret itself (it is to be sent).
    """
    if before == after:
        return ()
    changes = _diff_plain(before, after) if visible_values(before) != visible_values(after) else []
    for row in FIELDS:
        if row.kind is not Kind.PLAIN:
            changes += _COMPARE[row.kind](row, before, after, literals)
    return tuple(sorted(changes, key=_by_path))


def find_moved_fields(planned: Live, current: Live) -> tuple[str, ...]:
    """The fields in which a webhook now differs from the planned one, as dotted paths."""
    fields = [change.dotted for change in diff(planned.spec, current.spec)]
    if planned.managed_by != current.managed_by:
        fields.append("managed_by")
    if planned.protected != current.protected:
        fields.append("protected")
    return tuple(fields)
