"""What goes into `load`, by topic. What comes out: `load_types.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.core.model.capabilities import Find, find_tenant
from reconciler.core.model.secret import Secret
from reconciler.manifests.files.paths import STDIN_ARGUMENT
from reconciler.manifests.files.trees import WORK_TREE, Tree
from reconciler.manifests.secret_sources import FetchCache

SecretsMode = Literal["ignore", "warn", "require"]
PoliciesMode = Literal["ignore", "read", "judge"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InputFiles:
    """The files to read: `paths` in `tree`, and `stdin` for the path `-`.

    `may_be_empty` accepts paths without a document, and no path (for `export`). `keep` keeps what
    was parsed, for reading another tree with much the same files; `keep_values` keeps the Webhook
    documents, after patches, for a saved plan.
    """

    paths: tuple[str, ...]
    stdin: bytes | None = None
    tree: Tree = WORK_TREE
    may_be_empty: bool = False
    keep: bool = False
    keep_values: bool = False

    @property
    def has_stdin(self) -> bool:
        """Whether standard input is among them."""
        return STDIN_ARGUMENT in self.paths


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TenantChoice:
    """The Tenant manifest to use: the one called `name`, else the only one.

    `by_manifest` is false if the tenant comes from the command line. `lenient` uses none of several
    and refuses nothing. `check_each` also checks what the patches of each Tenant make of the
    webhooks (for `validate`). `option` is how messages say that a name is given.
    """

    name: str | None = None
    by_manifest: bool = True
    lenient: bool = False
    check_each: bool = False
    option: str = "--tenant NAME"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SecretLookup:
    """How references to secrets are looked up.

    `mode`: `ignore` reads no secret; `warn` reads them and warns of those that do not resolve;
    `require` reads them and leaves it to `find_unresolved` to refuse those of the selected
    webhooks. `folder` is one that references may name by absolute path. `allow_command` lets
    fromCommand run programs. `timeout` is the seconds that one request or process of a source may
    take. `ca_file` holds certificate authorities that sources trust beside the machine's. `private`
    are files that no webhook may name. `once` keeps what sources returned, for all that is loaded
    in a run. `cluster` holds the values of Kubernetes Secrets by name and key (None: it has no
    value); with it, every other source is refused.
    """

    mode: SecretsMode = "ignore"
    folder: str | None = None
    allow_command: bool = False
    timeout: float = 30.0
    ca_file: str | None = None
    fingerprint_key: Secret | None = None
    private: tuple[str, ...] = ()
    once: FetchCache = field(default_factory=FetchCache, repr=False, compare=False)
    cluster: Mapping[tuple[str, str], str | None] | None = field(default=None, repr=False)


def read_fingerprint_key(env: Mapping[str, str]) -> Secret | None:
    """The key of credential fingerprints, from RECONCILER_FINGERPRINT_KEY."""
    value = env.get("RECONCILER_FINGERPRINT_KEY")
    return Secret(value, "RECONCILER_FINGERPRINT_KEY") if value else None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PolicyChoice:
    """The organisation's rules.

    `mode`: `ignore` looks for none; `read` returns those out of `folder` (None: the folder
    `policies` beside the Tenant manifest in use, else in the current folder, if there is one);
    `judge` also checks the webhooks against them, which makes problems. `revision` is the Git
    revision whose rules they are, instead of the work tree's.
    """

    mode: PoliciesMode = "ignore"
    folder: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Request:
    """What to read and how. `env` is the environment for references and for git.

    `strict` makes errors of warnings. `only_tenants` decodes no webhook (for a saved plan).
    `narrowed`: only some of the webhooks will be selected, so that references of others need not
    resolve. `find` knows the providers.
    """

    files: InputFiles
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    tenant: TenantChoice = TenantChoice()
    secrets: SecretLookup = field(default_factory=SecretLookup)
    policies: PolicyChoice = PolicyChoice()
    strict: bool = False
    only_tenants: bool = False
    narrowed: bool = False
    find: Find = find_tenant
