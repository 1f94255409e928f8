"""An export over hand-written events and authentication: the lines that differ change, all others
stay, and the plan is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from reconciler.core.model.webhook import Subscription, Webhook
from tests.support.exporting import HEAD, export_over, touched

MORE = "apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {name: more}\n"
A, B, C = "first:kind", "second:kind", "third:kind"
TWO = [Subscription(A, "v0", "info"), Subscription(B, "v0", "warning")]

EDITS: dict[str, Callable[[list[Subscription]], list[Subscription]]] = {
    "another severity": lambda held: [replace(held[0], severity="critical"), *held[1:]],
    "another version": lambda held: [held[0], replace(held[1], version="v1"), *held[2:]],
    "one more": lambda held: [*held, Subscription(C, "v0", "info")],
    "one less": lambda held: held[1:],
    "the last one less": lambda held: held[:-1],
    "one more of a kind": lambda held: [*held, replace(held[0], severity="critical")],
    "one for another": lambda held: [*held[:-1], replace(held[-1], severity="info", version="v2")],
}
# Every item on one line, so that each edit is one line too.
EVENTS = {
    "flow items": """\
spec:
  url: https://a.example/1
  events:  # all
    - {type: "first:kind", version: v0, severity: info}  # begun
    # ill
    - {type: 'second:kind', version: 'v0', severity: "warning"}
""",
    "at the key's column": """\
spec:
  events:
  - {type: 'first:kind', version: v0, severity: info}
  -  { type: 'second:kind' , version: v0, severity: warning } # two
  url: https://a.example/1 # where
""",
    "flow list": """\
spec:
    url: 'https://a.example/1'
    events: [
      {type: 'first:kind', version: v0, severity: info}, # first
      {type: 'second:kind', version: v0, severity: warning}
    ]
""",
    "json": """\
{"apiVersion": "webhooks.reconciler/v1", "kind": "Webhook", "metadata": {"name": "one"}, "spec": {
  "url": "https://a.example/1",
  "events": [
    {"type": "first:kind", "version": "v0", "severity": "info"},
    {"type": "second:kind", "version": "v0", "severity": "warning"}
  ]
}}
""",
    "subscription": """\
spec: {url: 'https://a.example/1'}
---
apiVersion: webhooks.reconciler/v1
kind: EventSubscription
metadata: {name: more}
spec:
  webhook: one
  events: # theirs
    - {type: 'first:kind', version: v0, severity: info}
    - {type: 'second:kind', version: v0, severity: warning}   # two
""",
    "anchors without an alias": """\
spec:
  url: &u https://a.example/1
  events: &e
    - &a {type: 'first:kind', version: &v v0, severity: &s info}
    - &b {type: 'second:kind', version: v0, severity: warning}
""",
    "lists of severities": """\
spec:
  url: https://a.example/1
  events:
    - {type: 'first:kind', version: v0, severity: [info]}  # begun
    - {severity: [ warning ], version: v0, type: 'second:kind'}
""",
    "deep": """\
spec:
        url: https://a.example/1

        events:

                - {type: 'first:kind', version: v0, severity: info}

                - {type: 'second:kind', version: v0, severity: warning}
""",
}
TAILS = [
    "",
    "  # the end\n---\napiVersion: v1\nkind: ConfigMap  # of somebody else\ndata: {  a: b }\n",
]


def text_of(layout: str, tail: str) -> str:
    return layout + tail if layout.startswith("{") else HEAD + layout + tail


CASES = list(product(EVENTS, EDITS, (0, 1)))


def test_there_are_over_a_hundred() -> None:
    assert len(CASES) >= 100


@pytest.mark.parametrize(("layout", "edit", "tail"), CASES)
def test_an_edit_of_the_events_touches_one_line(
    tmp_path: Path, layout: str, edit: str, tail: int
) -> None:
    before = text_of(EVENTS[layout], TAILS[tail] if layout != "json" else "")

    def moved(spec: Webhook) -> Webhook:
        held = sorted(spec.subscriptions, key=lambda one: one.type)
        assert held == TWO
        return replace(spec, subscriptions=frozenset(EDITS[edit](held)))

    after, messages = export_over(
        tmp_path, before, moved, "\r\n" if tail else "\n", "\ufeff" if tail else ""
    )
    separated = layout in {"json", "flow list"} and edit in {
        "one more",
        "the last one less",
    }  # the comma of the line before
    expected = {(1, 1), (0, 1), (1, 0)} if not separated else {(1, 2), (2, 1)}
    assert len(found := touched(before, after)) == 1, after
    assert found[0] in expected, after
    assert messages == []


@pytest.mark.parametrize(
    ("events", "move", "expected"),
    [
        (  # what others mean by an anchor moves to them
            """\
    - &a {type: 'first:kind', version: &v v0, severity: info}
    - {<<: *a, severity: warning}
    - {type: 'second:kind', version: *v, severity: info}
