"""Opens a tenant: the API at a url, or the embedded one in a file. The only wiring of the parts.

Knows no options of the command line, and not which tenant is meant where no manifest says it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.connection import Connection
from reconciler.core.change import TenantRef
from reconciler.core.errors import BadRequest, InvalidManifests
from reconciler.core.model.problem import Problem
from reconciler.core.model.product import Product
from reconciler.core.model.secret import Secret, shown_url
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.manifests import Manifests, TenantSpec
from reconciler.net.proxies import Network, Proxy
from reconciler.net.trust import make_context
from reconciler.providers.base import Provider
from reconciler.providers.http.client import Client
from reconciler.providers.http.label import Label
from reconciler.providers.plugin import Plugin
from reconciler.providers.registry import open_plugin
from reconciler.tenant.folder import prepare_folder


@dataclass(frozen=True, slots=True)
class Target:
    """One tenant: its API with a token, or the file of the embedded one. `place` is the Tenant's
    `spec.target`, in the words of its provider; `product` is the product file of the provider
    `http`.
    """

    name: str
    url: str = ""
    token: Secret | None = None
    file: str = ""
    url_place: str = "spec.url"
    provider: str = "tenant"
    place: Mapping[str, Any] = field(default_factory=dict)
    product: Product | None = None
    has_ledger: bool = True

    @property
    def label(self) -> Label:
        """How errors name it, the place of its url and of its token."""
        if self.file:
            return Label(self.name, "", "")
        shown = self.name or (shown_url(self.url) if self.url else "")
        reference = self.token.reference if self.token is not None else ""
        return Label(shown, self.url_place, reference.removeprefix("fromEnv: "))

    @property
    def plugin(self) -> Plugin:
        """The plug-in of its provider; raises BadRequest."""
        return open_plugin(self.provider, self.product, has_ledger=self.has_ledger)

    def ref(self, owner: str, repository: str | None = None) -> TenantRef:
        """How plans and reports name it."""
        return TenantRef(
            self.name, self.url or f"local:{os.path.relpath(self.file)}", owner, repository
        )


def make_target(spec: TenantSpec, manifests: Manifests) -> Target:
    """The tenant that a Tenant manifest describes; raises InvalidManifests if its token does not
    resolve.
    """
    if spec.local is not None:
        return Target(spec.name, file=spec.local)
    token = spec.token
    if token is None or not token.is_resolved:
        problem = _make_token_problem(spec)
        raise InvalidManifests((problem,), manifests.documents, manifests.skipped)
    return Target(
        spec.name,
        spec.url or "",
        token,
        provider=spec.provider,
        place=spec.target,
        product=spec.product,
        has_ledger=spec.has_ledger,
    )


def _make_token_problem(spec: TenantSpec) -> Problem:
    reference = spec.token.reference if spec.token is not None else "token"
    message = f"the tenant's token does not resolve: {reference}"
    fix = "set it, then run again"
    return Problem(spec.token_origin, "/spec/token", "secret/unresolved", "error", message, fix)


def _parse_addresses(connection: Connection) -> AddressPolicy:
    """The addresses that deliveries may reach; raises BadRequest."""
    try:
        return AddressPolicy.parse(connection.allow_network, connection.allow_port)
    except ValueError as error:
        raise BadRequest(f"--allow-network, --allow-port: {error}") from None


def make_sender(connection: Connection, proxy: Proxy | None = None) -> Sender:
    """The sender of deliveries: it reaches the addresses that the connection allows, and trusts its
    authorities beside the machine's. Raises BadRequest.
    """
    tls = make_context(connection.ca_file) if connection.ca_file else None
    return Sender(_parse_addresses(connection), tls=tls, proxy=proxy)


@asynccontextmanager
async def _open_embedded(file: str, connection: Connection) -> AsyncIterator[tuple[Any, Secret]]:
    """The embedded tenant of a file as an application, with a token for it; raises StoreError for a
    file that cannot be used.
    """
    from reconciler.tenant.server.app import create_app  # noqa: PLC0415  a tenant by url never pays for starlette
    from reconciler.tenant.store.store import open_store  # noqa: PLC0415  a tenant by url never pays for sqlite

    prepare_folder(file)
    with closing(open_store(file, key=os.environ.get("RECONCILER_TENANT_KEY"))) as store:
        async with make_sender(connection) as deliveries:
            token = secrets.token_urlsafe(32)
            app = create_app(store, deliveries, local_token=token, deliver=False)
            yield app, Secret(token, "--local")


Observe = Callable[[str, str, int], object]
"""Gets the provider, the method and the status of each request, 0 without an answer."""


def ignore_request(_provider: str, _method: str, _status: int) -> None:
    """Observes nothing."""


@asynccontextmanager
async def open_client(
    target: Target,
    connection: Connection,
    parallelism: int = 10,
    observe: Observe = ignore_request,
) -> AsyncIterator[Client]:
    """An HTTP client for that tenant, closed at the end, with so many requests at once, or as many
    as its product takes; raises StoreError for a file that cannot be used.
    """
    plugin = target.plugin
    async with AsyncExitStack() as stack:
        url, token, app = target.url, target.token, None
        if target.file:
            url = "http://localhost/public-api/v1"
            app, token = await stack.enter_async_context(_open_embedded(target.file, connection))
        if token is None:
            raise BadRequest(f"{target.name}: a tenant with a url needs a token")
        client = Client(
            url,
            token,
            app=app,
            label=target.label,
            dialect=plugin.dialect,
            network=Network(os.environ, connection.ca_file),
            timeout=connection.timeout,
            deadline=connection.deadline,
            parallelism=min(parallelism, plugin.capabilities.parallelism),
        )
        client.observe = partial(observe, target.provider)
        client.patience = connection.patience
        yield await stack.enter_async_context(client)


@asynccontextmanager
async def open_provider(
    target: Target,
    connection: Connection,
    parallelism: int = 10,
    observe: Observe = ignore_request,
) -> AsyncIterator[Provider]:
    """A provider for that tenant, closed at the end; raises StoreError for a file that cannot be
    used.
    """
    async with open_client(target, connection, parallelism, observe) as client:
        yield target.plugin.provider(client, target.place)
