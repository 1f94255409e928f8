"""A plug-in for a product with six calls: what most providers are.

A package defines a subclass with its capabilities and `session`, and names an instance of it in its
entry points.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.core.errors import ProviderError
from reconciler.core.model.scopes import Scopes
from reconciler.core.results.finding import Finding
from reconciler.providers.base import Provider, find_scopes
from reconciler.providers.driver.driver import Driver
from reconciler.providers.driver.fleet import Fleet
from reconciler.providers.driver.ledger import Ledger
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect, product_fault
from reconciler.providers.plugin import Plugin, Session


class Product(Plugin):
    """A product with six calls; the driver makes a provider of them."""

    dialect = Dialect(fault=product_fault)

    @abstractmethod
    def session(self, http: Client, target: Mapping[str, Any]) -> Session:
        """The calls, over an open client."""

    def ledger(self, http: Client, target: Mapping[str, Any]) -> Ledger | None:  # noqa: ARG002  for products with one
        """Where the marks are kept, for a product whose capabilities say `ledger`."""
        return None

    def provider(self, http: Client, target: Mapping[str, Any]) -> Provider:
        """The driver over those calls; over those of each scope if the target is a fleet."""
        if self.capabilities.scopes not in target:
            return self._open(http, target)
        return Fleet(
            self.capabilities,
            http,
            lambda: self.find_scopes(http, target),
            lambda scope: self._open(http, self.make_scope_target(scope)),
        )

    def _open(self, http: Client, target: Mapping[str, Any]) -> Driver:
        ledger = self.ledger(http, target) if self.capabilities.mark == "ledger" else None
        return Driver(self.capabilities, self.session(http, target), http, ledger)

    async def find_scopes(self, http: Client, target: Mapping[str, Any]) -> Sequence[str]:  # noqa: ARG002  for products with fleets
        """The names of the scopes that a fleet's target means, for a product whose capabilities
        name the field of `target`. Raises ProviderError.
        """
        return ()

    def make_scope_target(self, scope: str) -> Mapping[str, Any]:  # noqa: ARG002  for products with fleets
        """The target of one scope of a fleet, as a Tenant would write it."""
        return {}

    async def examine(
        self,
        http: Client,
        target: Mapping[str, Any],
        shown: str,
        wall: Callable[[], float],  # noqa: ARG002  for plug-ins that compare clocks
    ) -> tuple[Finding, ...]:
        """Whether the webhooks can be listed; nothing is written."""
        provider = self.provider(http, target)
        try:
            count = len(await provider.list())
        except ProviderError as error:
            return (Finding("tenant", "failed", str(error), f"is {shown} right, and its token?"),)
        found = Finding("tenant", "ok", f"{http.shown} answers with {count:,} webhooks")
        scopes = find_scopes(provider)
        return (found, *_report_failures(scopes)) if scopes is not None else (found,)


def _report_failures(scopes: Scopes) -> Iterator[Finding]:
    count = f"{len(scopes.readable):,} of {len(scopes.found):,} {scopes.noun}"
    yield Finding("scopes", "failed" if scopes.failures else "ok", f"{count} can be read")
    for failure in scopes.failures:
        yield Finding("scopes", "failed", f"{failure.scope}: {failure.message}")
