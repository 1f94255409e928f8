"""Conditions by the rules of kstatus, as `kubectl wait`, Flux and Helm read them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.continuous.operator.conditions import Condition, compute_kstatus, merge


def make_body(generation: int, observed: int | None, deleted: bool = False, **found: str) -> Any:
    conditions = [{"type": name, "status": value} for name, value in found.items()]
    status: dict[str, Any] = {"conditions": conditions}
    if observed is not None:
        status["observedGeneration"] = observed
    metadata: dict[str, Any] = {"generation": generation}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata, "status": status}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (make_body(1, 1, Ready="True"), "Current"),
        (make_body(2, 1, Ready="True"), "InProgress"),
        (make_body(1, 1, Ready="False"), "InProgress"),
        (make_body(1, 1, Ready="Unknown"), "InProgress"),
        (make_body(1, 1, Ready="False", Stalled="True"), "Failed"),
        (make_body(1, 1, Ready="False", Reconciling="True"), "InProgress"),
        (make_body(1, 1, Ready="True", deleted=True), "Terminating"),
        (make_body(1, None), "Current"),
        ({"metadata": {"generation": 1}}, "Current"),
    ],
)
def test_kstatus(body: Any, expected: str) -> None:
    assert compute_kstatus(body) == expected


def test_the_time_of_a_condition_is_that_of_its_last_change_of_value() -> None:
    first = merge([], [Condition("Ready", "False", "Pending")], 1, "t1")
    same = merge(first, [Condition("Ready", "False", "GuardRefused", "x")], 2, "t2")
    assert same[0] | {"message": ""} == first[0] | {
        "reason": "GuardRefused", "observedGeneration": 2,
    }  # fmt: skip
    [changed] = merge(same, [Condition("Ready", "True", "Synced", "m" * 2000)], 2, "t3")
    assert changed["lastTransitionTime"] == "t3"
    assert len(changed["message"]) == 1024


def test_a_condition_that_holds_no_more_is_gone() -> None:
    old = merge([], [Condition("Ready", "False", "X"), Condition("Stalled", "True", "X")], 1, "t1")
    assert [each["type"] for each in merge(old, [Condition("Ready", "True", "Y")], 1, "t2")] == [
        "Ready"
    ]