""",
            lambda held: [
                replace(one, version="v1") if one.severity == "info" and one.type == A else one
                for one in held
            ],
            """\
    - {type: 'first:kind', version: v1, severity: info}
    - {<<: &a {type: "first:kind", version: v0, severity: info}, severity: warning}
    - {type: 'second:kind', version: &v v0, severity: info}
""",
        ),
        (  # what comes by way of an alias is written out there
            """\
    - {type: 'first:kind', version: v0, severity: &s [info, warning]}
    - {type: 'second:kind', version: v0, severity: *s}
""",
            lambda held: [one for one in held if one != Subscription(B, "v0", "warning")],
            """\
    - {type: 'first:kind', version: v0, severity: &s [info, warning]}
    - {type: 'second:kind', version: v0, severity: [info]}
""",
        ),
        (  # what is merged in is written beside the merge
            """\
    - &a {type: 'first:kind', version: v0, severity: info}
    - <<: *a
      severity: warning
""",
            lambda held: [
                replace(one, version="v1") if one.severity == "warning" else one for one in held
            ],
            """\
    - &a {type: 'first:kind', version: v0, severity: info}
    - <<: *a
      severity: warning
      version: v1
""",
        ),
        (  # an item that others mean can go
            """\
    - &a
      type: first:kind
      version: v0
      severity: info
    - <<: *a
      severity: warning
""",
            lambda held: [one for one in held if one.severity == "warning"],
            """\
    - <<: &a {type: "first:kind", version: v0, severity: info}
      severity: warning
""",
        ),
        (  # severities in lines of their own
            """\
    - type: first:kind
      version: v0
      severity:
        - info # little
        - warning
""",
            lambda held: [
                *(one for one in held if one.severity == "info"),
                Subscription(A, "v0", "critical"),
            ],
            """\
    - type: first:kind
      version: v0
      severity:
        - info # little
        - critical
""",
        ),
        (  # a block item is followed by one like it
            f"    -   type: {A}\n        version: v0\n        severity: info\n",
            lambda held: [*held, Subscription(B, "v0", "info")],
            """\
    -   type: first:kind
        version: v0
        severity: info
    -   type: second:kind
        version: v0
        severity: info
""",
        ),
    ],
)
def test_an_edit_of_anchors_aliases_and_merges_changes_no_other_value(
    tmp_path: Path,
    events: str,
    move: Callable[[frozenset[Subscription]], list[Subscription]],
    expected: str,
) -> None:
    begin = HEAD + "spec:\n  url: https://a.example/1\n  events:\n"
    after, _ = export_over(
        tmp_path,
        begin + events,
        lambda spec: replace(spec, subscriptions=frozenset(move(spec.subscriptions))),
    )
    assert after == begin + expected


def test_the_last_event_of_a_subscription_takes_its_document_with_it_and_leaves_comments(
    tmp_path: Path,
) -> None:
    own = HEAD + "spec: {url: 'https://a.example/1'}\n"
    more = """\
---
# scans
apiVersion: webhooks.reconciler/v1
kind: EventSubscription
metadata: {name: more}
spec: {webhook: one, events: [{type: 'first:kind', version: v0, severity: info}]}
# below
"""
    after, messages = export_over(
        tmp_path, own + more, lambda spec: replace(spec, subscriptions=frozenset())
    )
    assert after == own + "---\n# scans\n# below\n"
    assert [line.rpartition("/")[2] for line in messages] == [
        "all.yaml:8: more has no event left and was removed"
    ]


def test_hundreds_of_changes_of_a_long_list_are_made_at_once(tmp_path: Path) -> None:
    many = [Subscription(f"kind-{number}", "v0", "info") for number in range(600)]
    items = "".join(f"    - {{type: {one.type}, version: v0, severity: info}}\n" for one in many)
    moved = frozenset(replace(one, severity="warning") for one in many[:400]) | frozenset(
        many[400:500]
    )
    before = (
        HEAD
        + "spec:\n  url: https://a.example/1 # where\n  events:\n"
        + items
        + "  protected: false # yet\n"
    )
    after, messages = export_over(tmp_path, before, lambda spec: replace(spec, subscriptions=moved))
    assert (after.count("severity: warning"), after.count("severity: info"), messages) == (
        400,
        100,
        [],
    )
    assert "# where\n  events:\n" in after
    assert after.endswith("  protected: false # yet\n")


@pytest.mark.parametrize(
    "begin",
    [
        "  ? url\n  : https://a.example/1\n  ? events\n  : ",
        "  url:\n    https://a.example/1\n  events:\n    ",
    ],
)
def test_odd_ways_to_write_a_key_are_edited_too(tmp_path: Path, begin: str) -> None:
    before = HEAD + "spec:\n" + begin + f"- {{type: {A}, version: v0, severity: info}}\n"

    def moved(spec: Webhook) -> Webhook:
        return replace(spec, description="new: one", subscriptions=frozenset({*TWO}))

    after, messages = export_over(tmp_path, before, moved)
    assert (f"- {{type: {A}, version: v0, severity: info}}\n" in after, messages) == (True, [])
