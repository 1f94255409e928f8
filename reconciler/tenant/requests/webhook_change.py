"""What a write makes of a webhook: defaults, merging, the rules of secrets and owners, and when a
revision changes.

Part of it runs inside the writing transaction. Knows no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.model import fields as table
from reconciler.core.model.auth import CREDENTIAL_FIELDS
from reconciler.core.model.secret import Secret
from reconciler.tenant.problems import FieldError, Refusal, make_invalid
from reconciler.tenant.requests.body import GivenAuth
from reconciler.tenant.store.values.token import Principal
from reconciler.tenant.store.values.webhook import (
    StoredAuth,
    StoredWebhook,
    apply_fields,
    open_secret,
)
from reconciler.tenant.store.vault import Unreadable, Vault


def read_owner(value: object) -> str | None:
    """The owner that a JSON body's `managed_by` names, None where it names none."""
    mark = value.get("managed_by") if isinstance(value, Mapping) else None
    owner = mark.get("owner") if isinstance(mark, Mapping) else None
    return owner if isinstance(owner, str) else None


def check_owner(principal: Principal, *owners: str | None) -> None:
    """Raises 403 `owner` where a token is for another owner than one of these; None is unowned."""
    if principal.owner is not None and any(
        owner not in {None, principal.owner} for owner in owners
    ):
        raise Refusal(
            "owner", "the token may change webhooks of its own owner and unowned ones only"
        )


def _make_missing(kind: str, pointer: str, why: str) -> Refusal:
    return make_invalid([FieldError(f"{pointer}/auth/{CREDENTIAL_FIELDS[kind]}", why)])


def _has_secret(held: StoredWebhook, secret: Secret, vault: Vault) -> bool:
    """Whether a webhook's stored secret is this one; one that cannot be read is another, so that a
    new one repairs it.
    """
    try:
        return open_secret(held.id, held.auth, vault) == secret
    except Unreadable:
        return False


def merge_auth(
    sent: GivenAuth | None, held: StoredWebhook | None, url: str, vault: Vault, pointer: str = ""
) -> StoredAuth:
    """The authentication after a write; a stored secret is kept, unopened, only for what it was
    stored for.

    `sent` of None leaves the held one. Raises 422 at the secret's field where the secret must be
    given again.
    """
    if sent is None:
        auth = held.auth if held is not None else StoredAuth()
    else:
        auth = StoredAuth(
            sent.type, sent.username, sent.header, sent.scheme, sent.version, sent.sealed
        )
    if auth.type == "none":
        return auth
    before = held.auth if held is not None and held.auth.sealed is not None else None
    if sent is not None and sent.secret is not None:
        if (
            held is not None
            and before is not None
            and before.type == auth.type
            and _has_secret(held, sent.secret, vault)
        ):
            auth = replace(auth, sealed=before.sealed)  # the same credential: not a change
        return auth
    if before is None or held is None:
        raise _make_missing(auth.type, pointer, "is required")
    if held.url != url or before.place != auth.place:
        raise _make_missing(
            auth.type,
            pointer,
            "must be given again: the stored one is for another url, type or header",
        )
    return replace(auth, sealed=before.sealed)


def prepare_test(
    sent: GivenAuth | None, held: StoredWebhook | None, url: str, vault: Vault, pointer: str = ""
) -> tuple[StoredAuth, Secret | None]:
    """As `merge_auth`, and the secret itself, for a test of what was not saved. Raises Unreadable
    for a stored secret too.
    """
    auth = merge_auth(sent, held, url, vault, pointer)
    if sent is not None and sent.secret is not None:
        return auth, sent.secret
    return auth, None if held is None else open_secret(held.id, auth, vault)


def make_webhook(
    webhook_id: str, fields: Mapping[str, Any], vault: Vault, now: float
) -> StoredWebhook:
    """A new webhook of valid fields, defaults filled in; raises 422 for an authentication without
    its secret.
    """
    auth = merge_auth(fields.get("auth"), None, fields["url"], vault)
    empty = StoredWebhook(
        webhook_id, 1, table.MODEL(name="", url=""), created_at=now, updated_at=now
    )
    return apply_fields(empty, fields, auth)


def patch_webhook(
    held: StoredWebhook, fields: Mapping[str, Any], vault: Vault, now: float
) -> StoredWebhook:
    """The webhook after a patch: `held` itself when nothing changed, else with the next
    revision.
    """
    auth = merge_auth(fields.get("auth"), held, fields.get("url", held.url), vault)
    after = apply_fields(held, fields, auth)
    return held if after == held else replace(after, revision=held.revision + 1, updated_at=now)
