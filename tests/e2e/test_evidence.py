"""No delete without evidence that Git removed the manifest: real clones, the real command, the
embedded tenant.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.environments import count_webhooks, manifest
from tests.manifests.revisions import commit, git, new, put
from tests.manifests.test_load import subscription
from tests.support.processes import ROOT, Ended, run, webhook

FAILED = '{type: "elastio:recovery-point:create:failed", version: v0, severity: critical}'
SUBMODULE = "the submodule webhooks/sub is not checked out; run git submodule update --init"


class Clone:
    """A clone of a repository whose webhooks a, b, c and, in a submodule, s1 and events of a, are
    all applied.
    """

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.database = folder / "tenant.db"
        sub = new(folder / "sub")
        put(sub, s1=webhook("s1"), events=subscription("more", "webhook: a", FAILED))
        commit(sub)
        self.origin = new(folder / "origin")
        put(self.origin, **{f"webhooks__{key}": webhook(key) for key in "abc"})
        (self.origin / "tenant.yaml").write_text(manifest("main", str(self.database), extra=extra))
        git(self.origin, "submodule", "add", "-q", str(sub), "webhooks/sub")
        commit(self.origin)
        git(self.origin, "tag", "applied")
        self.folder = self.origin
        assert self.run("reconcile", ".", "--yes").code == 0
        assert count_webhooks(self.database) == 4
        self.folder = folder / "clone"
        git(folder, "clone", "-q", str(self.origin), "clone")

    def run(self, *arguments: str, **options: str) -> Ended:
        return run(*arguments, cwd=self.folder, **options)

    def with_submodule(self) -> None:
        git(self.folder, "submodule", "update", "--init", "-q")

    def unclear(self, *options: str, paths: tuple[str, ...] = (".",)) -> dict[str, list[str]]:
        """The messages of the violations, which are all of the rule, with the names beside each."""
        done = self.run("plan", *paths, "-o", "json", *options)
        found = done.json["violations"]
        assert {violation["rule"] for violation in found} <= {"source-unclear"}
        assert (done.code, bool(found)) in {(6, True), (0, False)}
        return {violation["message"]: violation["names"] for violation in found}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


IN_SUBMODULE = {
    f"webhooks/sub/events.yaml: {SUBMODULE}": ["a"],
    f"webhooks/sub/s1.yaml: {SUBMODULE}": ["s1"],
}


def test_a_clone_without_its_submodule_deletes_nothing_and_takes_no_subscription(
    clone: Clone,
) -> None:
    assert clone.unclear() == IN_SUBMODULE
    done = clone.run("reconcile", ".", "--yes")
    assert done.code == 6
    assert f"violation source-unclear: webhooks/sub/s1.yaml: {SUBMODULE}\n    s1\n" in done.out
    assert count_webhooks(clone.database) == 4
    clone.with_submodule()
    assert clone.unclear() == {}
    assert "No changes." in clone.run("plan", ".").out


def test_what_git_removed_is_deleted(clone: Clone) -> None:
    clone.with_submodule()
    git(clone.folder, "rm", "-q", "webhooks/b.yaml")
    commit(clone.folder)
    assert clone.run("reconcile", ".", "--yes").code == 0
    assert count_webhooks(clone.database) == 3


@pytest.mark.parametrize("narrow", [(), ("--only", "a")])
def test_removing_subscriptions_alone_needs_evidence_as_well(
    clone: Clone, narrow: tuple[str, ...]
) -> None:
    clone.with_submodule()
    events = clone.folder / "webhooks/sub/events.yaml"
    events.write_text("# nothing\n")
    reason = "it was read, but has no document of ours; restore the manifest, or delete the file"
    assert clone.unclear(*narrow) == {f"webhooks/sub/events.yaml: {reason}": ["a"]}
    assert clone.run("reconcile", ".", "--yes", *narrow).code == 6
    events.unlink()
    assert clone.unclear(*narrow) == {}
    assert "1 updated" in clone.run("reconcile", ".", "--yes", *narrow).out


def test_accept_passes_just_what_was_seen(clone: Clone) -> None:
    digest = clone.run("plan", ".", "-o", "json").json["digest"]
    git(
        clone.folder, "update-index", "--skip-worktree", "webhooks/sub"
    )  # the same changes for another reason
    other = clone.run("plan", ".", "-o", "json").json["digest"]
    assert other != digest
    assert clone.run("reconcile", ".", "--yes", "--accept", digest).code == 5
    assert count_webhooks(clone.database) == 4
    done = clone.run("reconcile", ".", "--yes", "--accept", other)
    assert (done.code, "1 updated, 1 deleted" in done.out) == (0, True)


def test_paths_are_relative_to_the_current_folder(clone: Clone) -> None:
    inside = run("plan", "..", "-o", "json", cwd=clone.folder / "webhooks").json
    assert [violation["message"] for violation in inside["violations"]] == [
        f"../webhooks/sub/{name}.yaml: the submodule ../webhooks/sub is not checked out; "
        "run git submodule update --init"
        for name in ("events", "s1")
    ]


def test_a_saved_plan_stays_refused_until_it_is_accepted(clone: Clone) -> None:
    done = clone.run("plan", ".", "--out", "plan.json")
    assert done.code == 6
    document = json.loads((clone.folder / "plan.json").read_text())
    Draft202012Validator(
        json.loads((ROOT / "schemas/saved-plan.schema.json").read_text())
    ).validate(document)
    clone.with_submodule()  # what was seen then is what counts
    refused = clone.run("reconcile", ".", "--plan", "plan.json", "--yes")
    assert (refused.code, SUBMODULE in refused.out + refused.err) == (6, True)
    assert SUBMODULE in clone.run("show", "plan.json").out
    assert (
        clone.run("reconcile", ".", "--plan", "plan.json", "--yes", "--accept", "sha256:other").code
        == 5
    )
    assert count_webhooks(clone.database) == 4
    accepted = clone.run(
        "reconcile", ".", "--plan", "plan.json", "--yes", "--accept", document["plan"]["digest"]
    )
    assert (accepted.code, count_webhooks(clone.database)) == (0, 3)


def test_drift_and_since_report_it(clone: Clone) -> None:
    assert (
        clone.run("plan", ".", "--since", "applied").code == 1
    )  # what was then is not in this clone either
    drift = clone.run("drift", ".", "-o", "json")
    assert {violation["message"] for violation in drift.json["violations"]} == set(IN_SUBMODULE)
    clone.with_submodule()
    git(clone.folder, "update-index", "--skip-worktree", "webhooks/b.yaml")
    (clone.folder / "webhooks/b.yaml").unlink()
    since = clone.run("plan", ".", "--since", "applied", "-o", "json")
    assert [violation["rule"] for violation in since.json["violations"]] == ["source-unclear"]
    assert since.code == 6


def test_all_tenants_write_nowhere_while_one_lacks_evidence(clone: Clone) -> None:
    second = clone.folder / "second.yaml"
    second.write_text(manifest("second", str(clone.database.with_name("second.db"))))
    plan = clone.run("plan", ".", "--all-tenants", "-o", "json")
    assert [
        [found["rule"] for found in part["plan"]["violations"]] for part in plan.json["runs"]
    ] == [["source-unclear"] * 2, []]
    assert clone.run("reconcile", ".", "--all-tenants", "--yes").code == 6
    assert (
        count_webhooks(clone.database),
        count_webhooks(clone.database.with_name("second.db")),
    ) == (4, 0)
    done = clone.run("reconcile", ".", "--all-tenants", "--yes", "--accept", plan.json["digest"])
    assert (
        done.code,
        count_webhooks(clone.database),
        count_webhooks(clone.database.with_name("second.db")),
    ) == (
        0,
        3,
        3,
    )


def test_under_ownership_all_our_own_webhooks_need_evidence_too(tmp_path: Path) -> None:
    assert Clone(tmp_path, extra=", ownership: all").unclear() == IN_SUBMODULE


def test_a_hidden_folder_that_an_earlier_run_named_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    for name, path in (("a", "a.yaml"), ("b", "b.yaml"), ("c", ".hidden/c.yaml")):
        (tmp_path / path).write_text(webhook(name))
    options = ("--local", "--yes")
    assert run("reconcile", ".", ".hidden", *options, cwd=tmp_path).code == 0
    done = run("reconcile", ".", *options, cwd=tmp_path)
    assert done.code == 6
    reason = ".hidden is hidden, and this run did not read it; name .hidden as a PATH"
    assert f"violation source-unclear: .hidden/c.yaml: {reason}" in done.out
    (tmp_path / ".hidden/c.yaml").unlink()
    (tmp_path / ".hidden/d.yaml").write_text(webhook("d"))
    done = run("reconcile", ".", ".hidden", *options, cwd=tmp_path)
    assert (done.code, "1 created, 0 updated, 1 deleted" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "path/empty-file"),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
            "path/lfs-pointer",
        ),
        ("- a\n- b\n", "document/not-a-mapping"),
        ("words\n", "document/not-a-mapping"),
    ],
)
def test_a_manifest_that_lost_its_content_stops_the_run(clone: Clone, text: str, rule: str) -> None:
    clone.with_submodule()
    (clone.folder / "webhooks/b.yaml").write_text(text)
    done = clone.run("reconcile", ".", "--yes")
    assert (done.code, f"[{rule}]" in done.out + done.err, count_webhooks(clone.database)) == (
        1,
        True,
        4,
    )


def test_a_manifest_that_became_a_list_item_is_still_declared(clone: Clone) -> None:
    clone.with_submodule()
    file = clone.folder / "webhooks/b.yaml"
    file.write_text("- " + file.read_text().replace("\n", "\n  ").rstrip() + "\n")
    assert "0 deleted, 4 unchanged" in clone.run("reconcile", ".", "--yes").out


def test_a_folder_that_became_a_link_is_followed_inside_and_an_error_outside(clone: Clone) -> None:
    clone.with_submodule()
    folder = clone.folder / "webhooks"
    shutil.move(folder, clone.folder / ".moved")
    folder.symlink_to(".moved")
    assert clone.unclear() == {}
    assert "No changes." in clone.run("plan", ".").out
    folder.unlink()
    shutil.move(clone.folder / ".moved", clone.folder.parent / "outside")
    folder.symlink_to(clone.folder.parent / "outside")
    done = clone.run("reconcile", ".", "--yes")
    assert (
        done.code,
        "[path/linked-folder]" in done.out + done.err,
        count_webhooks(clone.database),
    ) == (
        1,
        True,
        4,
    )


def test_the_limits_still_count_what_lacks_evidence(clone: Clone) -> None:
    for key in "ab":
        git(clone.folder, "update-index", "--skip-worktree", f"webhooks/{key}.yaml")
        (clone.folder / f"webhooks/{key}.yaml").unlink()
    found = clone.run("plan", ".", "-o", "json").json["violations"]
    assert [violation["rule"] for violation in found] == ["delete-limit", *["source-unclear"] * 4]
