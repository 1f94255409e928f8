"""The manifests that `load` returns. The request that it takes is in `request.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from reconciler.core.model.capabilities import Capabilities, Find, without_ledger
from reconciler.core.model.catalogue import Catalogue
from reconciler.core.model.problem import Problem
from reconciler.core.model.schedule import ALWAYS, Schedule
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Origin
from reconciler.core.safety.selection import Selection
from reconciler.manifests.files.trees import WORK_TREE, Tree
from reconciler.manifests.secret_sources import Login, Place
from reconciler.manifests.yaml.document import ParsedFile

if TYPE_CHECKING:
    from reconciler.core.model.product import Product
    from reconciler.core.safety.rules import Rule


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TenantSpec:
    """A Tenant manifest. It has `url` and `token`, or `local` (an absolute path). `select` holds
    the labels that a webhook needs, {} for none.

    `delete_share` and `update_share` go from 0 to 1; `update_from` is the base from which the share
    of updates counts. `secrets` holds the patterns of what webhooks may reference, by source:
    without a list, `env` allows any variable that is not forbidden, other sources allow nothing.
    `wave` is the Tenant's position among all tenants. `patches` is the number of its patches, which
    `patches.py` applies. `vault` is the login at the Vault that it configures. `repository` is
    `host/path`, None if Git says it. `target` is the part of the product that is meant, in its
    provider's words. `product` is the product file of the provider `http`.
    `catalogue` has the events that the product sends, if the Tenant names a file of them.
    `has_ledger` is off if the product is to keep no ledger for us. `schedule_places` are the
    positions of the fields of `schedule` that the manifest has.
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
    product: Product | None = None
    catalogue: Catalogue | None = None
    has_ledger: bool = True
    schedule: Schedule = ALWAYS
    schedule_places: Mapping[str, Origin] = field(default_factory=dict)

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a webhook with these labels belongs to this tenant."""
        return self.select.items() <= labels.items()

    def find_capabilities(self, find: Find) -> Capabilities | None:
        """What its provider can do; None if no such provider is installed."""
        found = self.product.capabilities if self.product is not None else find(self.provider)
        if found is not None and not self.has_ledger:
            found = without_ledger(found)
        if found is not None and found.catalogue and self.catalogue is not None:
            return replace(found, catalogue=False)  # the Tenant's own counts
        return found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EventSubscriptionRef:
    """An EventSubscription: the absolute path of its file, its line, and the keys of its
    webhooks.
    """

    path: str
    name: str
    line: int
    keys: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Manifests:
    """What the manifests declare. `declared` is sorted by key and holds only what the tenant in use
    selects; `problems` are warnings.

    `folders` and `files` are the run's paths relative to `root` (absolute), in posix form, "." for
    the root itself. `unresolved_references` holds an error per reference that does not resolve, if
    `require` asked for it, with the webhook's key, None for a Tenant's. `reserved_names` holds the
    keys and earlier names of every Webhook, whether or not the tenant in use selects it. `tokens`
    are the places of every Tenant's token. `event_subscriptions` does not depend on the tenant in
    use. `kinds` counts the documents of each kind. `products` are the product files by name.
    `parsed_files` are the files without a fault, if they were to be kept. `rules` are the
    organisation's. `selection` says which webhooks the tenant in use leaves out. `values` holds the
    Webhook documents by key, after patches, if they were to be kept. `read_files` maps the absolute
    path of each file that was read to whether it has a document of this project. `tree` is where
    they were read.
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
    unresolved_references: tuple[tuple[str | None, Problem], ...] = ()
    reserved_names: frozenset[str] = frozenset()
    tokens: frozenset[Place] = frozenset()
    event_subscriptions: tuple[EventSubscriptionRef, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)
    parsed_files: tuple[ParsedFile, ...] = ()
    products: Mapping[str, Product] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    selection: Selection = field(default_factory=Selection)
    values: Mapping[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    read_files: Mapping[str, bool] = field(default_factory=dict, repr=False)
    tree: Tree = WORK_TREE
