"""Who moved: every combination of base, declared and live, for a value alone and for each field of
a labelled plan.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from reconciler.core.change import Change, FieldChange, Label
from reconciler.core.model.auth import ApiKeyAuth, BasicAuth, NoAuth
from reconciler.core.model.webhook import Declared, Live
from reconciler.core.planning.labels import ABSENT, combine_labels, find_label
from reconciler.core.saved.since import Base, labelled
from tests.support.builders import (
    FAILED,
    STARTED,
    as_stored,
    declared,
    live,
    normalize,
    plan_of,
    policy,
    secret,
)

SAME, PENDING, DRIFT, BOTH = Label.SAME, Label.PENDING, Label.DRIFT, Label.BOTH
A, B = "a", "b"
COMMIT = "0" * 40
# Of each: the value that it had in the beginning, another, or none. Written out, not computed.
TABLE = [  # base, declared, live, who moved
    (A, A, A, SAME),
    (A, A, B, DRIFT),
    (A, A, None, DRIFT),
    (A, B, A, PENDING),
    (A, B, B, SAME),
    (A, B, None, BOTH),
    (A, None, A, PENDING),
    (A, None, B, BOTH),
    (A, None, None, SAME),
    (B, A, A, SAME),
    (B, A, B, PENDING),
    (B, A, None, BOTH),
    (B, B, A, DRIFT),
    (B, B, B, SAME),
    (B, B, None, DRIFT),
    (B, None, A, BOTH),
    (B, None, B, PENDING),
    (B, None, None, SAME),
    (None, A, A, SAME),
    (None, A, B, BOTH),
    (None, A, None, PENDING),
    (None, B, A, BOTH),
    (None, B, B, SAME),
    (None, B, None, PENDING),
    (None, None, A, DRIFT),
    (None, None, B, DRIFT),
    (None, None, None, SAME),
]


def test_the_table_holds_all_27_combinations() -> None:
    assert len(TABLE) == 27
    assert {row[:3] for row in TABLE} == set(product((A, B, None), repeat=3))


@pytest.mark.parametrize(("base", "wanted", "held", "expected"), TABLE)
def test_one_value_is_labelled_by_who_moved(
    base: str | None, wanted: str | None, held: str | None, expected: Label
) -> None:
    assert (
        find_label(*(ABSENT if value is None else value for value in (base, wanted, held)))
        is expected
    )


def test_a_third_value_on_each_side_is_a_conflict() -> None:
    assert find_label("base", "declared", "live") is BOTH


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((), SAME),
        ((SAME, SAME), SAME),
        ((SAME, PENDING), PENDING),
        ((DRIFT, DRIFT), DRIFT),
        ((DRIFT, PENDING), BOTH),
        ((SAME, BOTH), BOTH),
        ((PENDING, BOTH), BOTH),
    ],
)
def test_a_whole_is_labelled_as_its_parts_where_they_agree(
    parts: tuple[Label, ...], whole: Label
) -> None:
    assert combine_labels(parts) is whole


def changes_since(
    base: list[Declared], wanted: list[Declared], held: list[Live], **allowed: Any
) -> tuple[Change, ...]:
    rules = policy(**allowed)
    return labelled(
        plan_of(wanted, held, rules), Base("main", COMMIT, tuple(base)), rules, normalize
    ).pending


def field(change: Change, *path: str) -> FieldChange:
    return next(item for item in change.fields if item.path == path)


Make = Callable[[str | None], dict[str, Any]]
FIELDS: dict[tuple[str, ...], Make] = {
    ("description",): lambda value: {"description": value or ""},
    ("auth", "username"): lambda value: {
        "auth": BasicAuth(value, secret(version="1")) if value else NoAuth()
    },
    ("auth", "header"): lambda value: {
        "auth": ApiKeyAuth(f"X-{value}", secret(version="1")) if value else NoAuth()
    },
    ("auth", "password"): lambda value: {
        "auth": BasicAuth("bob", secret(version=value)) if value else NoAuth()
    },
    ("events",): lambda value: {"events": {A: [STARTED], B: [FAILED]}.get(value or "", [])},
}


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
@pytest.mark.parametrize(("base", "wanted", "held", "expected"), TABLE)
def test_a_field_of_a_plan_is_labelled_by_who_moved(
    path: tuple[str, ...], base: str | None, wanted: str | None, held: str | None, expected: Label
) -> None:
    make = FIELDS[path]
    there = as_stored(declared("hook", **make(held)))
    found = changes_since(
        [declared("hook", **make(base))], [declared("hook", **make(wanted))], [there]
    )
    labels = [item.label for change in found for item in change.fields if item.path == path]
    assert labels == ([] if expected is SAME else [expected])


@pytest.mark.parametrize(("base", "wanted", "held", "expected"), TABLE)
def test_a_webhook_is_labelled_by_who_made_changed_or_removed_it(
    base: str | None, wanted: str | None, held: str | None, expected: Label
) -> None:
    def one(value: str | None) -> list[Declared]:
        return (
            [declared("hook", description=value), declared("other")]
            if value
            else [declared("other")]
        )

    found = changes_since(one(base), one(wanted), [as_stored(item) for item in one(held)])
    assert [change.label for change in found] == ([] if expected is SAME else [expected])


@pytest.mark.parametrize(
    ("base", "wanted", "held", "expected"),
    [
        (True, True, False, DRIFT),
        (True, False, True, PENDING),
        (False, False, True, DRIFT),
        (False, True, False, PENDING),
        (None, None, False, None),
        (None, True, False, PENDING),
        (True, None, False, None),
    ],
)
def test_enabled_is_labelled_unless_it_is_left_open(
    base: bool | None, wanted: bool | None, held: bool, expected: Label | None
) -> None:
    found = changes_since(
        [declared("a", enabled=base)], [declared("a", enabled=wanted)], [live("a", enabled=held)]
    )
    assert [change.label for change in found] == ([expected] if expected else [])


def test_a_conflict_keeps_base_declared_and_live() -> None:
    base, now = (
        declared("a", url="https://one.example.com/x"),
        declared("a", url="https://two.example.com/x"),
    )
    (change,) = changes_since([base], [now], [live("a", url="https://three.example.com/x")])
    url = field(change, "url")
    assert (change.label, url.label) == (BOTH, BOTH)
    assert (url.base, url.before, url.after) == (
        "https://one.example.com/x",
        "https://three.example.com/…",
        "https://two.example.com/x",
    )
