"""Foreign text stays text: on a terminal, in Markdown, in the hidden marker and in JSON."""

from __future__ import annotations

import html
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.rendering.document import plan_document, problems_document, to_json
from reconciler.rendering.escape import code, marker, prose, terminal
from reconciler.rendering.markdown import plan_markdown, report_markdown
from reconciler.rendering.text import plan_text, report_text
from tests.render import builders

STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
INERT = re.compile(
    r"`[^`\n<>@#|\\\[\]*~!&]+`|<code>(?:[^<>&@#|`\\\[\]*_~!$\n]|&#\d+;|&quot;)*</code>"
)


def steers(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in STEERING}


@given(ANY_TEXT)
def test_terminal_text_holds_nothing_that_steers(text: str) -> None:
    assert not steers(terminal(text))


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_printable_text_reaches_the_terminal_unchanged(text: str) -> None:
    assert terminal(text) == text


@given(ANY_TEXT)
def test_code_is_one_inert_piece_of_markdown(text: str) -> None:
    assert INERT.fullmatch(code(text))


@given(ANY_TEXT)
def test_code_reads_as_the_text_it_was_made_of(text: str) -> None:
    made = code(text)
    body = (
        made[1:-1]
        if made.startswith("`")
        else html.unescape(made.removeprefix("<code>").removesuffix("</code>"))
    )
    assert body == (terminal(text) if terminal(text).strip() else f'"{terminal(text)}"')


@given(ANY_TEXT)
def test_prose_is_harmless_words_or_code(text: str) -> None:
    made = prose(text)
    assert INERT.fullmatch(made) or not re.search(r"[<>@#|`\\\[\]*_~!&\n]|://|www\.", made)


@given(ANY_TEXT)
def test_a_marker_can_neither_end_the_comment_nor_hold_a_space(text: str) -> None:
    assert re.fullmatch(r"(?!.*--)[A-Za-z0-9._:/%-]*", marker(text))


@given(ANY_TEXT, ANY_TEXT)
def test_different_tenants_have_different_markers(one: str, other: str) -> None:
    assert (marker(one) == marker(other)) == (one == other)


@given(ANY_TEXT)
def test_json_text_is_utf8_steers_nothing_and_reads_back(text: str) -> None:
    made = to_json({"name": text})
    assert made.encode("utf-8")
    assert steers(made) <= {"\n"}
    assert json.loads(made) == json.loads(json.dumps({"name": text}))


@pytest.mark.parametrize("text", builders.HOSTILE)
def test_hostile_names_steer_no_terminal(text: str) -> None:
    plan = builders.hostile_plan(text)
    for made in (plan_text(plan), report_text(builders.report_of(plan))):
        assert steers(made) <= {"\n"}


@pytest.mark.parametrize("text", builders.HOSTILE)
def test_hostile_names_add_no_line_to_a_plan(text: str) -> None:
    harmless = plan_text(builders.hostile_plan("harmless")).count("\n")
    assert plan_text(builders.hostile_plan(text)).count("\n") == harmless


@pytest.mark.parametrize("text", builders.HOSTILE)
def test_hostile_names_stand_in_markdown_as_inert_code_only(text: str) -> None:
    plan = builders.hostile_plan(text)
    for made in (plan_markdown(plan), report_markdown(builders.report_of(plan))):
        first, rest = made.split("\n", 1)
        assert re.fullmatch(r"<!-- reconciler:\w+ tenant=[^\s<>]* owner=[^\s<>]* -->", first)
        assert not steers(made) - {"\n"}
        outside = re.sub(r"`[^`\n]+`|<code>[^<>\n]*</code>", "", rest)
        assert not re.search(r"[<>@|`\\\[\]_~!&]|://|www\.|GH-|everyone|evil", outside)
        assert all(line.startswith("### ") for line in outside.splitlines() if "#" in line)


@pytest.mark.parametrize("text", builders.HOSTILE)
def test_hostile_names_survive_in_json(text: str) -> None:
    made = to_json(plan_document(builders.hostile_plan(text)))
    assert steers(made) <= {"\n"}
    assert json.loads(made)["changes"][0]["name"] == text


def test_a_name_that_looks_like_columns_is_quoted() -> None:
    made = plan_text(builders.plan_of(builders.delete("Audit  other.yaml:1  kept")))
    assert '- "Audit  other.yaml:1  kept"  webhooks/payments.yaml' in made


def test_problems_keep_their_order_in_json() -> None:
    made = problems_document(reversed(builders.problems()), 1, 0)
    assert [problem["file"] for problem in made["problems"]] == ["b.yaml", "a.yaml"]
