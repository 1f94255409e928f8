"""What the workflow needs of a tenant, whatever kind it is.

Reader is what planning gets: it has no write methods, so that planning cannot write by type. Errors
are `ProviderError`s.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.scopes import Scopes
from reconciler.core.model.webhook import Declared, Live, Owner, Subscription, Use, Webhook
from reconciler.core.results.reports import Delivery


class Reader(Protocol):
    """The reading half of a provider."""

    @property
    def capabilities(self) -> Capabilities:
        """What this kind of tenant can hold and do."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the last listing found worth a warning."""
        ...

    def normalize(self, spec: Webhook) -> Webhook:
        """What this tenant would answer for that spec; pure. A credential becomes `Withheld` of its
        version.
        """
        ...

    async def list(self) -> tuple[Live, ...]:
        """Every webhook of the tenant, each once."""
        ...

    async def find_use(self, live: Live) -> Use | None:
        """Its deliveries of the last 24 hours, None if the tenant does not know. Asked only if the
        capabilities say that a log counts them.
        """
        ...


@runtime_checkable
class FleetReader(Protocol):
    """The reader of a fleet: many repositories or projects, each of which may fail alone."""

    @property
    def scopes(self) -> Scopes:
        """What the last listing saw of the fleet."""
        ...

    @property
    def progress(self) -> tuple[int, int]:
        """How many scopes the listing has read, and of how many."""
        ...


def find_scopes(provider: object) -> Scopes | None:
    """The scopes that the last listing of a fleet saw, None for any other provider."""
    return provider.scopes if isinstance(provider, FleetReader) else None


class Provider(Reader, Protocol):
    """A tenant that can be read, written and asked to test."""

    @property
    def storage_full(self) -> bool:
        """Whether the tenant answered that it has no room to store anything."""
        ...

    def stop(self) -> None:
        """Ends every wait for another try; requests that are under way go on."""
        ...

    async def create(self, declared: Declared, owner: Owner, *, idempotency_key: str) -> Live:
        """Makes the webhook once, however often it has to be sent."""
        ...

    async def update(self, live: Live, declared: Declared, owner: Owner) -> Live:
        """Makes `live` as declared if its revision still holds; raises Conflict, with the fields
        that moved, if not.
        """
        ...

    async def delete(self, live: Live) -> None:
        """Deletes it if its revision still holds; what is gone already counts as deleted."""
        ...

    async def test(self, spec: Webhook, live: Live | None, event: Subscription) -> Delivery:
        """One test delivery with these details; `live` gives the stored secret where the spec's is
        withheld.
        """
        ...
