"""Which manifests a command reads, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from reconciler.cli.options.option import Decorator, option, together
from reconciler.cli.options.selection import NarrowOptions
from reconciler.cli.options.tenant import TenantOptions
from reconciler.connection import Connection

if TYPE_CHECKING:
    from reconciler.manifests.decode.request import PoliciesMode
    from reconciler.manifests.secret_sources import FetchCache


class SecretOptions(NamedTuple):
    """What references to secrets may use."""

    secrets_dir: str | None = None
    allow_command: bool = False


class PolicyOptions(NamedTuple):
    """Where the organisation's rules are. A command that uses them sets `mode`."""

    policies: str | None = None
    policies_at: str | None = None
    mode: PoliciesMode = "ignore"


class ReadRules(NamedTuple):
    """What a command accepts while it reads: `strict` no warning, `may_be_empty` paths without a
    document, `lenient` several Tenant manifests. With `check_each` it checks the patches of every
    Tenant; with `keep_values` it keeps the Webhook documents, for a saved plan.
    """

    strict: bool = False
    may_be_empty: bool = False
    lenient: bool = False
    check_each: bool = False
    keep_values: bool = False


class SharedInput(NamedTuple):
    """What the runs for several tenants share: standard input, what secret sources returned, and
    the names that some tenant declares.
    """

    stdin: bytes | None = None
    once: FetchCache | None = None
    known: frozenset[str] = frozenset()


class ManifestOptions(NamedTuple):
    """The manifests among `paths`, for one tenant; `since` is the revision to compare them with."""

    paths: tuple[str, ...] = ()
    tenant: TenantOptions = TenantOptions()
    narrow: NarrowOptions = NarrowOptions()
    secrets: SecretOptions = SecretOptions()
    policies: PolicyOptions = PolicyOptions()
    connection: Connection = Connection()
    since: str | None = None
    rules: ReadRules = ReadRules()
    shared: SharedInput = SharedInput()

    def with_policies(self, mode: PoliciesMode) -> ManifestOptions:
        """The same, with the organisation's rules read or judged."""
        return self._replace(policies=self.policies._replace(mode=mode))

    def keeping_values(self) -> ManifestOptions:
        """The same, with the Webhook documents kept for a saved plan."""
        return self._replace(rules=self.rules._replace(keep_values=True))

    def within(self, seconds: float | None) -> ManifestOptions:
        """The same, with that deadline."""
        return self._replace(connection=self.connection._replace(deadline=seconds))


since_option: Decorator[Any] = option(
    "--since",
    metavar="REV",
    help="Tell what Git changed since that revision from what the tenant changed.",
)


def _folder(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and (not value or "\0" in value):
        raise click.BadParameter("is no folder")
    return value


policies_option: Decorator[Any] = option(
    "--policies",
    metavar="DIR",
    callback=_folder,
    help="Rules that planned webhooks have to keep.  [default: policies beside the Tenant "
    "manifest, else here]",
)

policies_at_option: Decorator[Any] = option(
    "--policies-at",
    metavar="REV",
    help="The policies as of this Git revision, where its Tenant manifest had them; CI gives "
    "the base branch.",
)

secret_options: Decorator[Any] = together(
    option(
        "--secrets-dir",
        metavar="DIR",
        help="A folder that fromFile and fromSops may name by absolute path.",
    ),
    option(
        "--allow-command",
        is_flag=True,
        help="Let fromCommand run the programs that manifests name.",
    ),
)
