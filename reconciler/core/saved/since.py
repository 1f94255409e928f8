"""Labels a plan by who moved since a revision: Git (pending), the tenant (drift), or both of them.

Pure. Only what is pending is looked at, so that a tenant without changes costs nothing here. The
comparison of one value is in `labels.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.core.change import Action, Change, FieldChange, Label, Plan
from reconciler.core.model.auth import get_credential, get_username, with_credential, with_username
from reconciler.core.model.fields import comparable_values
from reconciler.core.model.options import Options, list_secrets
from reconciler.core.model.secret import Secret, Withheld, is_fingerprint, shown
from reconciler.core.model.webhook import Declared, Live, ManagedBy, Webhook
from reconciler.core.planning.fleet import place
from reconciler.core.planning.labels import ABSENT, combine_labels, find_label
from reconciler.core.planning.plan import Normalize
from reconciler.core.planning.settle import settle
from reconciler.core.safety.repository import find_former_repository
from reconciler.core.safety.run_policy import RunPolicy

Path = tuple[str, ...]
Values = dict[Path, Any]
NOTHING: Final[Values] = {}


@dataclass(frozen=True, slots=True)
class Base:
    """What Git declared as of a revision: `rev` as it was asked for, `commit` its full id, the
    webhooks by no order.
    """

    rev: str
    commit: str
    declared: tuple[Declared, ...] = ()


def labelled(plan: Plan, base: Base, policy: RunPolicy, normalize: Normalize) -> Plan:
    """The plan with a label on every change and field. Digest, violations and order stay as they
    are.
    """
    at_base = _Index(place(base.declared, plan.tenant.scopes))
    # Sending a credential again is the wish of this run; neither Git nor the tenant moved.
    policy = replace(policy, resend_credentials=False)

    def one(change: Change) -> Change:
        return _labelled(change, at_base.of(change), policy, normalize)

    stages = tuple(tuple(map(one, stage)) for stage in plan.stages)
    return replace(plan, stages=stages, since=(base.rev, base.commit))


class _Index:
    """The base by key, and by name for what the tenant does not know by key."""

    def __init__(self, declared: Iterable[Declared]) -> None:
        self._by_key = {item.key: item for item in declared}
        self._by_name = {item.spec.name: item for item in self._by_key.values()}

    def of(self, change: Change) -> Declared | None:
        """What a change's webhook was: by its key, by its former ones, by the tenant's mark, then
        by name.
        """
        keys = [change.key or ""]
        if change.declared is not None:
            keys += change.declared.previously
        item = next((self._by_key[key] for key in keys if key in self._by_key), None)
        if item is None:
            names = [
                change.name,
                *(change.declared.previously if change.declared is not None else ()),
            ]
            item = next((self._by_name[name] for name in names if name in self._by_name), None)
        return item


@dataclass(frozen=True, slots=True)
class _Sides:
    """The values of one webhook at the base, in the manifests now, and at the tenant."""

    base: Values
    declared: Values
    live: Values

    @property
    def paths(self) -> Iterable[Path]:
        """The paths of all values."""
        return {**self.base, **self.declared, **self.live}

    def find_label(self, path: Path) -> Label:
        """Which side changed the value at that path."""
        sides = (self.base, self.declared, self.live)
        return find_label(*(values.get(path, ABSENT) for values in sides))

    def label_field(self, field: FieldChange, literals: AbstractSet[str]) -> FieldChange:
        """The field with its label and its value at the base."""
        label = self.find_label(field.path)
        return replace(field, label=label, base=_told(field, self.base, label, literals))

    def find_moved_fields(self) -> tuple[str, ...]:
        """The fields of a webhook that the tenant changed and no manifest declares any more."""
        if self.declared or not self.base:
            return ()
        moved = (path for path in self.paths if self.base.get(path) != self.live.get(path))
        return tuple(".".join(path) for path in sorted(moved))


def _labelled(
    change: Change, base: Declared | None, policy: RunPolicy, normalize: Normalize
) -> Change:
    sides = _find_sides(change, base, policy, normalize)
    fields = tuple(sides.label_field(field, policy.literal_urls) for field in change.fields)
    if change.action is Action.UPDATE:
        label = combine_labels(field.label or Label.SAME for field in fields)
        return replace(change, fields=fields, label=label)
    moved = sides.find_moved_fields()
    edits = f"; edited at the tenant too: {', '.join(moved)}" if moved else ""
    return replace(
        change,
        fields=fields,
        label=combine_labels(map(sides.find_label, sides.paths)),
        moved_fields=moved,
        reason=f"{change.reason}{edits}",
    )


def _find_sides(
    change: Change, base: Declared | None, policy: RunPolicy, normalize: Normalize
) -> _Sides:
    live, declared = change.live, change.declared
    mark = live.managed_by if live is not None else None
    return _Sides(
        NOTHING if base is None else _base_values(base, declared, live, policy, normalize),
        NOTHING
        if declared is None
        else _declared_values(declared, policy, policy.owner.repository_for(mark)),
        NOTHING if live is None else _values(live.spec, live.managed_by, live.protected),
    )


def _base_values(
    base: Declared,
    declared: Declared | None,
    live: Live | None,
    policy: RunPolicy,
    normalize: Normalize,
) -> Values:
    """The base as it would have been compared with the tenant."""
    if declared is not None:
        base = _informed(base, declared, live)
    if live is None:
        spec = normalize(base.spec)
        options = {**spec.options, **list_secrets(base.spec.options)}
        spec = replace(
            spec, enabled=spec.enabled is not False, auth=base.spec.auth, options=options
        )
        return _declared_values(
            replace(base, spec=spec, protected=bool(base.protected)),
            policy,
            policy.owner.repository,
        )
    return _declared_values(
        settle(base, live, policy, normalize).apply_to(base),
        policy,
        find_former_repository(live.managed_by, policy),
    )


def _informed(base: Declared, declared: Declared, live: Live | None) -> Declared:
    """The base with the values of the references that stand in the manifests now too; the others
    stay unknown.

    A value that was rotated at its source moved on our side: the tenant still holds the fingerprint
    of the one before.
    """
    now = declared.spec

    def known(then: str | Secret, value: str | Secret | None) -> str | Secret:
        both = (
            isinstance(then, Secret)
            and isinstance(value, Secret)
            and then.reference == value.reference
        )
        return value if both and value is not None else then

    auth, username = base.spec.auth, get_username(base.spec.auth)
    if username is not None:
        auth = with_username(auth, known(username, get_username(now.auth)))
    then, value = get_credential(auth), get_credential(now.auth)
    if isinstance(then, Secret) and isinstance(value, Secret) and then.reference == value.reference:
        credential = get_credential(live.spec.auth) if live is not None else None
        version = then.version or _version_then(
            value.version, credential.version if credential is not None else None
        )
        auth = with_credential(auth, value.with_version(version))
    url, options = known(base.spec.url, now.url), _informed_options(base.spec, now, live)
    return replace(base, spec=replace(base.spec, url=url, auth=auth, options=options))


def _informed_options(then: Webhook, now: Webhook, live: Live | None) -> Options:
    """The options of the base, with the values of secrets as `_informed` finds them."""
    secrets, values = list_secrets(then.options), list_secrets(now.options)
    held = live.spec.options if live is not None else {}
    known = {}
    for name, secret in secrets.items():
        value = values.get(name)
        if value is not None and value.reference == secret.reference:
            withheld = held.get(name)
            version = withheld.version if isinstance(withheld, Withheld) else None
            known[name] = value.with_version(_version_then(value.version, version))
    return {**then.options, **known} if known else then.options


def _version_then(now: str | None, live_version: str | None) -> str | None:
    """The version that an unchanged reference had, where the manifest does not say one: a
    fingerprint, or unknown.
    """
    if not is_fingerprint(now) or (is_fingerprint(live_version) and live_version != now):
        return None
    return now


def _declared_values(declared: Declared, policy: RunPolicy, repository: str | None) -> Values:
    mark = ManagedBy(policy.owner.name, declared.key, declared.sources, repository=repository)
    return _values(declared.spec, mark, protected=bool(declared.protected))


def _values(spec: Webhook, mark: ManagedBy | None, protected: bool) -> Values:
    """Every field by the path under which a plan names it; what is empty is absent."""
    values: dict[Path, object] = {**comparable_values(spec), ("protected",): protected}
    if mark is not None:
        values |= {("managed_by", "owner"): mark.owner, ("managed_by", "key"): mark.key}
        values[("managed_by", "sources")] = tuple(sorted(mark.sources))
        values["managed_by", "repository"] = mark.repository
    return {path: value for path, value in values.items() if not _empty(value)}


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, str | tuple | frozenset) and not value)


def _told(field: FieldChange, was: Values, moved: Label, literals: AbstractSet[str]) -> object:
    """What a field was at the base, fit to be printed as its `before` and `after` are; of events
    the set.
    """
    value = was.get(field.path)
    if field.path == ("events",):
        return value or frozenset()
    if moved is not Label.BOTH:
        return field.before if moved is Label.PENDING else field.after
    if field.secret:
        return (
            None
            if value is None
            else f"version {value[0]}"
            if value[0] is not None
            else "no version"
        )
    return shown(value, literals) if isinstance(value, str | Secret) else value
