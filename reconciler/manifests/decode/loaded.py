"""What goes into `load` and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from reconciler.core.model.problem import Problem
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Origin
from reconciler.core.safety.selection import Selection
from reconciler.manifests.files.trees import WORK_TREE, Tree
from reconciler.manifests.secret_sources import Login, Once, Place
from reconciler.manifests.yaml.places import Parsed

if TYPE_CHECKING:
    from reconciler.core.safety.rules import Rule

SecretsMode = Literal["ignore", "warn", "require"]
PoliciesMode = Literal["ignore", "read", "judge"]


@dataclass(frozen=True, slots=True)
class Request:
    """What to read and how.

    `secrets`: `ignore` reads no secret; `warn` reads them and warns of those that do not resolve;
    `require` reads them and leaves it to `unresolved` to refuse those of the webhooks that are
    selected. `tenant` is the name of the Tenant manifest to use; `use_tenant` is false where the
    tenant comes from the command line; `all_tenants` uses none of several and refuses nothing, and
    `each_tenant` checks what the patches of each make of the webhooks too (for `validate`);
    `may_be_empty` takes paths without a document, and no path (for `export`); `only_tenants`
    decodes no webhook (for a saved plan). `env` is the environment that references read; `timeout`
    the seconds that one request or process of a source of secrets may take; `ca_file` holds
    certificate authorities that sources trust beside the machine's; `allow_command` lets
    fromCommand run programs; `private`: files that no webhook may name; `tree` is where files
    stand; `keep` keeps what was parsed, for reading another tree with much the same files;
    `keep_values` keeps the Webhook documents, after patches, for a saved plan; `once`
    what sources of secrets told, for all that is loaded in a run. `narrowed`: only some of the
    webhooks will be selected, so that references of others need not resolve. `policies`: `ignore`
    looks for none; `read` gives back the organisation's rules out of `policies_dir` (None: the
    folder `policies` beside the Tenant manifest in use, else in the current folder, if there is
    one); `judge` holds the webhooks against them too, which makes problems. `policies_at` is the
    revision whose rules they are, instead of the work tree's.
    """

    paths: tuple[str, ...]
    stdin: bytes | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    strict: bool = False
    secrets: SecretsMode = "ignore"
    secrets_dir: str | None = None
    allow_command: bool = False
    timeout: float = 30.0
    ca_file: str | None = None
    fingerprint_key: Secret | None = None
    tenant: str | None = None
    use_tenant: bool = True
    all_tenants: bool = False
    each_tenant: bool = False
    may_be_empty: bool = False
    private: tuple[str, ...] = ()
    tree: Tree = WORK_TREE
    only_tenants: bool = False
    narrowed: bool = False
    keep: bool = False
    keep_values: bool = False
    policies: PoliciesMode = "ignore"
    policies_dir: str | None = None
    policies_at: str | None = None
    once: Once = field(default_factory=Once, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TenantSpec:
    """A Tenant manifest. `url` and `token`, or `local` (absolute path); `select` holds the labels
    wanted, {} for all.

    `delete_share` and `update_share` from 0 to 1; `update_from` is the base from which the share of
    updates counts; `secrets` holds the lists of patterns of what webhooks may reference, by source:
    of `env`, no list allows any variable that is not forbidden; of others, none. `wave` is when its
    turn comes among all tenants; `patches` is how many it has, which `patches.py` applies. `vault`
    is the login at the Vault that it configures; `repository` is which one this is, `host/path`,
    None where Git is to say.
    """

    name: str
    provider: str
    url: str | None
    token: Secret | None
    local: str | None
    owner: str
    ownership: Literal["marked", "all"]
    prune: bool
    select: Mapping[str, str]
    origin: Origin
    token_origin: Origin
    delete_share: float = 0.3
    update_share: float = 0.3
    update_from: int = 10
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wave: int = 1
    patches: int = 0
    vault: Login | None = None
    repository: str | None = None

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a webhook with these labels belongs to this tenant."""
        return self.select.items() <= labels.items()


@dataclass(frozen=True, slots=True)
class Joined:
    """An EventSubscription: its file's absolute path, its line there, and the keys of the webhooks
    that it adds to.
    """

    path: str
    name: str
    line: int
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Manifests:
    """What the manifests declare: `declared` by key, only those that the tenant in use selects;
    `problems` are warnings.

    `folders` and `files` are the run's paths relative to `root` (absolute), posix, "." for the root
    itself. `lost` holds an error for each reference that does not resolve, where `require` asked
    for it, with the webhook's key, None for a Tenant's. `taken` holds the keys and earlier names of
    every Webhook, of those too that the tenant in use does not select. `tokens` are the places of
    every Tenant's token. `joined` are the EventSubscriptions, whatever tenant selects their
    webhooks. `kinds` counts the documents of each kind. `parsed` are the files that had no fault,
    if they were to be kept. `rules` are the organisation's. `selection` says which webhooks the
    tenant in use leaves out. `values` holds the Webhook documents by key, after patches, if they
    were to be kept. `read` says of each file that was read, by absolute path, whether it has a
    document of ours.
    """

    declared: tuple[Declared, ...]
    tenant: TenantSpec | None
    tenants: tuple[TenantSpec, ...]
    problems: tuple[Problem, ...]
    documents: int
    skipped: int
    folders: tuple[str, ...]
    files: tuple[str, ...]
    root: str
    literal_urls: frozenset[str]
    lost: tuple[tuple[str | None, Problem], ...] = ()
    taken: frozenset[str] = frozenset()
    tokens: frozenset[Place] = frozenset()
    joined: tuple[Joined, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)
    parsed: tuple[Parsed, ...] = ()
    rules: tuple[Rule, ...] = ()
    selection: Selection = field(default_factory=Selection)
    values: Mapping[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    read: Mapping[str, bool] = field(default_factory=dict, repr=False)
