"""The pure comparison: which fields make one webhook differ from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from reconciler.core.change import FieldChange
from reconciler.core.model.auth import credential_field
from reconciler.core.model.fields import FIELDS, Field, Kind, visible
from reconciler.core.model.secret import HIDDEN, Secret, Withheld, shown
from reconciler.core.model.webhook import Live, Webhook


def version_text(secret: Secret | Withheld | None) -> str | None:
    """What is said of a credential: its version."""
    if secret is None:
        return None
    return "no version" if secret.version is None else f"version {secret.version}"


def _plain(before: Webhook, after: Webhook) -> list[FieldChange]:
    """DeepDiff on the plain fields, which hold no secret."""
    from deepdiff import DeepDiff  # noqa: PLC0415  a run without differences never pays for its import

    tree = DeepDiff(visible(before), visible(after), view="tree")
    found = [level for levels in tree.values() for level in levels]
    changes = []
    for level in found:
        path = tuple(str(part) for part in level.path(output_format="list"))
        old, new = (
            None if side.__class__.__name__ == "NotPresent" else side
            for side in (level.t1, level.t2)
        )
        changes.append(FieldChange(path, old, new))
    return changes


def _masked(held: str | Secret | None) -> bool:
    """Whether a tenant hides it even from us: nothing can be said of a difference then."""
    return isinstance(held, Secret) and not held.resolved


def _reference(
    row: Field, before: Webhook, after: Webhook, literals: AbstractSet[str]
) -> list[FieldChange]:
    held, wanted = row.read(before), row.read(after)
    if held == wanted or _masked(held):
        return []
    old, new = shown(held, literals), shown(wanted, literals)
    return [FieldChange(row.path, old, new if new != old or new == HIDDEN else f"{new} (another)")]


def _folded(
    row: Field, before: Webhook, after: Webhook, _literals: AbstractSet[str]
) -> list[FieldChange]:
    old, new = row.read(before), row.read(after)
    return [FieldChange(row.path, old or None, new or None)] if old.lower() != new.lower() else []


def _credential(
    row: Field, before: Webhook, after: Webhook, _literals: AbstractSet[str]
) -> list[FieldChange]:
    old, new = row.read(before), row.read(after)
    if old == new:
        return []
    name = credential_field(after.auth) or credential_field(before.auth)
    old_text, new_text = version_text(old), version_text(new)
    if old_text == new_text and new_text is not None:
        new_text += ", sent again"
    return [FieldChange(("auth", name), old_text, new_text, secret=True)]


def _options(
    row: Field, before: Webhook, after: Webhook, _literals: AbstractSet[str]
) -> list[FieldChange]:
    old, new = row.read(before), row.read(after)
    return [
        FieldChange((*row.path, name), old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _set(
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
    Kind.REFERENCE: _reference,
    Kind.FOLDED: _folded,
    Kind.CREDENTIAL: _credential,
    Kind.SET: _set,
    Kind.OPTIONS: _options,
}


def _by_path(change: FieldChange) -> tuple[str, ...]:
    return change.path


def diff(
    before: Webhook, after: Webhook, literals: AbstractSet[str] = frozenset()
) -> tuple[FieldChange, ...]:
    """The fields in which two specs differ, by path; empty when they are equal.

    `literals` are the urls that may be printed in full. A credential differs when its version does,
    or when `after` holds the Secret itself (it is to be sent).
    """
    if before == after:
        return ()
    changes = _plain(before, after) if visible(before) != visible(after) else []
    for row in FIELDS:
        if row.kind is not Kind.PLAIN:
            changes += _COMPARE[row.kind](row, before, after, literals)
    return tuple(sorted(changes, key=_by_path))


def moved(planned: Live, current: Live) -> tuple[str, ...]:
    """The fields in which a webhook now differs from the one that was planned with, as dotted
    paths.
    """
    fields = [change.dotted for change in diff(planned.spec, current.spec)]
    if planned.managed_by != current.managed_by:
        fields.append("managed_by")
    if planned.protected != current.protected:
        fields.append("protected")
    return tuple(fields)
