"""Merging a patch into a value, held to the table and the algorithm of RFC 7396."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifests.decode.patches import merge_patch

# RFC 7396, appendix A, whole and in its order: original, patch, result.
RFC = (
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
)

scalars = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("ab")
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(("original", "patch", "result"), RFC)
def test_merging_gives_what_the_rfcs_own_table_says(original: Any, patch: Any, result: Any) -> None:
    assert merge_patch(original, patch) == result


def by_the_rfcs_pseudocode(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, line by line; it changes its target."""
    if isinstance(patch, dict):
        if not isinstance(target, dict):
            target = {}
        for name, value in patch.items():
            if value is None:
                if name in target:
                    del target[name]
            else:
                target[name] = by_the_rfcs_pseudocode(target.get(name), value)
        return target
    return patch


@given(values, values)
def test_merging_is_the_rfcs_algorithm_and_changes_neither_side(target: Any, patch: Any) -> None:
    before = json.dumps([target, patch])
    expected = by_the_rfcs_pseudocode(json.loads(json.dumps(target)), patch)
    assert merge_patch(target, patch) == expected
    assert json.dumps([target, patch]) == before
