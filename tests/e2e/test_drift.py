"""`drift` and `plan --since` against a served tenant in a local repository: what Git moved and
what the tenant moved have different labels.
"""

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


def test_changes_of_git_of_the_tenant_and_of_both_are_separated_and_drift_is_exit_7(
    repo: Repo,
) -> None:
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
    assert found["summary"] == {
        "drift": 2,
        "both": 1,
        "pending": 1,
        "keep": 0,
        "unmanaged": 0,
        "out_of_scope": 0,
    }
    conflict = next(change for change in found["changes"] if change["name"] == "a")["fields"][0]
    assert conflict == {
        "path": ["description"],
        "before": "by hand",
        "after": "from Git",
        "label": "both",
        "base": None,
    }
    assert labels(repo.drift()[1]) == dict.fromkeys("abcd", "drift")


def test_a_labelled_plan_keeps_its_schema_and_its_digest(repo: Repo) -> None:
    repo.put("a", "description: from Git")
    repo.tenant.edit(
        "b",
        events=[
            {
                "type": "elastio:recovery-point:create:failed",
                "version": "v0",
                "severity": "critical",
            }
        ],
    )
    (repo.folder / "c.yaml").unlink()
    repo.tenant.edit("c", description="by hand")
    plain, since = (
        repo.run("plan", ".", "-o", "json"),
        repo.run("plan", ".", "-o", "json", "--since", "applied"),
    )
    schema = json.loads((ROOT / "schemas/plan.schema.json").read_text())
    Draft202012Validator(schema).validate(since.json)
    assert labels(since.json) == {"a": "pending", "b": "drift", "c": "both"}
    assert next(change for change in since.json["changes"] if change["name"] == "c")["moved"] == [
        "description"
    ]
    assert since.json["digest"] == plain.json["digest"]
    assert "label" not in plain.out
    for form in ("text", "markdown"):
        shown = repo.run("plan", ".", "-o", form, "--since", "applied")
        assert shown.code == 0
        assert "edited at the tenant too" in shown.out
        assert "1 drift, 1 both, 1 pending" in shown.out


def test_a_revision_that_is_not_there_is_a_usage_error_and_no_drift(repo: Repo) -> None:
    for command in ("plan", "drift"):
        done = repo.run(command, ".", "--since", "nowhere", "-o", "json")
        assert (done.code, done.json["kind"]) == (64, "usage")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_prints_only_news_and_ends_with_130(repo: Repo, number: signal.Signals) -> None:
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


@pytest.mark.long
def test_a_watch_reports_an_unreachable_tenant_once_and_continues_when_it_is_back(
    repo: Repo,
) -> None:
    watch = ["drift", ".", "--watch", "0.2", "--timeout", "2", "-o", "json"]
    process = start(*watch, cwd=repo.folder, TENANT_TOKEN=repo.tenant.token)
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["changes"] == []
    for number in range(2):
        repo.tenant.kill()
        line = process.stderr.readline()
        while "; waiting " in line:
            line = process.stderr.readline()
        assert "could not look" in line
        repo.tenant.serve()
        repo.tenant.edit("b", description=f"by hand {number}")
        assert labels(json.loads(process.stdout.readline())) == {"b": "drift"}
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    rest = [line for line in err.splitlines() if line and "; waiting " not in line]
    assert (process.returncode, out, rest) == (130, "", ["stopped watching"])


def test_a_renamed_key_is_compared_with_what_it_was_under_its_former_one(repo: Repo) -> None:
    (repo.folder / "a.yaml").unlink()
    (repo.folder / "moved").mkdir()
    (repo.folder / "moved/z.yaml").write_text(
        webhook("z", url="https://hooks.example.com/a", extra="previously: [a]")
    )
    code, found = repo.drift("--since", "applied")
    assert (code, labels(found)) == (0, {"z": "pending"})
    assert {field["label"] for field in found["changes"][0]["fields"]} == {"pending"}
    repo.tenant.edit("a", description="by hand")
    code, found = repo.drift("--since", "applied")
    assert (code, labels(found)) == (7, {"z": "both"})
    label_of = {".".join(field["path"]): field["label"] for field in found["changes"][0]["fields"]}
    assert (label_of["description"], label_of["name"], label_of["managed_by.key"]) == (
        "drift",
        "pending",
        "pending",
    )


