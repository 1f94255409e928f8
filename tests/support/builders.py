"""Values for the tests of core and execute: each test names only what matters to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from reconciler.core.change import Change, Plan, TenantRef
from reconciler.core.errors import ProviderError
from reconciler.core.model.auth import (
    Auth,
    BasicAuth,
    BearerAuth,
    NoAuth,
    get_credential,
    with_credential,
)
from reconciler.core.model.limits import normalize_name
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import (
    Declared,
    Live,
    ManagedBy,
    Origin,
    Owner,
    Subscription,
    Webhook,
)
from reconciler.core.planning.plan import make_plan
from reconciler.core.results.reports import Report
from reconciler.core.safety.run_policy import Limits, RunPolicy, Scope
from reconciler.execute import Execution, Options
from reconciler.providers.memory import MemoryProvider

STARTED = Subscription("elastio:recovery-point:create:started", "v0", "info")
FAILED = Subscription("elastio:recovery-point:create:failed", "v0", "critical")
HEALTHY = Subscription("elastio:recovery-point:iscan:healthy", "v0", "info")
URL = "https://hooks.example.com/elastio"
FILE = "webhooks/payments.yaml"
OWNER = Owner("payments", "4fd1c2e")
TENANT = TenantRef("production", "https://acme.example.com/public-api/v1", "payments")
VALUE = "s3cr3t-never-print"


def secret(
    value: str | None = VALUE, version: str | None = None, reference: str = "fromEnv: TOKEN"
) -> Secret:
    return Secret(value, reference, version=version)


def bearer(version: str | None = None, value: str | None = VALUE) -> BearerAuth:
    return BearerAuth(secret(value, version))


def withheld_bearer(version: str | None = None) -> BearerAuth:
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
    revision: str = "rev-1",
    commit: str | None = None,
    protected: bool = False,
    repository: str | None = None,
) -> Live:
    """As the tenant answers it; without an `owner` it is unowned."""
    spec = Webhook(
        name or key, hidden_url(url), description, enabled, auth or NoAuth(), frozenset(events)
    )
    mark = None if owner is None else ManagedBy(owner, key, sources, commit, repository)
    return Live(spec, id or f"wh-{key}", revision, mark, protected)


def as_stored(item: Declared, number: int = 0) -> Live:
    """What a tenant holds once `item` was carried out for our owner."""
    spec = normalize(item.spec)
    url = spec.url if isinstance(spec.url, Secret) else hidden_url(spec.url)
    spec = replace(spec, url=url, enabled=spec.enabled is not False)
    return Live(
        spec,
        f"wh-{number}-{item.key}",
        "r1",
        ManagedBy("payments", item.key, item.sources),
        bool(item.protected),
    )


def normalize(spec: Webhook) -> Webhook:
    """What a tenant of our contract answers: the name in NFC, a credential as the version it is
    known by.
    """
    known = get_credential(spec.auth)
    auth = with_credential(spec.auth, Withheld(known.version)) if known is not None else spec.auth
    return replace(spec, name=normalize_name(spec.name), auth=auth)


def policy(*, scope: Scope | None = None, repository: str | None = None, **other: Any) -> RunPolicy:
    return RunPolicy(replace(OWNER, repository=repository), scope=scope or Scope(), **other)


def plan_of(
    wanted: Iterable[Declared],
    there: Iterable[Live],
    allowed: RunPolicy | None = None,
    **other: Any,
) -> Plan:
    return make_plan(
        wanted, there, allowed or policy(), tenant=TENANT, normalize=normalize, **other
    )


def rules(plan: Plan) -> list[str]:
    return [violation.rule for violation in plan.violations]


def list_changes(plan: Plan) -> list[tuple[str, str]]:
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


class Tenant(MemoryProvider):
    """A memory tenant that notes every write, and does to some names what `before` says."""

    def __init__(
        self, webhooks: Iterable[Live] = (), before: Callable[[str, str], Any] | None = None
    ) -> None:
        super().__init__(webhooks)
        self.wrote: list[str] = []
        self.keys: list[str] = []
        self.under_way = self.most = 0
        self._before = before

    async def _write(self, verb: str, name: str) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            if self._before is not None:
                result = self._before(verb, name)
                if result is not None:
                    await result
        finally:
            self.under_way -= 1
        self.wrote.append(f"{verb} {name}")

    async def create(self, declared: Declared, owner: Owner, *, idempotency_key: str) -> Live:
        self.keys.append(idempotency_key)
        await self._write("create", declared.spec.name)
        return await super().create(declared, owner, idempotency_key=idempotency_key)

    async def update(self, live: Live, declared: Declared, owner: Owner) -> Live:
        await self._write("update", declared.spec.name)
        return await super().update(live, declared, owner)

    async def delete(self, live: Live) -> None:
        await self._write("delete", live.spec.name)
        await super().delete(live)


def failing(name: str, error: ProviderError) -> Callable[[str, str], None]:
    def before(_verb: str, at: str) -> None:
        if at == name:
            raise error

    return before


def carry_out(plan: Plan, tenant: MemoryProvider, **options: Any) -> Report:
    execution = Execution(plan, tenant, OWNER, Options(**options))
    asyncio.run(execution.run())
    return execution.report()


def ended(report: Report) -> dict[str, str]:
    return {outcome.change.name: outcome.status.value for outcome in report.outcomes}


def errors(report: Report) -> dict[str, str]:
    return {
        outcome.change.name: outcome.error.kind
        for outcome in report.outcomes
        if outcome.error is not None
    }


FREE = policy(limits=Limits(max_deletes=99, max_updates=99))


def mixed(before: Callable[[str, str], Any] | None = None) -> tuple[Plan, Tenant]:
    """c1 and c2 to create, u1 and u2 to update, d1 and d2 to delete."""
    wanted = [
        declared("c1"),
        declared("c2"),
        declared("u1", description="x"),
        declared("u2", description="x"),
    ]
    there = [live("u1"), live("u2"), live("d1"), live("d2")]
    return plan_of(wanted, there, FREE), Tenant(there, before)
