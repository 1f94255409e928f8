"""A plug-in for a product with six calls: what most providers are.

A package defines a subclass with its capabilities and `session`, and names an instance of it in its
entry points.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.core.errors import ProviderError
from reconciler.core.results.finding import Finding
from reconciler.providers.base import Provider
from reconciler.providers.driver.driver import Driver
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
        """The driver over those calls."""
        ledger = self.ledger(http, target)
        return Driver(self.capabilities, self.session(http, target), http, ledger)

    async def examine(
        self,
        http: Client,
        target: Mapping[str, Any],
        shown: str,
        wall: Callable[[], float],  # noqa: ARG002  for plug-ins that compare clocks
    ) -> tuple[Finding, ...]:
        """Whether the webhooks can be listed; nothing is written."""
        try:
            count = len(await self.provider(http, target).list())
        except ProviderError as error:
            return (Finding("tenant", "failed", str(error), f"is {shown} right, and its token?"),)
        return (Finding("tenant", "ok", f"{http.shown} answers with {count:,} webhooks"),)
