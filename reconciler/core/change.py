"""The plain values of a plan: actions, changed fields, changes, violations, the plan itself. Other
modules make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from reconciler.core.model.scopes import ScopeFailure, Scopes, split_key
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Live, Origin, Subscription

POLICY_PREFIX: Final = "policy/"  # of the rule of a violation that a rule of the organisation makes
_ACCEPTABLE: Final = frozenset(
    {"delete-limit", "update-limit", "source-unclear", "in-use", "other-repository"}
)
_IN_DIGEST: Final = frozenset({"no-longer-selected", "another-repository-suspected"})


class Action(StrEnum):
    """What a plan does with a webhook."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"


class Label(StrEnum):
    """Which side changed since a revision, if declared and live differ; SAME if they do not."""

    SAME = "same"
    PENDING = "pending"
    DRIFT = "drift"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs; `before` and `after` may be printed. For events: `added` and
    `removed` instead.

    `secret` marks a credential: only versions are printed. In a labelled plan `label` is the side
    that changed since a revision, and `base` the value there (for events the set).
    """

    path: tuple[str, ...]
    before: Any = None
    after: Any = None
    secret: bool = False
    added: tuple[Subscription, ...] = ()
    removed: tuple[Subscription, ...] = ()
    label: Label | None = None
    base: Any = None

    @property
    def dotted(self) -> str:
        """`auth.token`."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class TenantRef:
    """The tenant of a plan: the name of its manifest ("" without one), its url or file, our owner
    and repository there, and what was seen of its scopes if it is a fleet.
    """

    name: str
    url: str
    owner: str
    repository: str | None = None
    scopes: Scopes | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One webhook and its action. Both sides are kept, so rendering and executing need nothing
    else.

    `declared` is settled: fields that the manifest leaves open have their live values. `source` is
    the file of a deleted webhook, relative to the current folder. In a labelled plan `label` is the
    side that changed, and `moved_fields` are the fields that were edited at the tenant in a webhook
    that Git deletes.
    """

    action: Action
    name: str
    live: Live | None = None
    declared: Declared | None = None
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    source: str | None = None
    label: Label | None = None
    moved_fields: tuple[str, ...] = ()

    @property
    def key(self) -> str | None:
        """The key in Git, from the manifest or from the tenant's mark."""
        if self.declared is not None:
            return self.declared.key
        return (
            self.live.managed_by.key
            if self.live is not None and self.live.managed_by is not None
            else None
        )

    @property
    def scope(self) -> str:
        """The scope of a fleet that it is in, "" outside of fleets."""
        if self.live is not None:
            return self.live.scope
        return split_key(self.declared.key)[1] if self.declared is not None else ""

    @property
    def is_ownership_only(self) -> bool:
        """Whether the update repairs the mark only."""
        return self.action is Action.UPDATE and all(
            change.path[0] == "managed_by" for change in self.fields
        )

    @property
    def is_removal(self) -> bool:
        """Whether it deletes the webhook, or removes its last subscription, which counts as a
        delete.
        """
        if self.action is Action.DELETE:
            return True
        return (
            self.action is Action.UPDATE
            and self.live is not None
            and self.declared is not None
            and bool(self.live.spec.subscriptions)
            and not self.declared.spec.subscriptions
        )


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a plan is refused. `rule` is a stable id, `names` are the webhooks at fault, `origin` is
    the position if it is known. `accepted`: the Tenant manifest lists the digest of this plan.
    """

    rule: str
    message: str
    names: tuple[str, ...] = ()
    origin: Origin | None = None
    accepted: bool = False

    @property
    def is_acceptable(self) -> bool:
        """Whether `--accept` lets it pass for one plan. Violations about webhooks of other owners,
        or ambiguous ones, never pass.
        """
        return self.rule in _ACCEPTABLE or self.is_in_digest

    @property
    def is_in_digest(self) -> bool:
        """Whether a plan's digest covers it: the changes alone do not show it."""
        return self.rule in _IN_DIGEST or self.is_of_policy

    @property
    def is_of_policy(self) -> bool:
        """Whether a rule of the organisation refuses it."""
        return self.rule.startswith(POLICY_PREFIX)


@dataclass(frozen=True, slots=True)
class Unclear:
    """A source without evidence: `source` and `place` relative to the root, and the names of the
    affected webhooks.

    Paths in `message` are relative to the current folder.
    """

    source: str
    state: str
    place: str
    names: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of changes per action, of unmanaged webhooks, and of our webhooks outside of this
    run.
    """

    create: int = 0
    update: int = 0
    delete: int = 0
    keep: int = 0
    unmanaged: int = 0
    out_of_scope: int = 0


Stages = tuple[tuple[Change, ...], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: `pending` changes in the order of `stages`, and counts of the rest. An
    empty plan is a plan.

    `base` counts our live webhooks before the run, `declared` the declared ones. `violations` are
    the reasons to refuse it; `digest_violations` are those that enter the digest (rules of the
    organisation, what the Tenant selects); `unclear` are the sources without evidence that Git
    removed them; `warnings` are for the reviewer. `since` is the revision and commit that labels
    compare with. `digest` identifies the plan: plans with equal digests write the same.
    `switched_off` are our webhooks that are switched off at the tenant; no change touches them.
    `bases` counts our live webhooks before the run in each scope of a fleet. `ids` holds the
    tenant's id of every declared webhook that exists, by key.
    """

    tenant: TenantRef
    stages: tuple[tuple[Change, ...], ...] = ()
    counts: Counts = field(default_factory=Counts)
    base: int = 0
    declared: int = 0
    clashes: tuple[Violation, ...] = ()
    digest_violations: tuple[Violation, ...] = ()
    unclear: tuple[Unclear, ...] = ()
    violations: tuple[Violation, ...] = ()
    warnings: tuple[str, ...] = ()
    policy: str = ""
    fingerprint_key: Secret | None = None
    since: tuple[str, str] | None = None
    digest: str = ""
    switched_off: tuple[tuple[Declared, Live], ...] = ()
    bases: Mapping[str, int] = field(default_factory=dict, hash=False)
    ids: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def failures(self) -> tuple[ScopeFailure, ...]:
        """The scopes of a fleet that could not be read: of them nothing is known."""
        return self.tenant.scopes.failures if self.tenant.scopes is not None else ()

    @property
    def refusals(self) -> tuple[Violation, ...]:
        """The violations that the Tenant manifest does not accept."""
        return tuple(violation for violation in self.violations if not violation.accepted)

    @property
    def pending(self) -> tuple[Change, ...]:
        """Every change that writes, in the order of execution."""
        return tuple(change for stage in self.stages for change in stage)
