"""The source line below a syntax error: readable where nothing on it can be a credential, else with
`…` for each text.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.manifests import load
from reconciler.rendering.problems import problems_text
from tests.support.requests import make_request

HEAD = (
    "apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {name: a}\nspec:\n  url: "
    "https://a.example.com/x\n"
)


def excerpt_of(folder: Path, line: str) -> tuple[str, str, str]:
    """Source line, line of the caret, hint."""
    (folder / "a.yaml").write_text(f"{HEAD}{line}\n")
    with pytest.raises(InvalidManifests) as caught:
        load(make_request(paths=(str(folder),)))
    found = next(problem for problem in caught.value.problems if problem.rule == "yaml/syntax")
    assert f"    {found.excerpt}".replace("\n", "\n    ") in problems_text([found], 0, 0)
    source, caret = (found.excerpt or "").split("\n")
    return source, caret, found.hint or ""


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("  name: a: b", "quote a value that contains a colon"),
        ('  description: "open', "close it on the same line"),
        ("  name: @foo", "quote a value that starts with @"),
        ('  description: "a\\qb"', "double the backslash"),
        ("  description: text with: a colon, and more", "quote a value"),
    ],
)
def test_a_syntax_error_shows_its_line_with_a_caret_and_a_hint(
    tmp_path: Path, line: str, part: str
) -> None:
    source, caret, hint = excerpt_of(tmp_path, line)
    assert source == line
    assert caret.strip() == "^"
    assert line[caret.index("^")] in ':"@\\q'
    assert part in hint


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  auth: {type: bearer, token: hunter2: x}", "  auth: {type: …, token: …: …}"),
        ("  token: hunter2: x", "  token: …: …"),
        ("  - hunter2: : x", "  - …: : …"),
        ("  name: {token: hunter2: x}", "  name: {token: …: …}"),
        ("  url: https://u:hunter2@h.example/x: y", "  url: …:…:…@…: …"),
        ('  "hunter2": : x', '  "…": : …'),
        ("  description: sk_live_hunter2hunter2: x", "  description: …: …"),
    ],
)
def test_what_may_be_a_credential_is_left_out_of_the_line(
    tmp_path: Path, line: str, shown: str
) -> None:
    source, caret, _ = excerpt_of(tmp_path, line)
    assert source == shown
    assert "hunter2" not in source + caret
    assert caret.index("^") <= len(source)


def test_a_very_long_line_is_cut_around_the_caret(tmp_path: Path) -> None:
    source, caret, _ = excerpt_of(tmp_path, f"  description: {'x ' * 5000}: y")
    assert len(source) <= 100
    assert source[0] == "…"
    assert source[caret.index("^")] == ":"
