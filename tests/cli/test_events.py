"""`events`: the catalogue, the receivers of each event, events without one, events sent twice to
one url.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.processes import ROOT, run, webhook

STARTED = "elastio:recovery-point:create:started"
SCHEMA = Draft202012Validator(json.loads((ROOT / "schemas" / "events.schema.json").read_text()))


def read_events(folder: Path, *paths: str, **env: str) -> Any:
    ended = run("events", *paths, "-o", "json", cwd=folder, **env)
    assert ended.code == 0, ended.err
    assert [error.message for error in SCHEMA.iter_errors(ended.json)] == []
    return ended.json


def tenant(name: str, team: str) -> str:
    return (
        f"apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: {name}}}\n"
        f"spec: {{owner: us, local: {name}.db, select: {{matchLabels: {{team: {team}}}}}}}\n"
    )


def test_without_paths_the_catalogue_is_shown_and_nothing_is_read(tmp_path: Path) -> None:
    made = read_events(tmp_path)
    assert made["coverage"] == []
    assert STARTED in [event["type"] for event in made["catalogue"]["events"]]
    assert STARTED in run("events", cwd=tmp_path).out


def test_each_severity_names_its_receivers_or_no_webhook(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a"))
    (tmp_path / "b.yaml").write_text(
        webhook("b").replace("severity: info", "severity: [info, critical]")
    )
    (received,) = [
        item
        for item in read_events(tmp_path, ".")["coverage"][0]["received"]
        if item["type"] == STARTED
    ]
    assert received["receivers"] == {"info": ["a", "b"], "warning": [], "critical": ["b"]}
    assert received["unreceived"] == ["warning"]
    assert "    warning   no webhook\n" in run("events", ".", cwd=tmp_path).out


def test_an_event_that_only_manifests_know_is_listed_as_unknown(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a").replace(STARTED, "ours:new"))
    last = read_events(tmp_path, ".")["coverage"][0]["received"][-1]
    assert (last["type"], last["known"], last["receivers"]) == ("ours:new", False, {"info": ["a"]})
    assert "5 event types, 4 that no webhook receives" in run("events", ".", cwd=tmp_path).out


def test_two_webhooks_that_send_one_event_to_one_url_are_listed_and_a_secret_url_by_its_reference(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a", url="https://h.example.com/x"))
    (tmp_path / "b.yaml").write_text(webhook("b", url="https://h.example.com/x"))
    for key in ("c", "d"):
        (tmp_path / f"{key}.yaml").write_text(webhook(key, url="{fromEnv: HOOK_URL}"))
    (tmp_path / "e.yaml").write_text(webhook("e", url="https://h.example.com/other"))
    made = read_events(tmp_path, ".", HOOK_URL="https://h.example.com/secret-51ce")
    assert [(item["url"], item["webhooks"]) for item in made["coverage"][0]["twice"]] == [
        ("https://h.example.com/x", ["a", "b"]),
        ("fromEnv: HOOK_URL", ["c", "d"]),
    ]
    text = run("events", ".", cwd=tmp_path, HOOK_URL="https://h.example.com/secret-51ce").out
    assert f"twice: a, b send {STARTED} v0 info to https://h.example.com/x" in text
    assert "secret-51ce" not in text + json.dumps(made)


def test_a_disabled_webhook_receives_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        webhook("a", extra="enabled: false", url="https://h.example.com/x")
    )
    (tmp_path / "b.yaml").write_text(webhook("b", url="https://h.example.com/x"))
    coverage = read_events(tmp_path, ".")["coverage"][0]
    assert (coverage["disabled"], coverage["twice"]) == (["a"], [])
    assert coverage["received"][0]["receivers"]["info"] == ["b"]


def test_each_tenant_has_its_own_coverage(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(tenant("one", "test"))
    (tmp_path / "two.yaml").write_text(tenant("two", "other"))
    (tmp_path / "a.yaml").write_text(webhook("a"))
    one, two = read_events(tmp_path, ".")["coverage"]
    assert (one["tenant"], one["received"][0]["receivers"]["info"]) == ("one", ["a"])
    assert (two["tenant"], two["received"][0]["receivers"]["info"]) == ("two", [])


def test_faulty_manifests_are_1_with_their_problems(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a", extra="ulr: x"))
    ended = run("events", ".", "-o", "json", cwd=tmp_path)
    assert (ended.code, ended.json["format"]) == (1, "reconciler.problems/v1")
