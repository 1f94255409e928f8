"""A plan as a file: the document that was shown, and what a later run needs to plan the same again.

No secret value enters it: a reference, a version, or what outputs show of it. Reading it back is in
`plan_reading.py`, planning again in `resume.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import Any, Final

from reconciler.core.change import Plan
from reconciler.core.errors import InvalidPlanFile
from reconciler.core.model.secret import Secret, fingerprint, shown
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.saved.live_values import live_values

FORMAT: Final = "reconciler.saved-plan/v1"
_FAMILY: Final = "reconciler.saved-plan/"
_SHOWN_FAMILY: Final = "reconciler.plan/"  # of `plan -o json`, and of the saved plans of before
FLAGS: Final = ("ownership", "prune", "adopt", "resend_credentials", "accept_in_use")
Json = dict[str, Any]


def saved_plan(
    plan: Plan, policy: RunPolicy, *, document: Json, manifests: list[Json], program: str
) -> Json:
    """The file's content, not sealed yet.

    `document` is what `plan -o json` prints, `manifests` are the declared webhooks of the
    pending changes, `program` is our version.
    """
    literals, key = _literal_urls(plan, policy), plan.fingerprint_key
    return {
        "format": FORMAT,
        "program": program,
        "plan": document,
        "policy": _policy(policy, literals),
        "base": plan.base,
        **({"bases": dict(plan.bases)} if plan.bases else {}),
        "declared": plan.declared,
        "unclear": [asdict(doubt) for doubt in plan.unclear],
        "manifests": manifests,
        "live": [
            {"id": live.id, "revision": live.revision, "values": live_values(live, literals, key)}
            for live in (change.live for change in plan.pending)
            if live is not None
        ],
    }


def _literal_urls(plan: Plan, policy: RunPolicy) -> frozenset[str]:
    """The urls of the touched webhooks that outputs of the run show in full."""
    sides = (side for change in plan.pending for side in (change.live, change.declared) if side)
    texts = (shown(side.spec.url, policy.literal_urls) for side in sides)
    return frozenset(text for text in texts if text is not None and text in policy.literal_urls)


def _policy(policy: RunPolicy, literals: AbstractSet[str]) -> Json:
    scope = policy.scope
    keys = scope.selected_keys
    return {
        **{name: getattr(policy, name) for name in FLAGS},
        "revision": policy.owner.revision,
        "repository": policy.owner.repository,
        "limits": asdict(policy.limits),
        "scope": {
            "folders": scope.folders,
            "files": scope.files,
            "selected": sorted(keys) if keys is not None else None,
            "root": scope.root,
        },
        "literal_urls": sorted(literals),
        "moved_from": sorted(policy.moved_from),
    }


def sealed(body: Json, key: Secret | None) -> Json:
    """The body with a checksum over the rest, and with `key` a seal that only the key makes."""
    text = _canonical(body)
    seal = {"seal": fingerprint({"plan": text}, key)} if key is not None else {}
    return {**body, "checksum": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", **seal}


def opened(body: object, key: Secret | None, *, apply: bool) -> Json:
    """The body of a file, if it is a whole and unchanged saved plan; raises InvalidPlanFile.

    Only a run that applies the plan must have the key of its seal: a reader has none.
    """
    body = _of_our_format(body)
    rest = {name: value for name, value in body.items() if name not in {"checksum", "seal"}}
    whole = sealed(rest, key)
    if body.get("checksum") != whole["checksum"]:
        raise InvalidPlanFile("was changed since it was saved: checksum mismatch")
    if key is not None and "seal" in body and body["seal"] != whole["seal"]:
        raise InvalidPlanFile(
            "was changed since it was saved, or saved under another RECONCILER_FINGERPRINT_KEY"
        )
    if apply and ("seal" in body) != (key is not None):
        raise InvalidPlanFile(
            "RECONCILER_FINGERPRINT_KEY was set when it was saved or is set now, not "
            "both: set the same key"
        )
    return rest


def _of_our_format(body: object) -> Json:
    if not isinstance(body, dict):
        raise InvalidPlanFile("is not a plan")
    written_format = str(body.get("format", ""))
    if written_format == FORMAT:
        return body
    if written_format.startswith(_FAMILY):
        raise InvalidPlanFile(
            "is a plan of another format, perhaps of a newer reconciler; this one reads " + FORMAT
        )
    if not written_format.startswith(_SHOWN_FAMILY):
        raise InvalidPlanFile("is not a plan")
    if "apply" in body:
        raise InvalidPlanFile(
            f"is a saved plan of the former format {written_format}; this version reads {FORMAT}: "
            "plan again with --out"
        )
    raise InvalidPlanFile(
        "is what `plan -o json` prints, which cannot be applied; save it with --out"
    )


def _canonical(body: Json) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"))
