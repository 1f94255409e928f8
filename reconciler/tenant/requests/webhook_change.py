"""What a write makes of a webhook: defaults, merging, the rules of secrets and owners, and when a
revision changes.

Called inside the writing transaction by `webhooks.py` and for tests by `tests.py`. Knows no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.model.auth import CREDENTIAL_FIELDS
from reconciler.core.model.secret import Secret
from reconciler.tenant.problems import FieldError, Refusal, invalid
from reconciler.tenant.requests.body import GivenAuth
from reconciler.tenant.store.rows import webhooks
from reconciler.tenant.store.rows.tokens import Principal
from reconciler.tenant.store.rows.webhooks import Stored, StoredAuth
from reconciler.tenant.store.vault import Unreadable, Vault


def owner_of(value: object) -> str | None:
    """The owner that a JSON body's `managed_by` names, None where it names none."""
    mark = value.get("managed_by") if isinstance(value, Mapping) else None
    owner = mark.get("owner") if isinstance(mark, Mapping) else None
    return owner if isinstance(owner, str) else None


def check_owner(principal: Principal, *owners: str | None) -> None:
    """Raises 403 `owner` where a token is for another owner than one of these; None is nobody's."""
    if principal.owner is not None and any(
        owner not in {None, principal.owner} for owner in owners
    ):
        raise Refusal("owner", "the token may change webhooks of its own owner and of nobody only")


def _missing(kind: str, pointer: str, why: str) -> Refusal:
    return invalid([FieldError(f"{pointer}/auth/{CREDENTIAL_FIELDS[kind]}", why)])


def _holds(held: Stored, secret: Secret, vault: Vault) -> bool:
    """Whether a webhook's stored secret is this one; one that cannot be read is another, so that a
    new one repairs it.
    """
    try:
        return webhooks.opened(held.id, held.auth, vault) == secret
    except Unreadable:
        return False


def merged_auth(
    given: GivenAuth | None, held: Stored | None, url: str, vault: Vault, pointer: str = ""
) -> StoredAuth:
    """The authentication after a write; a stored secret is kept, unopened, only for what it was
    stored for.

    `given` of None leaves the held one. Raises 422 at the secret's field where the secret must be
    given again.
    """
    if given is None:
        auth = held.auth if held is not None else StoredAuth()
    else:
        auth = StoredAuth(given.type, given.username, given.header, given.version, given.sealed)
    if auth.type == "none":
        return auth
    before = held.auth if held is not None and held.auth.sealed is not None else None
    if given is not None and given.secret is not None:
        if (
            held is not None
            and before is not None
            and before.type == auth.type
            and _holds(held, given.secret, vault)
        ):
            auth = replace(auth, sealed=before.sealed)  # the same credential: not a change
        return auth
    if before is None or held is None:
        raise _missing(auth.type, pointer, "is required")
    if held.url != url or before.place != auth.place:
        raise _missing(
            auth.type,
            pointer,
            "must be given again: the stored one is for another url, type or header",
        )
    return replace(auth, sealed=before.sealed)


def to_test(
    given: GivenAuth | None, held: Stored | None, url: str, vault: Vault, pointer: str = ""
) -> tuple[StoredAuth, Secret | None]:
    """As `merged_auth`, and the secret itself, for a test of what was not saved. Raises Unreadable
    for a stored one besides.
    """
    auth = merged_auth(given, held, url, vault, pointer)
    if given is not None and given.secret is not None:
        return auth, given.secret
    return auth, None if held is None else webhooks.opened(held.id, auth, vault)


def created(webhook_id: str, fields: Mapping[str, Any], vault: Vault, now: float) -> Stored:
    """A new webhook of valid fields, defaults filled in; raises 422 for an authentication without
    its secret.
    """
    rest = {name: value for name, value in fields.items() if name != "auth"}
    auth = merged_auth(fields.get("auth"), None, fields["url"], vault)
    return Stored(id=webhook_id, revision=1, auth=auth, created_at=now, updated_at=now, **rest)


def patched(held: Stored, fields: Mapping[str, Any], vault: Vault, now: float) -> Stored:
    """The webhook after a patch: `held` itself when nothing changed, else with the next
    revision.
    """
    rest = {name: value for name, value in fields.items() if name != "auth"}
    auth = merged_auth(fields.get("auth"), held, fields.get("url", held.url), vault)
    after = replace(held, auth=auth, **rest)
    return held if after == held else replace(after, revision=held.revision + 1, updated_at=now)
