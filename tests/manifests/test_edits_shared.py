"""An export of events that several manifests or teams have a say in: no webhook or file of
others changes unasked.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.core.model.webhook import Subscription
from reconciler.providers.memory import MemoryProvider
from tests.support.builders import as_stored
from tests.support.exporting import HEAD, export_into, plan_after, read

MORE = "apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {name: more}\n"
A, B, C = "first:kind", "second:kind", "third:kind"
BOTH = (
    HEAD
    + "spec: {url: 'https://a.example/1'}\n---\n"
    + (HEAD.replace("one", "two") + "spec: {url: 'https://a.example/1'}\n---\n")
    + MORE
    + "spec:\n  selector: {matchLabels: {team: x}}\n"
    + """\
  events:
    - {type: 'first:kind', version: v0, severity: info} # for all
"""
).replace("}  # the key", ", labels: {team: x}}")


def moved_both(folder: Path, *names: str) -> tuple[str, tuple[str, ...], bool]:
    (folder / "all.yaml").write_text(BOTH)
    other = frozenset({Subscription(A, "v0", "warning")})
    held = [as_stored(item, number) for number, item in enumerate(read(folder).declared)]
    tenant = MemoryProvider(
        [
            replace(item, spec=replace(item.spec, subscriptions=other))
            if item.spec.name in names
            else item
            for item in held
        ]
    )
    messages = export_into(folder, tenant)
    return (folder / "all.yaml").read_text(), messages, plan_after(folder, tenant).pending == ()


def test_what_a_selector_adds_to_several_is_edited_where_all_of_them_moved_alike(
    tmp_path: Path,
) -> None:
    after, messages, empty = moved_both(tmp_path, "one", "two")
    assert (after, messages, empty) == (
        BOTH.replace("severity: info} # for", "severity: warning} # for"),
        (),
        True,
    )


def test_an_event_that_a_selector_adds_to_other_webhooks_too_is_reported_and_stays(
    tmp_path: Path,
) -> None:
    after, messages, empty = moved_both(tmp_path, "one")
    assert f"    - {{type: '{A}', version: v0, severity: info}} # for all\n" in after
    assert (len(messages), "one: events differs; edit it by hand" in messages[0], empty) == (
        1,
        True,
        False,
    )


def test_another_teams_file_is_not_edited_but_named(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    two = "".join(
        f"    - {{type: '{kind}', version: v0, severity: {level}}}\n"
        for kind, level in ((A, "info"), (B, "warning"))
    )
    (ours / "one.yaml").write_text(f"{HEAD}spec:\n  url: https://a.example/1\n  events:\n{two}")
    (theirs / "more.yaml").write_text(
        """\
apiVersion: webhooks.reconciler/v1
kind: EventSubscription
metadata: {name: more}
spec:
  webhook: one
  events:
    - {type: 'third:kind', version: v0, severity: info}
"""
    )
    held = [as_stored(item) for item in read(tmp_path).declared]
    gone = replace(
        held[0].spec,
        subscriptions=frozenset({Subscription(A, "v0", "info"), Subscription(A, "v0", "critical")}),
    )
    before = (theirs / "more.yaml").read_bytes()
    messages = export_into(tmp_path, MemoryProvider([replace(held[0], spec=gone)]), into=ours)
    assert (theirs / "more.yaml").read_bytes() == before
    assert B not in (ours / "one.yaml").read_text()
    assert "severity: [info, critical]" in (ours / "one.yaml").read_text()
    assert [line.rpartition("/")[2] for line in messages] == [
        "more.yaml:7:7: one: events differs; edit it by hand, or reconcile"
    ]


def test_what_another_teams_event_became_is_theirs_to_write(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    (ours / "one.yaml").write_text(HEAD + "spec: {url: 'https://a.example/1'}\n")
    more = (
        f"{MORE}spec:\n  webhook: one\n  events:\n    - {{type: '{C}', version: v0, "
        f"severity: info}}\n"
    )
    (theirs / "more.yaml").write_text(more)
    held = as_stored(read(tmp_path).declared[0])
    moved = replace(held.spec, subscriptions=frozenset({Subscription(C, "v0", "warning")}))
    tenant = MemoryProvider([replace(held, spec=moved)])
    before = (ours / "one.yaml").read_bytes()
    assert len(export_into(tmp_path, tenant, into=ours)) == 1
    assert (ours / "one.yaml").read_bytes() == before
    assert export_into(tmp_path, tenant, into=theirs) == ()
    assert (theirs / "more.yaml").read_text() == more.replace("info", "warning")
    assert plan_after(tmp_path, tenant).pending == ()
