"""Values for the tests of core and execute: each test names only what matters to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.core.limits import normal
from reconciler.core.model import (
    Auth,
    BasicAuth,
    BearerAuth,
    Declared,
    Live,
    ManagedBy,
    NoAuth,
    Origin,
    Owner,
    Subscription,
    Webhook,
    credential,
    with_credential,
)
from reconciler.core.plan import Change, Plan, TenantRef, make_plan
from reconciler.core.policy import Policy, Scope
from reconciler.core.secret import Secret, Withheld, hidden_url

STARTED = Subscription("elastio:recovery-point:create:started", "v0", "info")
FAILED = Subscription("elastio:recovery-point:create:failed", "v0", "critical")
HEALTHY = Subscription("elastio:recovery-point:iscan:healthy", "v0", "info")
URL = "https://hooks.example.com/elastio"
FILE = "webhooks/payments.yaml"
OWNER = Owner("payments", "4fd1c2e")
TENANT = TenantRef("production", "https://acme.example.com/public-api/v1", "payments")
VALUE = "s3cr3t-never-print"


def secret(value: str | None = VALUE, version: str | None = None, reference: str = "fromEnv: TOKEN") -> Secret:
    return Secret(value, reference, version=version)


def bearer(version: str | None = None, value: str | None = VALUE) -> BearerAuth:
    return BearerAuth(secret(value, version))


def held(version: str | None = None) -> BearerAuth:
    return BearerAuth(Withheld(version))


def basic(username: str | Secret, version: str | None = "1") -> BasicAuth:
    return BasicAuth(username, secret(version=version))


def declared(
    key: str,
    *,
    name: str | None = None,
    url: str | Secret = URL,
    auth: Auth | None = None,
    enabled: bool | None = None,
    description: str = "",
    events: Iterable[Subscription] = (STARTED,),
    sources: tuple[str, ...] = (FILE,),
    **other: Any,
) -> Declared:
    spec = Webhook(name or key, url, description, enabled, auth or NoAuth(), frozenset(events))
    return Declared(spec, key, Origin(sources[0] if sources else "-", 3), sources=sources, **other)


def live(
    key: str,
    *,
    owner: str | None = "payments",
    name: str | None = None,
    url: str = URL,
    auth: Auth | None = None,
    enabled: bool = True,
    description: str = "",
    events: Iterable[Subscription] = (STARTED,),
    sources: tuple[str, ...] = (FILE,),
    id: str | None = None,  # noqa: A002  the field's own name
    revision: str = "r1",
    commit: str | None = None,
    protected: bool = False,
) -> Live:
    """As the tenant answers it; `owner` None is nobody's."""
    spec = Webhook(name or key, hidden_url(url), description, enabled, auth or NoAuth(), frozenset(events))
    mark = None if owner is None else ManagedBy(owner, key, sources, commit)
    return Live(spec, id or f"wh-{key}", revision, mark, protected)


def as_stored(item: Declared, number: int = 0) -> Live:
    """What a tenant holds once `item` was carried out for our owner."""
    spec = normalize(item.spec)
    url = spec.url if isinstance(spec.url, Secret) else hidden_url(spec.url)
    spec = replace(spec, url=url, enabled=spec.enabled is not False)
    return Live(spec, f"wh-{number}-{item.key}", "r1", ManagedBy("payments", item.key, item.sources), bool(item.protected))


def normalize(spec: Webhook) -> Webhook:
    """What a tenant of our contract answers: the name in NFC, a credential as the version it is known by."""
    known = credential(spec.auth)
    auth = with_credential(spec.auth, Withheld(known.version)) if known is not None else spec.auth
    return replace(spec, name=normal(spec.name), auth=auth)


def policy(*, scope: Scope | None = None, **other: Any) -> Policy:
    return Policy(OWNER, scope=scope or Scope(), **other)


def plan_of(wanted: Iterable[Declared], there: Iterable[Live], allowed: Policy | None = None, **other: Any) -> Plan:
    return make_plan(wanted, there, allowed or policy(), tenant=TENANT, normalize=normalize, **other)


def rules(plan: Plan) -> list[str]:
    return [violation.rule for violation in plan.violations]


def said(plan: Plan) -> list[tuple[str, str]]:
    """Each pending change as (action, name), in the order of carrying out."""
    return [(change.action.value, change.name) for change in plan.pending]


def only(plan: Plan) -> Change:
    """The one pending change."""
    [change] = plan.pending
    return change


def paths(change: Change) -> list[str]:
    """The fields of a change, dotted."""
    return [field.dotted for field in change.fields]


def many(count: int, prefix: str = "w", **fields: Any) -> tuple[list[Declared], list[Live]]:
    """As many declared webhooks, and the same live."""
    keys = [f"{prefix}{number:03}" for number in range(count)]
    return [declared(key, **fields) for key in keys], [live(key) for key in keys]
