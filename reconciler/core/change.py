"""The bare values of a plan: actions, changed fields, changes, violations, the plan itself. How
they are made is not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Live, Origin, Subscription

POLICY_PREFIX: Final = "policy/"  # of the rule of a violation that a rule of the organisation makes
_ACCEPTABLE: Final = frozenset(
    {"delete-limit", "update-limit", "source-unclear", "in-use", "other-repository"}
)
_IN_DIGEST: Final = frozenset({"no-longer-selected", "another-repository-suspected"})


class Action(StrEnum):
    """What is to be done with a webhook."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"


class Label(StrEnum):
    """Which side moved since a revision, where declared and live differ; SAME where they do not."""

    SAME = "same"
    PENDING = "pending"
    DRIFT = "drift"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs; `before` and `after` are fit to be printed. For events: `added` and
    `removed` instead.

    `secret` marks a credential, of which only versions are said. `label` says who moved since a
    revision and `base` what it was there (of events the set), where a plan was labelled.
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
    """Which tenant a plan is for: the name of its manifest ("" without one), its url or file, our
    owner there, our repository.
    """

    name: str
    url: str
    owner: str
    repository: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One webhook and what is to be done with it; both sides are kept, so that rendering and
    executing need nothing else.

    `declared` is settled: what the manifest leaves open is filled in from `live`. `recorded` is the
    file a deleted webhook came from, relative to the current folder. In a labelled plan `label`
    says who moved, and `moved` which fields were edited at the tenant of a webhook that Git
    deletes.
    """

    action: Action
    name: str
    live: Live | None = None
    declared: Declared | None = None
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    recorded: str | None = None
    label: Label | None = None
    moved: tuple[str, ...] = ()

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
    def ownership_only(self) -> bool:
        """Whether only the mark is repaired."""
        return self.action is Action.UPDATE and all(
            change.path[0] == "managed_by" for change in self.fields
        )

    @property
    def removes(self) -> bool:
        """Whether it deletes the webhook, or takes its last subscription, which counts the same."""
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
    """Why a plan is refused; `rule` is a stable id, `names` the webhooks at fault, `origin` where
    to look, if that is known.
    """

    rule: str
    message: str
    names: tuple[str, ...] = ()
    origin: Origin | None = None

    @property
    def acceptable(self) -> bool:
        """Whether a person may let it pass for one plan (`--accept`); what belongs to others or is
        ambiguous never passes.
        """
        return self.rule in _ACCEPTABLE or self.in_digest

    @property
    def in_digest(self) -> bool:
        """Whether a plan's digest covers it, since the changes alone do not show it."""
        return self.rule in _IN_DIGEST or self.of_policy

    @property
    def of_policy(self) -> bool:
        """Whether a rule of the organisation refuses it."""
        return self.rule.startswith(POLICY_PREFIX)


@dataclass(frozen=True, slots=True)
class Unclear:
    """A source without evidence: `source` and `place` relative to the root, and the names of the
    webhooks that lose by it.

    `message` names paths relative to the current folder.
    """

    source: str
    state: str
    place: str
    names: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each: the actions, what is not ours, and what is ours but outside this run."""

    create: int = 0
    update: int = 0
    delete: int = 0
    keep: int = 0
    unmanaged: int = 0
    out_of_scope: int = 0


Stages = tuple[tuple[Change, ...], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: `pending` changes in the order of `stages`, and the rest counted. An
    empty plan is a plan.

    `base` counts the live webhooks that were ours before the run, `declared` the declared ones.
    `violations` are the reasons to refuse it; `judged` are those that enter the digest (rules of
    the organisation, what the Tenant selects); `unclear` are the sources without evidence that Git
    removed them; `warnings` are for the reviewer. `since` is the revision and commit that labels
    compare with. `digest` names the plan: equal digests write the same. `switched_off` are webhooks
    of ours that somebody switched off at the tenant; no change touches them.
    """

    tenant: TenantRef
    stages: tuple[tuple[Change, ...], ...] = ()
    counts: Counts = field(default_factory=Counts)
    base: int = 0
    declared: int = 0
    clashes: tuple[Violation, ...] = ()
    judged: tuple[Violation, ...] = ()
    unclear: tuple[Unclear, ...] = ()
    violations: tuple[Violation, ...] = ()
    warnings: tuple[str, ...] = ()
    policy: str = ""
    fingerprint_key: Secret | None = None
    since: tuple[str, str] | None = None
    digest: str = ""
    switched_off: tuple[tuple[Declared, Live], ...] = ()

    @property
    def pending(self) -> tuple[Change, ...]:
        """Every change that writes, in the order of carrying out."""
        return tuple(change for stage in self.stages for change in stage)
