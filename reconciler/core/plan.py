"""The plan: every change that makes the tenant as declared, in the order in which it is carried out.

`make_plan` is pure: declared + live + policy -> Plan. Matching stands in `match.py`, filling in what a manifest leaves open in
`settle.py`, the order in `order.py`, refusing in `guard.py`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.core.diff import FieldChange, diff
from reconciler.core.digest import digest
from reconciler.core.evidence import Unclear
from reconciler.core.guard import Violation, verdicts
from reconciler.core.mark import mark_changes
from reconciler.core.match import Match, match
from reconciler.core.model import Declared, Live, Webhook
from reconciler.core.order import arrange
from reconciler.core.policy import Policy
from reconciler.core.renames import renames
from reconciler.core.repository import kept_warning, suspicions, takes_over
from reconciler.core.rules import Breach, breaches
from reconciler.core.safety import check_plan
from reconciler.core.secret import Secret
from reconciler.core.settle import settle
from reconciler.core.switched_off import is_switched_off, warning
from reconciler.core.three_way import Label
from reconciler.core.unselected import check_deletes


class Action(StrEnum):
    """What is to be done with a webhook."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class TenantRef:
    """Which tenant a plan is for: the name of its manifest ("" without one), its url or file, our owner there, our repository."""

    name: str
    url: str
    owner: str
    repository: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One webhook and what is to be done with it; both sides are kept, so that rendering and executing need nothing else.

    `declared` is settled: what the manifest leaves open is filled in from `live`. `recorded` is the file a deleted webhook came
    from, relative to the current folder. In a labelled plan `label` says who moved, and `moved` which fields were edited at the
    tenant of a webhook that Git deletes.
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
        return self.live.managed_by.key if self.live is not None and self.live.managed_by is not None else None

    @property
    def ownership_only(self) -> bool:
        """Whether only the mark is repaired."""
        return self.action is Action.UPDATE and all(change.path[0] == "managed_by" for change in self.fields)

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
class Counts:
    """How many of each: the actions, what is not ours, and what is ours but outside this run."""

    create: int = 0
    update: int = 0
    delete: int = 0
    keep: int = 0
    unmanaged: int = 0
    out_of_scope: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: `pending` changes in the order of `stages`, and the rest counted. An empty plan is a plan.

    `base` is how many live webhooks were ours before the run, `declared` how many webhooks are declared; `violations` is why it
    would be refused, `judged` those that enter the digest (the organisation's rules, what the Tenant selects), `unclear` the
    sources without evidence that Git removed them, `warnings` what a reviewer should know; `since` the revision and commit that
    its labels are told from; `known_as` the digest it was saved under, for a plan out of a file, which has no secret values to
    count it from; `switched_off` are webhooks of ours that somebody switched off at the tenant, which no change touches.
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
    known_as: str | None = None
    switched_off: tuple[tuple[Declared, Live], ...] = ()

    @property
    def pending(self) -> tuple[Change, ...]:
        """Every change that writes, in the order of carrying out."""
        return tuple(change for stage in self.stages for change in stage)

    def digest(self) -> str:
        """`sha256:` over tenant url, owner, policy and pending changes: equal digests write the same."""
        return self.known_as or digest(self)


Normalize = Callable[[Webhook], Webhook]


def new_fields(spec: Webhook, literals: AbstractSet[str]) -> tuple[FieldChange, ...]:
    """The fields of a webhook that is not there yet: all that it says, before it nothing."""
    blank = Webhook(name="", url="", enabled=None)
    return tuple(replace(field, before=None) for field in diff(blank, spec, literals))


def _create(declared: Declared, policy: Policy) -> Change:
    enabled = declared.spec.enabled is not False
    protected = bool(declared.protected)
    spec = replace(declared.spec, enabled=enabled)
    fields = new_fields(spec, policy.literal_urls)
    settled = replace(declared, spec=spec, protected=protected)
    return Change(Action.CREATE, spec.name, None, settled, fields, "declared, not at the tenant")


def _update(live: Live, declared: Declared, policy: Policy, normalize: Normalize) -> tuple[Change, tuple[str, ...]]:
    """The change of a webhook that is there, and warnings. One that stays has its declared side only if rules look at it."""
    wanted = settle(declared, live, policy, normalize)
    fields = diff(live.spec, wanted.spec, policy.literal_urls) + mark_changes(live, wanted, policy)
    warnings = wanted.warnings
    foreign_mark = takes_over(fields, live, policy)
    if foreign_mark or not fields:
        kept = Change(Action.KEEP, live.spec.name, live, wanted.of(declared) if policy.rules else None)
        return kept, (*warnings, kept_warning(live, policy)) if foreign_mark else warnings
    change = Change(Action.UPDATE, wanted.spec.name, live, wanted.of(declared), fields)
    reason = "ownership only" if change.ownership_only else "differs from the manifest"
    if live.managed_by is None:
        reason = "adopted: " + reason
    return replace(change, reason=reason), warnings


def is_ours(live: Live, policy: Policy) -> bool:
    """Rule 4: marked as ours; under `ownership: all` nobody's too."""
    if live.managed_by is None:
        return policy.ownership == "all"
    return live.managed_by.owner == policy.owner.name


def _removals(found: Match, policy: Policy) -> tuple[list[Change], int, int]:
    """Deletes, and the counts of what is unmanaged and what is out of this run's scope."""
    deletes, unmanaged, outside = [], 0, 0
    for live in found.unmatched:
        sources = live.managed_by.sources if live.managed_by is not None else ()
        if not is_ours(live, policy):
            unmanaged += 1
        elif policy.may_delete(sources):
            recorded = policy.scope.shown(sources[0]) if sources else None
            deletes.append(Change(Action.DELETE, live.spec.name, live, reason="ours, no longer declared", recorded=recorded))
        else:
            outside += 1
    return deletes, unmanaged, outside


def policy_text(policy: Policy) -> str:
    """What of a policy belongs to the digest of a plan."""
    limits = policy.limits
    parts = [policy.ownership, policy.prune, policy.adopt, policy.resend_credentials, policy.accept_in_use, repr(limits)]
    whose = [policy.owner.repository, *sorted(policy.moved_from)]
    return json.dumps([*parts, *([whose] if any(whose) else [])])


def make_plan(
    declared: Iterable[Declared],
    live: Iterable[Live],
    policy: Policy,
    *,
    tenant: TenantRef | None = None,
    normalize: Normalize = lambda spec: spec,
    fingerprint_key: Secret | None = None,
) -> Plan:
    """What makes `live` as `declared`, with everything that would make it unsafe in `violations`.

    `normalize` is the provider's. Input order does not matter. Linear in the number of webhooks.
    """
    wanted = tuple(sorted(declared, key=lambda item: item.key))
    held = tuple(live)
    found = match(wanted, held, policy, normalize)
    changes = _changes(found, policy, normalize)
    judged, advice = verdicts(changes.broken)
    removals, unmanaged, outside = _removals(found, policy)
    deletes, unselected = check_deletes(removals, policy.selection)
    stages, cycles = arrange((*changes.pending, *deletes))
    flat = [change for stage in stages for change in stage]
    actions = Counter({Action.KEEP: changes.keeps}) + Counter(change.action for change in flat)
    plan = Plan(
        tenant or TenantRef("", "", policy.owner.name),
        stages,
        Counts(
            **{action.value: actions[action] for action in Action}, unmanaged=unmanaged, out_of_scope=changes.outside + outside
        ),
        base=found.ours,
        declared=len(wanted),
        clashes=found.clashes + cycles,
        judged=judged + unselected + suspicions(found.pairs, flat, policy),
        warnings=tuple(dict.fromkeys((*changes.warnings, *map(warning, changes.switched_off), *advice))) + renames(flat),
        policy=policy_text(policy),
        fingerprint_key=fingerprint_key,
        switched_off=tuple(changes.switched_off),
    )
    return check_plan(plan, policy)


@dataclass(slots=True)
class _Changes:
    """What one walk over the pairs finds: what is to be written, warnings, what rules refuse, and counts.

    `keeps` counts what stays, `outside` what is ours but not looked at by this run.
    """

    pending: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    broken: list[Breach] = field(default_factory=list)
    switched_off: list[tuple[Declared, Live]] = field(default_factory=list)
    keeps: int = 0
    outside: int = 0


def _changes(found: Match, policy: Policy, normalize: Normalize) -> _Changes:
    """Compares every pair that the run looks at.

    One walk does all of it: at 100,000 webhooks each further walk reads everything again from slow memory. What stays is judged,
    counted and let go: keeping it would cost as much memory as everything declared.
    """
    made = _Changes()
    for item, counterpart in found.pairs:
        ours = counterpart is not None and is_ours(counterpart, policy)
        if not policy.scope.selects(item.key):
            made.outside += ours
            continue
        if counterpart is None:
            normal = normalize(item.spec).name
            change = _create(replace(item, spec=replace(item.spec, name=normal)), policy)
        else:
            change, warnings = _update(counterpart, item, policy, normalize)
            made.warnings += warnings
            if ours and is_switched_off(item, counterpart):
                made.switched_off.append((item, counterpart))
        if policy.rules and change.declared is not None:
            made.broken += breaches(policy.rules, change.declared, policy.literal_urls)
        if change.action is Action.KEEP:
            made.keeps += 1
        else:
            made.pending.append(change)
    return made
