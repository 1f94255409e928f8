"""The manifests as of a revision: which files of then the paths of now mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.errors import BadRequest, GitFailed, InvalidManifests
from tests.manifests.revisions import commit, git, keys, new, put, then
from tests.support.processes import webhook


@pytest.mark.parametrize(
    "paths", [(".",), ("webhooks",), ("webhooks/new.yaml",), ("webhooks", "webhooks/new.yaml")]
)
def test_paths_that_were_not_there_then_are_empty(repo: Path, paths: tuple[str, ...]) -> None:
    git(repo, "rm", "-q", "-r", ".")
    empty = commit(repo)
    put(repo, webhooks__new=webhook("new"))
    assert keys(then(*paths, rev=empty)) == []


def test_a_file_that_was_something_else_then_is_empty(repo: Path) -> None:
    (repo / "webhooks/a.yaml").write_text("kind: ConfigMap\n")
    other = commit(repo)
    put(repo, webhooks__a=webhook("a"))
    assert keys(then("webhooks/a.yaml", rev=other)) == []


def test_only_what_a_run_over_the_paths_would_read_is_read(repo: Path) -> None:
    put(repo, webhooks__sub__c=webhook("c"), webhooks__d=webhook("d"), elsewhere=webhook("e"))
    (repo / "webhooks/.hidden").mkdir()
    (repo / "webhooks/.hidden/f.yaml").write_text(webhook("f"))
    (repo / "webhooks/.g.yaml").write_text(webhook("g"))
    (repo / "webhooks/notes.txt").write_text("no manifest")
    rev = commit(repo)
    assert keys(then("webhooks", rev=rev)) == ["a", "b", "c", "d"]
    assert keys(then("webhooks/d.yaml", "webhooks/sub", rev=rev)) == ["c", "d"]
    assert keys(then("webhooks", "webhooks/sub", ".", rev=rev)) == ["a", "b", "c", "d", "e"]


def test_a_name_that_git_would_take_for_a_pattern_is_a_name(repo: Path) -> None:
    for name in (":(top)x", "[ab]", "*"):
        (repo / name).mkdir()
        (repo / name / "h.yaml").write_text(webhook("h"))
    (repo / "*" / "zwei €\n.yaml").write_text(webhook("odd"))
    rev = commit(repo)
    assert keys(then("[ab]", rev=rev)) == ["h"]
    assert keys(then(":(top)x", rev=rev)) == ["h"]
    assert keys(then("*", rev=rev)) == ["h", "odd"]


def test_renamed_files_in_the_paths_are_the_same_webhooks(repo: Path) -> None:
    git(repo, "mv", "webhooks/a.yaml", "webhooks/renamed.yaml")
    assert keys(then("webhooks")) == ["a", "b"]


def test_files_moved_here_from_outside_of_the_paths_are_followed(repo: Path) -> None:
    git(repo, "mv", "webhooks", "hooks")
    found = then("hooks")
    assert keys(found) == ["a", "b"]
    assert found.declared[0].sources == ("webhooks/a.yaml",)


def test_links_lead_where_they_led_in_that_commit(repo: Path) -> None:
    put(repo, shared__l=webhook("linked"))
    (repo / "webhooks/l.yaml").symlink_to("../shared/l.yaml")
    rev = commit(repo)
    put(repo, shared__l=webhook("now"))
    assert keys(then("webhooks", rev=rev)) == ["a", "b", "linked"]


def test_a_link_to_nothing_is_an_error_of_then(repo: Path) -> None:
    (repo / "webhooks/l.yaml").symlink_to("/nowhere")
    rev = commit(repo)
    (repo / "webhooks/l.yaml").unlink()
    with pytest.raises(InvalidManifests) as caught:
        then("webhooks", rev=rev)
    assert [problem.rule for problem in caught.value.problems] == ["path/unreadable"]


def test_a_path_that_is_a_link_to_a_folder_is_that_folder(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(repo / "webhooks")
    assert keys(then(str(tmp_path / "way"))) == ["a", "b"]


def test_paths_in_two_repositories_are_refused(repo: Path, tmp_path: Path) -> None:
    put(new(tmp_path / "other"), c=webhook("c"))
    commit(tmp_path / "other")
    with pytest.raises(BadRequest, match="several repositories"):
        then(".", str(tmp_path / "other"))


def test_a_submodule_is_read_at_the_commit_that_was_recorded(repo: Path, tmp_path: Path) -> None:
    shared = new(tmp_path / "shared")
    put(shared, s=webhook("s"))
    commit(shared)
    git(repo, "submodule", "add", "-q", str(shared), "webhooks/shared")
    rev = commit(repo)
    put(
        repo,
        webhooks__shared__s=webhook("s", extra="description: new"),
        webhooks__shared__t=webhook("t"),
    )
    found = then("webhooks", rev=rev)
    assert keys(found) == ["a", "b", "s"]
    assert keys(then("webhooks/shared", rev="HEAD")) == ["s"]


def test_a_submodule_whose_commit_is_not_here_is_an_error(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = new(tmp_path / "shared")
    put(shared, s=webhook("s"))
    commit(shared)
    git(repo, "submodule", "add", "-q", str(shared), "webhooks/shared")
    commit(repo)
    git(tmp_path, "clone", "-q", str(repo), "bare")
    monkeypatch.chdir(tmp_path / "bare")
    with pytest.raises(GitFailed, match="webhooks/shared is a submodule"):
        then(rev="HEAD")
