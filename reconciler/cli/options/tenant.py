"""Which tenant a command is for."""

from __future__ import annotations

from typing import Any, NamedTuple

from reconciler.cli.options.option import Decorator, option, together


class TenantOptions(NamedTuple):
    """A Tenant manifest by name, the API at a url with the token in a file, or the embedded tenant
    in a file. `owner` is the owner of our webhooks there.
    """

    tenant: str | None = None
    tenant_url: str | None = None
    owner: str | None = None
    tenant_token_file: str | None = None
    local: bool = False
    local_file: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the embedded tenant was asked for."""
        return bool(self.local or self.local_file)

    @property
    def by_manifest(self) -> bool:
        """Whether a Tenant manifest says which tenant it is."""
        return not (self.is_local or self.tenant_url)


tenant_options: Decorator[Any] = together(
    option("--tenant", metavar="NAME", help="Which Tenant manifest, where there are several."),
    option("--tenant-url", metavar="URL", help="The tenant's API, instead of a Tenant manifest."),
    option(
        "--owner",
        metavar="NAME",
        help="Owner in the mark of webhooks; with --tenant-url.",
    ),
    option(
        "--tenant-token-file",
        metavar="FILE",
        help="File with the token; with --tenant-url (or RECONCILER_TENANT_TOKEN).",
    ),
    option("--local", is_flag=True, help="The embedded tenant in a file; no server."),
    option(
        "--local-file",
        metavar="FILE",
        help="That file; implies --local.  [default: .reconciler/tenant.db]",
    ),
)

all_tenants_option: Decorator[Any] = option(
    "--all-tenants",
    is_flag=True,
    help="Every Tenant manifest among the PATHs, by spec.wave, then by name; one report over all.",
)

adopt_from_option: Decorator[Any] = option(
    "--adopt-from",
    metavar="OWNER",
    help="Also webhooks of this owner, which move to us without being deleted.",
)
