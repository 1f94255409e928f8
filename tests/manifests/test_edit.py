"""An edit of a hand-written manifest changes one line, whatever the layout: 100 files with
comments, anchors and odd habits.
"""

from __future__ import annotations

import pytest

from reconciler.manifests.edit.manifest_text import ManifestText
from reconciler.manifests.edit.splice import Change

HEAD = "# ours\napiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {name: one}\n"
LAYOUTS = {
    "block": (
        "spec:\n"
        "  name: One # the name\n"
        "  url: https://a.example/1\n"
        "  description: About it\n"
        "  protected: false\n"
        "  enabled: true\n"
    ),
    "indented": (
        "spec:\n"
        "        name:   One\n"
        "\n"
        "        url:   https://a.example/1   # place\n"
        "        description: 'About it'\n"
        "        protected: false\n"
        "        enabled:   true   # on\n"
    ),
    "quoted": (
        '"spec":\n'
        '  "enabled": true\n'
        "  'name': \"One\"\n"
        "  'description': \"About it\"\n"
        "  protected: False\n"
        "  url: 'https://a.example/1'\n"
    ),
    "flow": (
        "spec: {name: One, # name\n"
        '  url: "https://a.example/1",\n'
        "     description: About it,\n"
        " protected: false,\n"
        "  enabled: true}\n"
    ),
    "anchors": (
        "spec:\n"
        "  name: &n One\n"
        "  previously: [before]\n"
        "  url: &u https://a.example/1 # where\n"
        "  description: &d About it\n"
        "  protected: &p false\n"
        "  enabled: &e true\n"
    ),
}
TAILS = [
    "",
    ("  # the end, without more\n"),
    (
        "---\n"
        "# another, as it stands\n"
        "apiVersion: webhooks.reconciler/v1\n"
        "kind: Webhook\n"
        "metadata: {name: two}\n"
        "spec: {url: 'https://a.example/1', name: Two}\n"
    ),
    (
        "...\n---\nkind: ConfigMap   # of somebody else\napiVersion: v1\ndata: {  "
        "enabled: true, name: One }\n"
    ),
]
FIELDS = [
    ("name", "Another: # one"),
    ("url", "https://b.example/?a=b"),
    ("description", "null"),
    ("protected", True),
    ("enabled", False),
]
FILES = [
    (layout, tail, field, value)
    for layout in LAYOUTS
    for tail in range(4)
    for field, value in FIELDS
]


def edited(text: str, key: str, field: str, value: str | bool) -> str | None:
    """The text with one field of the Webhook's spec set; None where that was not possible."""
    file = ManifestText(text.encode())
    return (
        file.assemble()
        if file.change("Webhook", key, [Change("set", ("spec", field), value)])
        else None
    )


def test_there_are_a_hundred() -> None:
    assert len(FILES) == 100


@pytest.mark.parametrize(("layout", "tail", "field", "value"), FILES)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_one_live_edit_changes_exactly_one_line(
    layout: str, tail: int, field: str, value: str | bool, ending: str
) -> None:
    text = (HEAD + LAYOUTS[layout] + TAILS[tail]).replace("\n", ending)
    made = edited(text, "one", field, value)
    assert made is not None
    before, after = text.splitlines(keepends=True), made.splitlines(keepends=True)
    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_an_anchor_that_others_mean_moves_to_them_so_that_they_do_not_change() -> None:
    shared = HEAD + "spec:\n  name: &n One\n  description: *n\n  url: https://a.example/1\n"
    made = HEAD + "spec:\n  name: Two\n  description: &n One\n  url: https://a.example/1\n"
    assert edited(shared, "one", "name", "Two") == made


def test_a_merged_field_is_written_out_beside_the_merge() -> None:
    merged = HEAD + "spec:\n  <<: {url: 'https://a.example/1', description: x}\n  name: One\n"
    assert edited(merged, "one", "description", "why") == merged.replace(
        "spec:\n", "spec:\n  description: why\n"
    )
