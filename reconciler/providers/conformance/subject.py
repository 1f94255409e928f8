"""What a check gets: a provider over an empty product, and short ways to use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.errors import ProviderError
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.webhook import Declared, Live, Owner
from reconciler.core.planning.diff import diff
from reconciler.providers.base import Provider
from reconciler.providers.conformance.proxy import FaultProxy, Receiver
from reconciler.providers.conformance.samples import (
    CREDENTIAL,
    OWNER,
    Samples,
    make_declared,
)
from reconciler.providers.plugin import Session


@dataclass(frozen=True, slots=True)
class Setting:
    """What decides which checks apply: the claims, whether a proxy stands before the product, and
    whether the plug-in's own session can edit past the driver.
    """

    capabilities: Capabilities
    over_http: bool = False
    has_session: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A provider over an empty product. `proxy` stands between them, `receiver` is an endpoint,
    `session` is the plug-in's own, for marks that a person edits, `deliver` makes the product send
    an event; each is None where the product has none. `stranger` is a provider with a token that
    the product does not know.
    """

    provider: Provider
    samples: Samples
    proxy: FaultProxy | None = None
    receiver: Receiver | None = None
    session: Session | None = None
    deliver: Callable[[], object] | None = None
    stranger: Provider | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the provider claims."""
        return self.provider.capabilities

    async def make(self, key: str = "pager", **fields: Any) -> Live:
        """Creates a webhook."""
        wanted = make_declared(self.samples, key, **fields)
        return await self.provider.create(wanted, OWNER, idempotency_key=f"make-{key}")

    async def update(self, live: Live, wanted: Declared, owner: Owner = OWNER) -> Live:
        """Updates it."""
        return await self.provider.update(live, wanted, owner)

    def holds(self, live: Live, wanted: Declared) -> bool:
        """Whether a webhook is as declared, under our mark."""
        mark = live.managed_by
        ours = mark is not None and (mark.owner, mark.key) == (OWNER.name, wanted.key)
        return (ours or self.capabilities.mark == "none") and self.equals(live, wanted)

    def equals(self, live: Live, wanted: Declared) -> bool:
        """Whether a webhook has the declared fields. Without names and marks none keeps a name."""
        normal = self.provider.normalize(wanted.spec)
        if self.capabilities.mark == "none" and "name" not in self.capabilities.fields:
            normal = replace(normal, name=live.spec.name)
        return not diff(live.spec, normal)


Check = Callable[[Subject], Awaitable[None]]


def require(fact: bool, text: str) -> None:
    """Raises AssertionError with that text if a promise is not kept."""
    if not fact:
        raise AssertionError(text)


async def error_of(work: Awaitable[object], kind: type[ProviderError]) -> ProviderError:
    """The error of a call that must fail."""
    try:
        await work
    except kind as error:
        require(CREDENTIAL not in str(error), "an error quotes the credential")
        return error
    raise AssertionError(f"expected {kind.__name__}, but the call succeeded")


def same(left: Live, right: Live) -> bool:
    """Whether two readings are of the same webhook with the same fields."""
    return left.id == right.id and not diff(left.spec, right.spec)
