"""The digest of a plan: plans with equal digests write the same.

A secret enters it only as a fingerprint under the run's key. Without a key a secret url counts by
its reference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.core.model.fields import FIELDS, Field, Kind, visible_values
from reconciler.core.model.scopes import Scopes
from reconciler.core.model.secret import Secret, Withheld, fingerprint
from reconciler.core.model.webhook import Declared

if TYPE_CHECKING:
    from reconciler.core.change import Change, Plan


def make_plan_digest(plan: Plan) -> str:
    """`sha256:` over tenant url, owner, policy, pending changes, the scopes of a fleet, and
    violations that no change shows.

    Those are the violations with `is_in_digest`, and the sources without evidence of removal. So
    `--accept` accepts exactly the reviewed violations.
    """
    changes = [_digest_change(change, plan.fingerprint_key) for change in plan.pending]
    violation_parts = [
        [violation.rule, violation.message, violation.names] for violation in plan.digest_violations
    ]
    unclear = [
        [violation.source, violation.state, violation.place, violation.names]
        for violation in plan.unclear
    ]
    scopes = plan.tenant.scopes
    extra_parts = [
        *([violation_parts] if violation_parts else []),
        *([{"unclear": unclear}] if unclear else []),
        *([] if scopes is None else [{"scopes": _digest_scopes(scopes)}]),
    ]
    parts = [plan.tenant.url, plan.tenant.owner, plan.policy, changes, *extra_parts]
    return _sha256(parts)


def _digest_scopes(scopes: Scopes) -> list[list[str]]:
    """The scopes that were found, and those among them that could not be read."""
    return [list(scopes.found), [failure.scope for failure in scopes.failures]]


def add_digest(plan: Plan) -> Plan:
    """The plan with its digest."""
    return replace(plan, digest=make_plan_digest(plan))


def make_common_digest(digests: Mapping[str, str]) -> str:
    """`sha256:` over each tenant's name and its plan's digest, in any order."""
    return _sha256(sorted(digests.items()))


def _sha256(parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=repr)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _digest_change(change: Change, key: Secret | None) -> list[object]:
    fields = [
        [
            field.path,
            field.before,
            field.after,
            [e.sort_key for e in field.added],
            [e.sort_key for e in field.removed],
        ]
        for field in change.fields
    ]
    live_part = [change.live.id, change.live.revision] if change.live else []
    declared_part = _digest_declared(change.declared, key) if change.declared else []
    return [change.action.value, change.name, live_part, declared_part, fields]


def _digest_declared(declared: Declared, key: Secret | None) -> list[object]:
    other_parts = [
        part
        for row in FIELDS
        if row.kind is not Kind.PLAIN
        for part in _digest_field(row, row.read(declared.spec), key)
    ]
    return [
        declared.key,
        declared.protected,
        list(declared.sources),
        visible_values(declared.spec),
        *other_parts,
    ]


def _digest_field(row: Field, value: Any, key: Secret | None) -> list[object]:
    """What the digest covers of a field."""
    match row.kind:
        case Kind.REFERENCE:
            return [_digest_reference("" if value is None else value, row.name, key)]
        case Kind.CREDENTIAL:
            return [value.version if value is not None else None, isinstance(value, Secret)]
        case Kind.SET:
            return [sorted(event.sort_key for event in value)]
        case Kind.OPTIONS:
            parts = sorted((name, _digest_option(name, item, key)) for name, item in value.items())
            return [parts] if parts else []
        case Kind.FOLDED if not value and row.name != "header":  # an empty header was always in
            return []
        case Kind.PLAIN | Kind.FOLDED:
            return [value]


def _digest_option(name: str, value: Any, key: Secret | None) -> Any:
    if isinstance(value, Withheld):
        return [value.version, False]
    return _digest_reference(value, name, key) if isinstance(value, Secret) else value


def _digest_reference(value: str | Secret, field: str, key: Secret | None) -> object:
    if not isinstance(value, Secret):
        return value
    return [value.reference, value.shown, fingerprint({field: value}, key) if key else None]
