"""The project's own tenant as a plug-in: it has a native mark, so it needs no driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.core.model.capabilities import TENANT
from reconciler.core.results.finding import Finding
from reconciler.providers.base import Provider
from reconciler.providers.http.client import Client
from reconciler.providers.plugin import Plugin
from reconciler.providers.tenant.examine import examine
from reconciler.providers.tenant.provider import TenantProvider


class TenantPlugin(Plugin):
    """The contract of schemas/openapi.json."""

    capabilities = TENANT

    def provider(self, http: Client, target: Mapping[str, Any]) -> Provider:  # noqa: ARG002  a tenant is its url
        """The provider that speaks the contract."""
        return TenantProvider(http)

    async def examine(
        self,
        http: Client,
        target: Mapping[str, Any],  # noqa: ARG002  a tenant is its url
        shown: str,
        wall: Callable[[], float],
    ) -> tuple[Finding, ...]:
        """Reading, writing and the clock."""
        return await examine(http, shown, wall)


PLUGIN: Final = TenantPlugin()
