"""What comes out of `load`. What goes in: `request.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from reconciler.core.model.problem import Problem
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Origin
from reconciler.core.safety.selection import Selection
from reconciler.manifests.secret_sources import Login, Place
from reconciler.manifests.yaml.places import Parsed

if TYPE_CHECKING:
    from reconciler.core.safety.rules import Rule


@dataclass(frozen=True, slots=True)
class TenantSpec:
    """A Tenant manifest. `url` and `token`, or `local` (absolute path); `select` holds the labels
    wanted, {} for all.

    `delete_share` and `update_share` from 0 to 1; `update_from` is the base from which the share of
    updates counts; `secrets` holds the lists of patterns of what webhooks may reference, by source:
    of `env`, no list allows any variable that is not forbidden; of others, none. `wave` is when its
    turn comes among all tenants; `patches` is how many it has, which `patches.py` applies. `vault`
    is the login at the Vault that it configures; `repository` is which one this is, `host/path`,
    None where Git is to say. `target` is the part of the product that is meant, in its provider's
    words.
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
    target: Mapping[str, Any] = field(default_factory=dict)

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
