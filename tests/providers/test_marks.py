"""The mark of ownership as texts, in a description and in metadata."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.webhook import ManagedBy, Webhook
from reconciler.providers.driver.compare import complete_options
from reconciler.providers.driver.marks import (
    Mark,
    add_mark,
    make_texts,
    read_mark,
    read_texts,
    take_mark,
    with_mark,
)
from reconciler.providers.plugin import Held, Marked

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
MARKS = st.builds(
    Mark,
    st.builds(
        ManagedBy,
        TEXTS,
        TEXTS,
        st.lists(TEXTS, max_size=3).map(tuple),
        st.none() | TEXTS,
        st.none() | TEXTS,
    ),
    st.none() | TEXTS,
    st.booleans(),
    st.sampled_from(["", "none", "signature"]),
)
NATIVE = Capabilities("product", mark="native")


@given(MARKS)
def test_a_mark_is_read_as_it_was_written(mark: Mark) -> None:
    assert read_texts(make_texts(mark)) == mark
    assert read_mark(with_mark("Text.", mark)) == ("Text.", mark, False)
    assert read_mark(with_mark("", mark)) == ("", mark, False)


@given(MARKS, st.dictionaries(TEXTS.map("team.{}".format), TEXTS))
def test_metadata_of_other_programs_stays_and_an_older_mark_does_not(
    mark: Mark, others: dict[str, str]
) -> None:
    older = {"reconciler.owner": "somebody", "reconciler.protected": "yes"}
    want = add_mark(NATIVE, Webhook("a", "https://a.example/"), mark, {**others, **older})
    assert isinstance(want, Marked)
    assert {name: want.metadata[name] for name in others} == others
    held = Held("1", want, metadata=want.metadata)
    assert take_mark(NATIVE, held) == ("", mark, False)


def test_metadata_that_looks_like_a_mark_and_is_none_counts_as_damaged() -> None:
    spec = Webhook("a", "https://a.example/")
    damaged = Held("1", spec, metadata={"reconciler.owner": "payments"})
    assert take_mark(NATIVE, damaged) == ("", None, True)
    assert take_mark(NATIVE, Held("1", spec, metadata={"team": "blue"})) == ("", None, False)


def test_options_get_defaults_and_lists_of_unique_items_are_sorted() -> None:
    schema = {
        "properties": {
            "flag": {"default": True},
            "set": {"uniqueItems": True},
            "order": {"type": "array"},
        }
    }
    found = complete_options(schema, {"set": ["b", "a"], "order": ["b", "a"]})
    assert found == {"flag": True, "set": ["a", "b"], "order": ["b", "a"]}
    assert complete_options({}, {}) == {}
