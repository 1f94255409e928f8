"""A plan that can be put down and carried out later: the plan document with what is needed to apply
it, sealed.

No secret value enters it: a reference, a version, or what outputs show of it. Reading it back is in
`plan_reading.py`, whether it still holds in `resume.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import Any, Final

from reconciler.core.change import Change, Plan
from reconciler.core.errors import InvalidPlanFile
from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, auth_type, credential
from reconciler.core.model.fields import attributes
from reconciler.core.model.secret import Secret, fingerprint, shown
from reconciler.core.model.webhook import Declared, Live, Origin, Webhook
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.wire import webhooks as codec

FORMAT: Final = "reconciler.plan/v1"
FAMILY: Final = "reconciler.plan/"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan out of a file: its secrets are references without values, its live webhooks what could
    be shown of them.

    `policy` is what it was made under, with the revision that is written along; `program` the
    version that saved it. `fingerprints` holds, by id, what is known of a live url and user name
    under the key of the run; empty without a key.
    """

    plan: Plan
    policy: RunPolicy
    program: str
    fingerprints: dict[str, dict[str, str | None]]


def additions(plan: Plan, policy: RunPolicy, program: str) -> Json:
    """What a plan document lacks to be carried out; `program` is the version of ours that saves
    it.
    """
    limits, key = asdict(policy.limits), plan.fingerprint_key
    return {
        "program": program,
        "apply": {
            "revision": policy.owner.revision,
            "repository": policy.owner.repository,
            "policy": {
                "ownership": policy.ownership,
                "prune": policy.prune,
                "adopt": policy.adopt,
                "resend_credentials": policy.resend_credentials,
                "accept_in_use": policy.accept_in_use,
                "limits": limits,
                "moved_from": sorted(policy.moved_from),
            },
            "base": plan.base,
            "declared": plan.declared,
            "unclear": [asdict(found) for found in plan.unclear],
            "stages": [len(stage) for stage in plan.stages],
            "changes": [_change(change, policy.literal_urls, key) for change in plan.pending],
        },
    }


def _change(change: Change, literals: AbstractSet[str], key: Secret | None) -> Json:
    live, declared = change.live, change.declared
    return {
        "live": _live(live, literals, key) if live is not None else None,
        "declared": _declared(declared) if declared is not None else None,
    }


def _live(live: Live, literals: AbstractSet[str], key: Secret | None) -> Json:
    return {
        "id": live.id,
        "revision": live.revision,
        "spec": _spec(live.spec, literals),
        "managed_by": codec.mark_to_json(live.managed_by) if live.managed_by is not None else None,
        "protected": live.protected,
        "use": asdict(live.use),
        "fingerprint": fingerprints(live, key),
    }


def fingerprints(live: Live, key: Secret | None) -> dict[str, str | None]:
    """What is known of the fields that no output shows, under the key of the run; empty without
    one.
    """
    if key is None:
        return {}
    auth = live.spec.auth
    hidden = {
        "url": live.spec.url,
        **({"auth.username": auth.username} if isinstance(auth, BasicAuth) else {}),
    }
    return {field: fingerprint({field: value}, key) for field, value in hidden.items()}


def _declared(declared: Declared) -> Json:
    return {
        "key": declared.key,
        "spec": _spec(declared.spec, frozenset()),
        "protected": declared.protected,
        "labels": dict(declared.labels),
        "sources": list(declared.sources),
        "origin": _origin(declared.origin),
        "patched": [
            {"path": list(path), **_origin(place)} for path, place in declared.field_origins.items()
        ],
    }


def _origin(origin: Origin) -> Json:
    return {"file": origin.file, "line": origin.line, "column": origin.column}


def _spec(spec: Webhook, literals: AbstractSet[str]) -> Json:
    body: Json = {row.name: row.read(spec) for row in attributes()}
    return {
        **body,
        "url": _value(spec.url, literals),
        "auth": _auth(spec.auth),
        "events": codec.events_to_wire(spec.subscriptions),
    }


def _value(value: str | Secret, literals: AbstractSet[str]) -> str | Json:
    """Text that may be printed as it is; else where it comes from ("" for what the tenant holds)
    and what outputs show of it.
    """
    if not isinstance(value, Secret):
        return value
    known = shown(value, literals)
    if known != value.shown and known is not None:
        return known
    return {"reference": value.reference, "shown": value.shown}


def _auth(auth: Auth) -> Json:
    body: Json = {"type": auth_type(auth)}
    if isinstance(auth, BasicAuth):
        body["username"] = _value(auth.username, frozenset())
    if isinstance(auth, ApiKeyAuth):
        body["header"] = auth.header
    secret = credential(auth)
    if secret is not None:  # a reference is sent, without one the tenant keeps what it holds
        sent = {"reference": secret.reference} if isinstance(secret, Secret) else {}
        body["credential"] = {**sent, "version": secret.version}
    return body


def sealed(document: Json, key: Secret | None) -> Json:
    """The document with a checksum over the rest, and with `key` a seal that nobody makes without
    it.
    """
    text = _canonical(document)
    seal = {"seal": fingerprint({"plan": text}, key)} if key is not None else {}
    return {**document, "checksum": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", **seal}


def opened(document: object, key: Secret | None, *, apply: bool) -> Json:
    """The document of a file, once it is known to be a whole and unchanged plan; raises
    InvalidPlanFile.

    The seal is asked for where the plan is to be applied: whoever may only look at it has no key.
    """
    if not isinstance(document, dict) or not str(document.get("format", "")).startswith(FAMILY):
        raise InvalidPlanFile("is not a plan")
    if document["format"] != FORMAT:
        raise InvalidPlanFile(
            "is a plan of another format, of a newer reconciler perhaps; this one reads " + FORMAT
        )
    if "apply" not in document:
        raise InvalidPlanFile(
            "is what `plan -o json` prints, which cannot be applied; save it with --out"
        )
    rest = {name: value for name, value in document.items() if name not in {"checksum", "seal"}}
    whole = sealed(rest, key)
    if document.get("checksum") != whole["checksum"]:
        raise InvalidPlanFile("was changed since it was saved; its checksum is another")
    if key is not None and "seal" in document and document["seal"] != whole["seal"]:
        raise InvalidPlanFile(
            "was changed since it was saved, or saved under another RECONCILER_FINGERPRINT_KEY"
        )
    if apply and ("seal" in document) != (key is not None):
        raise InvalidPlanFile(
            "RECONCILER_FINGERPRINT_KEY was set when it was saved or is set now, not "
            "both: set the same key"
        )
    return rest


def _canonical(document: Json) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
