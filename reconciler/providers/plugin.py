"""What a provider for a product is: a plug-in, found by the name in a Tenant's `spec.provider`.

A plug-in is data (capabilities, dialect) and, per product, six calls on a `Session`. It never sees
whose webhooks they are, what the policy of a run is, or the text of a secret: `driver/` does the
rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol, runtime_checkable

from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.webhook import Subscription, Use, Webhook
from reconciler.core.results.finding import Finding
from reconciler.core.results.reports import Delivery
from reconciler.providers.base import Provider
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect

API = "1"
"""The version of this interface; a plug-in of another one is refused when it is loaded."""


@dataclass(frozen=True, slots=True)
class Held:
    """A webhook as the product holds it.

    A credential in `spec` is `Withheld`. `touched` is the time of the last write and `created` that
    of the first, if the product has one; `has_secret` is None if the product does not tell; `use`
    is None if a listing has no counts; `health` is what the product says of failing deliveries.
    `metadata` are texts by name that the product keeps with the webhook: all of them, also those of
    other programs.
    """

    id: str
    spec: Webhook
    touched: str | None = None
    created: str | None = None
    has_secret: bool | None = None
    use: Use | None = None
    health: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Marked(Webhook):
    """What is written to a product whose capabilities keep the mark in metadata (`native`): the
    webhook, and all of its metadata. Texts of other programs are among them, as they were read.
    """

    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


def with_metadata(spec: Webhook, metadata: Mapping[str, str]) -> Marked:
    """The webhook with its metadata."""
    values = {row.name: getattr(spec, row.name) for row in fields(Webhook)}
    return Marked(**values, metadata=metadata)


class Session(Protocol):
    """The calls of one product. Each raises `ProviderError`s of the client."""

    def held(self) -> AsyncIterator[Sequence[Held]]:
        """Every webhook, page by page."""
        ...

    async def get(self, ident: str) -> Held | None:
        """One webhook as it is now, None if there is none."""
        ...

    async def create(self, want: Webhook, key: str) -> Held:
        """Creates a webhook. `key` is an idempotency key, for products that take one."""
        ...

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        """Writes the fields that changed, and no other; a credential is a `Secret` only if it is to
        be sent.

        `changed` has words of a manifest's spec: name, url, description, enabled, auth, events and
        options. If the mark is in metadata, `metadata` may be among them, and `want` is `Marked`.
        """
        ...

    async def delete(self, held: Held) -> None:
        """Deletes a webhook."""
        ...

    async def test(self, held: Held, want: Webhook, event: Subscription) -> Delivery:
        """One test delivery, for products that can test what is saved."""
        ...


@runtime_checkable
class Copying(Protocol):
    """A session of a product that keeps more in a webhook than a `Webhook` has, and cannot change
    a credential.
    """

    async def create_copy(self, held: Held, want: Webhook, key: str) -> Held:
        """Creates a webhook in place of `held`, with what only the product knows of it."""
        ...


@runtime_checkable
class Observed(Protocol):
    """Part of a `Session`, for products with a log of deliveries: their capabilities say
    `usage="log"`.
    """

    async def find_use(self, held_id: str) -> Use | None:
        """The deliveries of the last 24 hours, None if the product does not know. Pings and
        repeated deliveries are no use. What it raises is a warning of the plan.
        """
        ...


class Plugin(ABC):
    """A kind of tenant, as the command line opens it."""

    api: ClassVar[str] = API
    capabilities: Capabilities
    dialect: Dialect = Dialect()

    @abstractmethod
    def provider(self, http: Client, target: Mapping[str, Any]) -> Provider:
        """A provider over an open client; `target` is the Tenant's `spec.target`."""

    @abstractmethod
    async def examine(
        self, http: Client, target: Mapping[str, Any], shown: str, wall: Callable[[], float]
    ) -> tuple[Finding, ...]:
        """What `doctor` reports of the tenant. `shown` names it, `wall` is this machine's clock in
        epoch seconds.
        """
