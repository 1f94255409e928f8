"""The pure comparison: which fields make one webhook differ from another."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from reconciler.core.change import FieldChange
from reconciler.core.model.secret import HIDDEN, Secret, Withheld, shown
from reconciler.core.model.webhook import ApiKeyAuth, Auth, BasicAuth, Live, Webhook, credential
from reconciler.core.wire import webhooks as codec


def version_text(secret: Secret | Withheld | None) -> str | None:
    """What is said of a credential: its version."""
    if secret is None:
        return None
    return "no version" if secret.version is None else f"version {secret.version}"


def _plain(before: Webhook, after: Webhook) -> list[FieldChange]:
    """DeepDiff on the codec's dicts, which hold no secret."""
    from deepdiff import DeepDiff  # noqa: PLC0415  a run without differences never pays for its import

    tree = DeepDiff(codec.visible(before), codec.visible(after), view="tree")
    found = [level for levels in tree.values() for level in levels]
    changes = []
    for level in found:
        path = tuple(str(part) for part in level.path(output_format="list"))
        old, new = (None if side.__class__.__name__ == "NotPresent" else side for side in (level.t1, level.t2))
        changes.append(FieldChange(path, old, new))
    return changes


def _masked(held: str | Secret | None) -> bool:
    """Whether a tenant hides it even from us: nothing can be said of a difference then."""
    return isinstance(held, Secret) and not held.resolved


def _auth(before: Auth, after: Auth) -> list[FieldChange]:
    changes = []
    old_user, new_user = (auth.username if isinstance(auth, BasicAuth) else None for auth in (before, after))
    if old_user != new_user and not _masked(old_user):
        changes.append(FieldChange(("auth", "username"), shown(old_user), shown(new_user)))
    old_header, new_header = (auth.header if isinstance(auth, ApiKeyAuth) else "" for auth in (before, after))
    if old_header.lower() != new_header.lower():
        changes.append(FieldChange(("auth", "header"), old_header or None, new_header or None))
    old, new = credential(before), credential(after)
    if old != new:
        field = codec.credential_field(after) or codec.credential_field(before)
        old_text, new_text = version_text(old), version_text(new)
        if old_text == new_text and new_text is not None:
            new_text += ", sent again"
        changes.append(FieldChange(("auth", field), old_text, new_text, secret=True))
    return changes


def _by_path(change: FieldChange) -> tuple[str, ...]:
    return change.path


def diff(before: Webhook, after: Webhook, literals: AbstractSet[str] = frozenset()) -> tuple[FieldChange, ...]:
    """The fields in which two specs differ, by path; empty when they are equal.

    `literals` are the urls that may be printed in full. A credential differs when its version does, or when `after` holds
    the Secret itself (it is to be sent).
    """
    if before == after:
        return ()
    changes = _plain(before, after) if codec.visible(before) != codec.visible(after) else []
    if before.url != after.url and not _masked(before.url):
        old, new = shown(before.url, literals), shown(after.url, literals)
        changes.append(FieldChange(("url",), old, new if new != old or new == HIDDEN else f"{new} (another)"))
    changes += _auth(before.auth, after.auth)
    added, removed = after.subscriptions - before.subscriptions, before.subscriptions - after.subscriptions
    if added or removed:
        ordered = [tuple(sorted(part, key=lambda item: item.sort_key)) for part in (added, removed)]
        changes.append(FieldChange(("events",), added=ordered[0], removed=ordered[1]))
    return tuple(sorted(changes, key=_by_path))


def moved(planned: Live, current: Live) -> tuple[str, ...]:
    """The fields in which a webhook now differs from the one that was planned with, as dotted paths."""
    fields = [change.dotted for change in diff(planned.spec, current.spec)]
    if planned.managed_by != current.managed_by:
        fields.append("managed_by")
    if planned.protected != current.protected:
        fields.append("protected")
    return tuple(fields)
