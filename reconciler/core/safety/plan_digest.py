"""What a plan is known by: equal digests write the same.

No secret enters it but as a fingerprint under the key of the run; without a key a secret url counts
by where it comes from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.core.model.fields import FIELDS, Field, Kind, visible
from reconciler.core.model.secret import Secret, fingerprint
from reconciler.core.model.webhook import Declared

if TYPE_CHECKING:
    from reconciler.core.change import Change, Plan


def plan_digest(plan: Plan) -> str:
    """`sha256:` over tenant url, owner, policy, pending changes, and the violations that no change
    shows.

    Those are the ones that are `in_digest`, and the sources without evidence of removal. So whoever
    accepts a plan accepts just the violations that were seen.
    """
    changes = [_essence(change, plan.fingerprint_key) for change in plan.pending]
    refused = [[found.rule, found.message, found.names] for found in plan.judged]
    unclear = [[found.source, found.state, found.place, found.names] for found in plan.unclear]
    more = [*([refused] if refused else []), *([{"unclear": unclear}] if unclear else [])]
    parts = [plan.tenant.url, plan.tenant.owner, plan.policy, changes, *more]
    return _sha256(parts)


def with_digest(plan: Plan) -> Plan:
    """The plan, with the digest of what it holds."""
    return replace(plan, digest=plan_digest(plan))


def digest_of_all(digests: Mapping[str, str]) -> str:
    """`sha256:` over each tenant's name with the digest of its plan, whatever their order."""
    return _sha256(sorted(digests.items()))


def _sha256(parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=repr)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _essence(change: Change, key: Secret | None) -> list[object]:
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
    held = [change.live.id, change.live.revision] if change.live else []
    wanted = _wanted(change.declared, key) if change.declared else []
    return [change.action.value, change.name, held, wanted, fields]


def _wanted(declared: Declared, key: Secret | None) -> list[object]:
    others = [
        part
        for row in FIELDS
        if row.kind is not Kind.PLAIN
        for part in _parts(row, row.read(declared.spec), key)
    ]
    return [
        declared.key,
        declared.protected,
        list(declared.sources),
        visible(declared.spec),
        *others,
    ]


def _parts(row: Field, value: Any, key: Secret | None) -> list[object]:
    """What the digest covers of a field."""
    match row.kind:
        case Kind.REFERENCE:
            return [_known("" if value is None else value, row.name, key)]
        case Kind.CREDENTIAL:
            return [value.version if value is not None else None, isinstance(value, Secret)]
        case Kind.SET:
            return [sorted(event.sort_key for event in value)]
        case Kind.OPTIONS:
            return [sorted(value.items())] if value else []
        case Kind.PLAIN | Kind.FOLDED:
            return [value]


def _known(value: str | Secret, field: str, key: Secret | None) -> object:
    if not isinstance(value, Secret):
        return value
    return [value.reference, value.shown, fingerprint({field: value}, key) if key else None]
