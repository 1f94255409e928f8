"""A webhook as it lies in the file, and what is shown of it outside.

The spec is the one of `core/model`, so the table of its fields covers it; the tenant adds its own
facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from reconciler.core.model import auth as auth_types
from reconciler.core.model.auth import (
    CREDENTIAL_FIELDS,
    Auth,
)
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import ManagedBy, Subscription, Webhook
from reconciler.core.wire import webhooks as codec
from reconciler.tenant.store.vault import Vault
from reconciler.tenant.times import format_optional_time, format_time

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredAuth:
    """An authentication as it lies in the file; `sealed` is the ciphertext of its secret."""

    type: str = "none"
    username: str | None = None
    header: str | None = None
    scheme: str | None = None
    version: str | None = None
    sealed: bytes | None = field(default=None, repr=False)

    @property
    def place(self) -> tuple[str, str, str]:
        """What of it decides where a secret goes: type, header in any case, scheme."""
        return self.type, (self.header or "").lower(), self.scheme or ""


@dataclass(frozen=True, slots=True)
class Counts:
    """Invocations: since ever, the last of each, and of the last 24 hours."""

    succeeded: int = 0
    failed: int = 0
    last_success: float | None = None
    last_failure: float | None = None
    day_succeeded: int = 0
    day_failed: int = 0


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """One webhook as it lies in the file; moments in epoch seconds.

    `spec` has the url as text and the secret withheld; `sealed` is the ciphertext of that secret.
    """

    id: str
    revision: int
    spec: Webhook = field(repr=False)
    sealed: bytes | None = field(default=None, repr=False)
    managed_by: ManagedBy | None = None
    protected: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0
    counts: Counts = Counts()

    @property
    def etag(self) -> str:
        """The strong entity tag of this revision."""
        return f'"{self.revision}"'

    @property
    def name(self) -> str:
        """The name."""
        return self.spec.name

    @property
    def url(self) -> str:
        """The url, which is a text here."""
        return cast("str", self.spec.url)

    @property
    def description(self) -> str:
        """The description."""
        return self.spec.description

    @property
    def enabled(self) -> bool:
        """Whether events are sent to it."""
        return bool(self.spec.enabled)

    @property
    def events(self) -> tuple[Subscription, ...]:
        """The subscriptions in their own order."""
        return tuple(sorted(self.spec.subscriptions, key=lambda item: item.sort_key))

    @property
    def auth(self) -> StoredAuth:
        """The authentication, field by field."""
        auth = self.spec.auth
        secret = auth_types.get_credential(auth)
        return StoredAuth(
            auth_types.get_auth_type(auth),
            cast("str | None", auth_types.get_username(auth)),
            auth_types.get_header(auth) or None,
            auth_types.get_scheme(auth) or None,
            None if secret is None else secret.version,
            self.sealed,
        )


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of a search: its webhooks and its number, the number of the last page, how many
    webhooks are found and how many there are; beside them the invocations of all webhooks.
    """

    webhooks: tuple[StoredWebhook, ...]
    number: int
    last: int
    found: int
    everything: int
    totals: Json
    steps: list[Json]


def make_auth(auth: StoredAuth, secret: Secret | Withheld | None = None) -> Auth:
    """The authentication as a value of the model; without a secret it is withheld."""
    texts = {"username": auth.username, "header": auth.header, "scheme": auth.scheme}
    return auth_types.make_auth(auth.type, texts, secret or Withheld(auth.version))


_ATTRIBUTES: Final = {"events": "subscriptions"}  # of the spec, where a field's name is another


def apply_fields(
    webhook: StoredWebhook, fields: Mapping[str, Any], auth: StoredAuth
) -> StoredWebhook:
    """The webhook with decoded fields by their names on the wire, and this authentication."""
    own = {name: fields[name] for name in ("managed_by", "protected") if name in fields}
    rest: dict[str, Any] = {
        _ATTRIBUTES.get(name, name): frozenset(value) if name == "events" else value
        for name, value in fields.items()
        if name not in own and name != "auth"
    }
    spec = replace(webhook.spec, auth=make_auth(auth), **rest)
    return replace(webhook, spec=spec, sealed=auth.sealed, **own)


def webhook_to_json(webhook: StoredWebhook) -> Json:
    """A webhook as the contract shows it: never the secret."""
    mark, counts = webhook.managed_by, webhook.counts
    return {
        "id": webhook.id,
        "revision": str(webhook.revision),
        **codec.spec_to_wire(webhook.spec),
        "managed_by": codec.mark_to_json(mark) if mark is not None else None,
        "protected": webhook.protected,
        "created_at": format_time(webhook.created_at),
        "updated_at": format_time(webhook.updated_at),
        "invocations": {
            "succeeded": counts.succeeded,
            "failed": counts.failed,
            "last_success": format_optional_time(counts.last_success),
            "last_failure": format_optional_time(counts.last_failure),
            "last_day": {"succeeded": counts.day_succeeded, "failed": counts.day_failed},
        },
    }


def open_secret(webhook_id: str, auth: StoredAuth, vault: Vault) -> Secret | None:
    """The stored secret of an authentication, None where there is none."""
    return (
        None
        if auth.sealed is None
        else vault.open(webhook_id, CREDENTIAL_FIELDS[auth.type], auth.sealed)
    )


def make_target(name: str, url: str, auth: StoredAuth, secret: Secret | None) -> Webhook:
    """The value that `delivery` sends to; its url shows itself as scheme and host only."""
    return Webhook(name, hidden_url(url), auth=make_auth(auth, secret))
