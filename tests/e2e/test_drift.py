"""`drift` and `plan --since` against a served tenant in a local repository: what Git moved is told from what the tenant moved."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.processes import ROOT, Ended, Tenant, run, start, tenant_manifest, webhook

WHO = ("-c", "user.name=a", "-c", "user.email=a@example.com")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True)


class Repo:
    """Manifests that were applied at the tag `applied`."""

    def __init__(self, folder: Path, tenant: Tenant) -> None:
        self.folder, self.tenant = folder, tenant
        folder.mkdir()
        (folder / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        for key in ("a", "b", "c"):
            self.put(key)
        git(folder, "init", "-q", "-b", "main")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "first")
        git(folder, "tag", "applied")
        assert self.run("reconcile", ".", "--yes").code == 0

    def put(self, key: str, extra: str = "") -> None:
        (self.folder / f"{key}.yaml").write_text(webhook(key, extra=extra))

    def run(self, *arguments: str) -> Ended:
        return run(*arguments, cwd=self.folder, TENANT_TOKEN=self.tenant.token)

    def drift(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = self.run("drift", ".", "-o", "json", *arguments)
        schema = json.loads((ROOT / "schemas/drift.schema.json").read_text())
        Draft202012Validator(schema).validate(done.json)
        return done.code, done.json


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Tenant(tmp_path / "tenant") as tenant:
        yield Repo(tmp_path / "repo", tenant)


def labels(document: dict[str, Any]) -> dict[str, str]:
    return {change["name"]: change["label"] for change in document["changes"]}


def test_git_the_tenant_and_both_are_told_apart_and_exit_7_is_the_tenants(repo: Repo) -> None:
    assert repo.drift() == (0, repo.drift()[1])
    repo.put("a", "description: from Git")
    repo.put("d")
    code, found = repo.drift("--since", "applied")
    assert (code, labels(found)) == (0, {"a": "pending", "d": "pending"})
    repo.tenant.edit("a", description="by hand")
    repo.tenant.edit("b", description="by hand")
    repo.tenant.remove("c")
    code, found = repo.drift("--since", "applied")
    assert (code, labels(found)) == (7, {"a": "both", "b": "drift", "c": "drift", "d": "pending"})
    assert found["summary"] == {"drift": 2, "both": 1, "pending": 1, "keep": 0, "unmanaged": 0, "out_of_scope": 0}
    conflict = next(change for change in found["changes"] if change["name"] == "a")["fields"][0]
    assert conflict == {"path": ["description"], "before": "by hand", "after": "from Git", "label": "both", "base": None}
    assert labels(repo.drift()[1]) == dict.fromkeys("abcd", "drift")


def test_a_labelled_plan_keeps_its_schema_and_its_digest(repo: Repo) -> None:
    repo.put("a", "description: from Git")
    repo.tenant.edit("b", events=[{"type": "elastio:recovery-point:create:failed", "version": "v0", "severity": "critical"}])
    (repo.folder / "c.yaml").unlink()
    repo.tenant.edit("c", description="by hand")
    plain, told = repo.run("plan", ".", "-o", "json"), repo.run("plan", ".", "-o", "json", "--since", "applied")
    schema = json.loads((ROOT / "schemas/plan.schema.json").read_text())
    Draft202012Validator(schema).validate(told.json)
    assert labels(told.json) == {"a": "pending", "b": "drift", "c": "both"}
    assert next(change for change in told.json["changes"] if change["name"] == "c")["moved"] == ["description"]
    assert told.json["digest"] == plain.json["digest"]
    assert "label" not in plain.out
    for form in ("text", "markdown"):
        shown = repo.run("plan", ".", "-o", form, "--since", "applied")
        assert shown.code == 0
        assert "edited at the tenant meanwhile" in shown.out
        assert "1 drift, 1 both, 1 pending" in shown.out


def test_a_revision_that_is_not_there_is_a_usage_error_and_no_drift(repo: Repo) -> None:
    for command in ("plan", "drift"):
        done = repo.run(command, ".", "--since", "nowhere", "-o", "json")
        assert (done.code, done.json["kind"]) == (64, "usage")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_tells_only_news_and_ends_with_130(repo: Repo, number: signal.Signals) -> None:
    watch = ["drift", ".", "--watch", "0.2", "-o", "json"]
    process = start(*watch, cwd=repo.folder, TENANT_TOKEN=repo.tenant.token)
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert (first["changes"], first["summary"]["keep"]) == ([], 3)
    repo.tenant.edit("b", description="by hand")
    assert labels(json.loads(process.stdout.readline())) == {"b": "drift"}
    repo.tenant.remove("c")
    assert labels(json.loads(process.stdout.readline())) == {"c": "drift"}
    repo.tenant.edit("b", description="")
    settled = json.loads(process.stdout.readline())
    assert (settled["changes"], settled["settled"]) == ([], ["b"])
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (130, "", "stopped watching")


def test_a_watch_outlives_a_tenant_that_is_away_and_manifests_that_are_wrong(repo: Repo) -> None:
    (repo.folder / "a.yaml").write_text("kind: Webhook\n")
    done = repo.run("drift", ".", "--watch", "0.1", "--deadline", "3")
    assert done.code == 1
    assert done.err.count("could not look") == 1


def test_a_watch_ends_with_its_deadline_as_its_last_look_did(repo: Repo) -> None:
    repo.tenant.edit("b", description="by hand")
    done = repo.run("drift", ".", "--watch", "0.1", "--deadline", "4")
    assert done.code == 7
    assert done.out.count("Drift at") == 1


def test_standard_input_cannot_be_watched(repo: Repo) -> None:
    done = run("drift", "-", "--watch", "1", cwd=repo.folder, stdin="", PATH=os.environ["PATH"])
    assert (done.code, "standard input" in done.err) == (64, True)
