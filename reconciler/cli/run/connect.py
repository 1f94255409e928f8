"""Opens the tenant that was asked for: by manifest, by url, or the embedded one in a file. The only
wiring of the parts.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reconciler.cli.options.connection import ConnectionOptions
from reconciler.cli.options.tenant import TenantOptions
from reconciler.cli.run.tenant_folder import prepare_folder
from reconciler.core.change import TenantRef
from reconciler.core.errors import BadRequest, InvalidManifests
from reconciler.core.model import limits
from reconciler.core.model.credential_shape import is_issued, is_random
from reconciler.core.model.problem import Problem
from reconciler.core.model.secret import Secret, shown_url
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.manifests import Manifests
from reconciler.net import idn
from reconciler.net.proxies import Network, Proxy
from reconciler.net.trust import make_context
from reconciler.providers.base import Provider
from reconciler.providers.http.client import Client
from reconciler.providers.http.label import Label
from reconciler.providers.registry import load

DEFAULT_FILE: Final = ".reconciler/tenant.db"
THREE_WAYS: Final = (
    "which tenant? Give a Tenant manifest among the paths, or --tenant-url URL --owner "
    "NAME with a token in "
    "--tenant-token-file or RECONCILER_TENANT_TOKEN, or --local for the embedded tenant in a file"
)


@dataclass(frozen=True, slots=True)
class Target:
    """One tenant: its API with a token, or the file of the embedded one. `place` is the Tenant's
    `spec.target`, in the words of its provider.
    """

    name: str
    url: str = ""
    token: Secret | None = None
    file: str = ""
    url_place: str = "spec.url"
    provider: str = "tenant"
    place: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> Label:
        """How errors name it, the place of its url and of its token."""
        if self.file:
            return Label(self.name, "", "")
        shown = self.name or (shown_url(self.url) if self.url else "")
        reference = self.token.reference if self.token is not None else ""
        return Label(shown, self.url_place, reference.removeprefix("fromEnv: "))

    def ref(self, owner: str, repository: str | None = None) -> TenantRef:
        """How plans and reports name it."""
        return TenantRef(
            self.name, self.url or f"local:{os.path.relpath(self.file)}", owner, repository
        )


def _token(options: TenantOptions) -> Secret:
    if options.tenant_token_file:
        try:
            text = Path(options.tenant_token_file).read_text("utf-8").removesuffix("\n")
        except (OSError, UnicodeError):
            raise BadRequest(
                f"--tenant-token-file {_shown(options.tenant_token_file)}: cannot be read"
            ) from None
        return Secret(text, "--tenant-token-file")
    value = os.environ.get("RECONCILER_TENANT_TOKEN")
    if not value:
        raise BadRequest(
            "--tenant-url needs a token: --tenant-token-file FILE or RECONCILER_TENANT_TOKEN"
        )
    return Secret(value, "RECONCILER_TENANT_TOKEN")


def _shown(file: str) -> str:
    """The name of a token's file; not if the token itself was given."""
    return (
        "(the value looks like a token, not like a file's name)"
        if is_issued(file) or is_random(file)
        else file
    )


def _by_url(options: TenantOptions) -> Target:
    url = options.tenant_url or ""
    wrong = limits.url(url)
    if wrong:
        hint = idn.hint(url)
        raise BadRequest(f"--tenant-url {wrong}" + (f": {hint}" if hint else ""))
    if limits.is_plain_http_abroad(url):
        raise BadRequest("--tenant-url: http:// would send the token in clear; use https://")
    return Target("", url, _token(options), url_place="--tenant-url")


def choose(options: TenantOptions, manifests: Manifests | None) -> Target:
    """The tenant of this run; raises BadRequest naming the three ways when none was given."""
    if options.is_local and options.tenant_url:
        raise BadRequest("--local and --tenant-url exclude each other")
    if options.tenant and (options.is_local or options.tenant_url):
        raise BadRequest(
            "--tenant chooses among Tenant manifests, which --local and --tenant-url do "
            "not use: give one of them"
        )
    if options.is_local:
        return Target("local", file=str(Path(options.local_file or DEFAULT_FILE).absolute()))
    if options.tenant_url:
        return _by_url(options)
    spec = manifests.tenant if manifests is not None else None
    if spec is None:
        raise BadRequest(THREE_WAYS)
    if spec.local is not None:
        return Target(spec.name, file=spec.local)
    token = spec.token
    if token is None or not token.is_resolved:
        reference = token.reference if token is not None else "token"
        text = f"the tenant's token does not resolve: {reference}"
        problem = Problem(
            spec.token_origin,
            "/spec/token",
            "secret/unresolved",
            "error",
            text,
            "set it, then run again",
        )
        raise InvalidManifests(
            (problem,),
            manifests.documents if manifests else 0,
            manifests.skipped if manifests else 0,
        )
    return Target(spec.name, spec.url or "", token, provider=spec.provider, place=spec.target)


def address_policy(options: ConnectionOptions) -> AddressPolicy:
    """The addresses that deliveries may reach, from `--allow-network` and `--allow-port`."""
    try:
        return AddressPolicy.parse(options.allow_network or (), options.allow_port or ())
    except ValueError as error:
        raise BadRequest(f"--allow-network, --allow-port: {error}") from None


def sender(options: ConnectionOptions, proxy: Proxy | None = None) -> Sender:
    """What sends deliveries: to the addresses that the options allow, trusting what they say beside
    the machine's.
    """
    tls = make_context(options.ca_file) if options.ca_file else None
    return Sender(address_policy(options), tls=tls, proxy=proxy)


@asynccontextmanager
async def embedded(file: str, options: ConnectionOptions) -> AsyncIterator[tuple[Any, Secret]]:
    """The embedded tenant of a file as an application, with a token for it; raises StoreError for a
    file that cannot be used.
    """
    from reconciler.tenant.server.app import create_app  # noqa: PLC0415  a tenant by url never pays for starlette
    from reconciler.tenant.store.store import open_store  # noqa: PLC0415  a tenant by url never pays for sqlite

    prepare_folder(file)
    with closing(open_store(file, key=os.environ.get("RECONCILER_TENANT_KEY"))) as store:
        async with sender(options) as deliveries:
            token = secrets.token_urlsafe(32)
            app = create_app(store, deliveries, local_token=token, deliver=False)
            yield app, Secret(token, "--local")


@asynccontextmanager
async def client(
    target: Target, options: ConnectionOptions, parallelism: int = 10
) -> AsyncIterator[Client]:
    """An HTTP client for that tenant, closed at the end; raises StoreError for a file that cannot
    be used.
    """
    async with AsyncExitStack() as stack:
        url, token, app = target.url, target.token, None
        if target.file:
            url = "http://localhost/public-api/v1"
            app, token = await stack.enter_async_context(embedded(target.file, options))
        if token is None:
            raise BadRequest(THREE_WAYS)
        asking = Client(
            url,
            token,
            app=app,
            label=target.label,
            dialect=load(target.provider).dialect,
            network=Network(os.environ, options.ca_file),
            timeout=options.timeout or 30.0,
            deadline=options.deadline,
            parallelism=parallelism,
        )
        yield await stack.enter_async_context(asking)


@asynccontextmanager
async def opened(
    target: Target, options: ConnectionOptions, parallelism: int = 10
) -> AsyncIterator[Provider]:
    """A provider for that tenant, closed at the end; raises StoreError for a file that cannot be
    used.
    """
    async with client(target, options, parallelism) as asking:
        yield load(target.provider).provider(asking, target.place)
