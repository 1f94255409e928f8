"""Conditions as Kubernetes means them, and what kstatus makes of them. Pure.

Source of the rules: `kstatus` of the project cli-utils. A resource is current if `Ready` is True
and `observedGeneration` is its generation; `Reconciling` and `Stalled` exist only while they are
true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Value = Literal["True", "False", "Unknown"]
_LONGEST: Final = 1024  # characters of a message


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; `reason` is one word in CamelCase."""

    type: str
    status: Value
    reason: str
    message: str = ""


def merge(
    old: Iterable[Mapping[str, Any]], new: Iterable[Condition], generation: int, now: str
) -> list[dict[str, Any]]:
    """The conditions of a status: those that are new, each with the time of its last change of
    value.
    """
    before = {item.get("type"): item for item in old}
    merged = []
    for condition in new:
        last = before.get(condition.type, {})
        is_same = last.get("status") == condition.status
        merged.append(
            {
                "type": condition.type,
                "status": condition.status,
                "reason": condition.reason,
                "message": condition.message[:_LONGEST],
                "observedGeneration": generation,
                "lastTransitionTime": last.get("lastTransitionTime", now) if is_same else now,
            }
        )
    return merged


def compute_kstatus(body: Mapping[str, Any]) -> str:
    """What `kubectl wait`, Flux and Helm make of an object: `Current`, `InProgress`, `Failed` or
    `Terminating`.
    """
    meta, status = body.get("metadata", {}), body.get("status") or {}
    if meta.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and observed != meta.get("generation"):
        return "InProgress"
    found = {item["type"]: item["status"] for item in status.get("conditions", ())}
    if found.get("Stalled") == "True":
        return "Failed"
    if found.get("Reconciling") == "True":
        return "InProgress"
    return "Current" if found.get("Ready", "True") == "True" else "InProgress"
