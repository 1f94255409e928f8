"""A tenant in a dict: the reference behaviour that every other provider is held to, and what tests
plan against.

Follows schemas/openapi.json as far as Provider shows it.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from reconciler.core.errors import Conflict, Rejected
from reconciler.core.model.auth import get_credential, get_place
from reconciler.core.model.capabilities import TENANT
from reconciler.core.model.limits import normalize_name
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import (
    Declared,
    Live,
    ManagedBy,
    Owner,
    Subscription,
    Use,
    Webhook,
)
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.moved import make_changed_conflict, make_deleted_conflict, withheld

Deliver = Callable[[Webhook, Subscription], Awaitable[Delivery]]


async def _delivered(spec: Webhook, event: Subscription) -> Delivery:
    return Delivery(spec.name, event, Verdict.DELIVERED, 200)


def _new_id() -> str:
    return uuid.uuid4().hex


class MemoryProvider:
    """`webhooks` holds what the tenant holds, by id, and may be changed from outside; `deliver`
    answers the tests.
    """

    capabilities = TENANT
    warnings: tuple[str, ...] = ()

    def __init__(
        self,
        webhooks: Iterable[Live] = (),
        *,
        new_id: Callable[[], str] = _new_id,
        deliver: Deliver = _delivered,
    ) -> None:
        self.webhooks: dict[str, Live] = {live.id: live for live in webhooks}
        self._new_id, self._deliver = new_id, deliver
        self._created: dict[str, tuple[Declared, Owner, str]] = {}
        self._writes = 0
        self.storage_full = False

    def stop(self) -> None:
        """Nothing to end: it never waits."""

    def normalize(self, spec: Webhook) -> Webhook:
        """The name in NFC, a credential as the version it is known by."""
        return withheld(spec)

    async def list(self) -> tuple[Live, ...]:
        """Every webhook, by id."""
        return tuple(self.webhooks[key] for key in sorted(self.webhooks))

    async def find_use(self, live: Live) -> Use | None:
        """What the listing counted."""
        return live.use

    async def create(self, declared: Declared, owner: Owner, *, idempotency_key: str) -> Live:
        """Makes the webhook once for each key; raises Conflict for a taken name, Rejected for a key
        of another webhook.
        """
        before = self._created.get(idempotency_key)
        if before is not None:
            return self._again(before, declared, owner)
        self._free(declared.spec.name, None)
        self._may_keep(declared.spec, None)
        enabled = True if declared.spec.enabled is None else declared.spec.enabled
        spec = _stored(replace(declared.spec, enabled=enabled))
        live = Live(
            spec,
            self._new_id(),
            self._revision(),
            _mark(declared, owner, None),
            bool(declared.protected),
        )
        self.webhooks[live.id] = live
        self._created[idempotency_key] = (declared, owner, live.id)
        return live

    def _again(self, before: tuple[Declared, Owner, str], declared: Declared, owner: Owner) -> Live:
        if before[:2] != (declared, owner):
            raise Rejected("the idempotency key was used for another webhook")
        if before[2] not in self.webhooks:
            raise Conflict("the webhook of this idempotency key is gone", problem="idempotency")
        return self.webhooks[before[2]]

    async def update(self, live: Live, declared: Declared, owner: Owner) -> Live:
        """Makes it as declared if `live.revision` still holds; raises Conflict if not, or if the
        name is taken.
        """
        current = self.webhooks.get(live.id)
        if current is None:
            raise make_deleted_conflict(live)
        if current.revision != live.revision:
            raise make_changed_conflict(live, current)
        self._free(declared.spec.name, live.id)
        self._may_keep(declared.spec, current)
        enabled = current.spec.enabled if declared.spec.enabled is None else declared.spec.enabled
        protected = current.protected if declared.protected is None else declared.protected
        spec = _stored(replace(declared.spec, enabled=enabled))
        after = replace(
            current,
            spec=spec,
            managed_by=_mark(declared, owner, current.managed_by),
            protected=protected,
        )
        if after != current or isinstance(get_credential(declared.spec.auth), Secret):
            after = replace(after, revision=self._revision())
        self.webhooks[live.id] = after
        return after

    async def delete(self, live: Live) -> None:
        """Deletes it if `live.revision` still holds and it is not protected; what is gone counts as
        deleted.
        """
        current = self.webhooks.get(live.id)
        if current is None:
            return
        if current.revision != live.revision:
            raise make_changed_conflict(live, current)
        if current.protected:
            raise Conflict(
                f"{live.spec.name}: protected; lift the protection first", problem="protected"
            )
        del self.webhooks[live.id]

    async def test(self, spec: Webhook, live: Live | None, event: Subscription) -> Delivery:
        """One test with these details; a stored credential is used only where it was stored for."""
        self._may_keep(spec, None if live is None else self.webhooks.get(live.id))
        return await self._deliver(spec, event)

    def _revision(self) -> str:
        self._writes += 1
        return f"r{self._writes}"

    def _free(self, name: str, own_id: str | None) -> None:
        taken = any(
            other.spec.name == normalize_name(name)
            for other in self.webhooks.values()
            if other.id != own_id
        )
        if taken:
            raise Conflict("the name is taken by another webhook", ("name",), problem="name-taken")

    def _may_keep(self, spec: Webhook, current: Live | None) -> None:
        """A credential that was not given can only be the stored one, at the place that it was
        stored for.
        """
        if not isinstance(get_credential(spec.auth), Withheld):
            return
        if current is None or _place(spec) != _place(current.spec):
            raise Rejected("the credential must be given again", ("/auth",))


def _place(spec: Webhook) -> tuple[object, ...]:
    """What a stored credential belongs to: url, and type, header or scheme."""
    return (
        spec.url,
        get_place(spec.auth),
    )


def _stored(spec: Webhook) -> Webhook:
    """As the tenant holds and tells it: urls are what only outputs hide."""
    kept = withheld(spec)
    return replace(kept, url=hidden_url(kept.url)) if isinstance(kept.url, str) else kept


def _mark(declared: Declared, owner: Owner, before: ManagedBy | None) -> ManagedBy:
    return ManagedBy(
        owner.name, declared.key, declared.sources, owner.revision, owner.repository_for(before)
    )