AUTH = "{type: bearer, token: {fromEnv: HOOK_TOKEN}}"


def credential(repo: Repo, *, key: str = "", token: str = "one") -> dict[str, str]:
    """The label of each field of `a`."""
    env = {"TENANT_TOKEN": repo.tenant.token, "HOOK_TOKEN": token} | (
        {"RECONCILER_FINGERPRINT_KEY": key} if key else {}
    )
    found = run("drift", ".", "-o", "json", "--since", "applied", cwd=repo.folder, **env).json
    return {
        ".".join(field["path"]): field["label"]
        for change in found["changes"]
        for field in change["fields"]
    }


def applied(repo: Repo, **env: str) -> None:
    git(repo.folder, "add", "-A")
    git(repo.folder, "commit", "-q", "-m", "more")
    git(repo.folder, "tag", "-f", "applied")
    done = run(
        "reconcile",
        ".",
        "--yes",
        "--max-updates",
        "3",
        cwd=repo.folder,
        TENANT_TOKEN=repo.tenant.token,
        **env,
    )
    assert done.code == 0, done.err


def test_a_raised_version_is_pending_one_that_the_tenant_has_is_drift_and_two_are_both(
    repo: Repo,
) -> None:
    (repo.folder / "a.yaml").write_text(webhook("a", auth=AUTH.replace("}}", "}, version: '1'}")))
    applied(repo, HOOK_TOKEN="one")
    assert credential(repo) == {}
    (repo.folder / "a.yaml").write_text(webhook("a", auth=AUTH.replace("}}", "}, version: '2'}")))
    assert credential(repo) == {"auth.token": "pending"}
    repo.tenant.edit("a", auth={"type": "bearer", "token": "by-hand", "credential_version": "3"})
    assert credential(repo) == {"auth.token": "both"}
    git(repo.folder, "checkout", "-q", "applied", "--", "a.yaml")
    assert credential(repo) == {"auth.token": "drift"}


def test_a_value_rotated_at_its_source_is_pending_and_no_drift(repo: Repo) -> None:
    (repo.folder / "a.yaml").write_text(webhook("a", auth=AUTH))
    applied(repo, HOOK_TOKEN="one", RECONCILER_FINGERPRINT_KEY="k" * 32)
    assert credential(repo, key="k" * 32) == {}
    assert credential(repo, key="k" * 32, token="two") == {"auth.token": "pending"}
    assert credential(repo, token="two") == {}


def test_a_shallow_clone_says_what_to_do_and_a_dirty_one_with_moved_manifests_is_compared(
    repo: Repo, tmp_path: Path
) -> None:
    git(repo.folder, "commit", "-q", "--allow-empty", "-m", "more")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo.folder}", "shallow")
    shallow = run(
        "drift", ".", "--since", "HEAD~1", cwd=tmp_path / "shallow", TENANT_TOKEN=repo.tenant.token
    )
    assert (shallow.code, "git fetch --unshallow" in shallow.err) == (64, True)
    (repo.folder / "hooks").mkdir()
    for name in "abc":
        git(repo.folder, "mv", f"{name}.yaml", "hooks")
    (repo.folder / "hooks/b.yaml").write_text(webhook("b", extra="description: not committed"))
    code, found = repo.drift("--since", "applied")
    assert (code, labels(found)) == (0, {"a": "pending", "b": "pending", "c": "pending"})
    fields = {
        change["name"]: {".".join(field["path"]) for field in change["fields"]}
        for change in found["changes"]
    }
    assert fields == {
        "a": {"managed_by.sources"},
        "b": {"managed_by.sources", "description"},
        "c": {"managed_by.sources"},
    }


def test_manifests_in_a_submodule_are_compared_with_the_commit_that_was_recorded(
    repo: Repo, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "s.yaml").write_text(webhook("s"))
    git(theirs, "init", "-q", "-b", "main")
    git(theirs, "add", "-A")
    git(theirs, "commit", "-q", "-m", "first")
    git(
        repo.folder,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        str(theirs),
        "shared",
    )
    applied(repo)
    repo.tenant.edit("s", description="by hand")
    assert labels(repo.drift("--since", "applied")[1]) == {"s": "drift"}
    (repo.folder / "shared/s.yaml").write_text(webhook("s", extra="description: from Git"))
    assert labels(repo.drift("--since", "applied")[1]) == {"s": "both"}
