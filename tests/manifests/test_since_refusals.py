"""The manifests as of a revision: what git cannot tell is an error in words, never an empty
base.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.errors import BadRequest, GitFailed, InvalidManifests
from tests.manifests.revisions import ENV, commit, git, keys, new, put, then
from tests.support.processes import webhook


@pytest.mark.parametrize(
    ("rev", "says"),
    [
        ("nowhere", "no such revision in this repository"),
        ("", "that is no revision"),
        ("--upload-pack=x", "that is no revision"),
        ("a\nb", "that is no revision"),
        ("main..then", "no such revision"),
        ("then:webhooks", "is not a commit"),
        ("HEAD~7", "no such revision"),
        ("0123456789abcdef0123456789abcdef01234567", "no such revision"),
    ],
)
def test_an_unknown_revision_is_reported_in_words(repo: Path, rev: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        then(rev=rev)


def test_a_branch_that_only_the_remote_has_is_hinted_at(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "branch", "release")
    git(tmp_path, "clone", "-q", str(repo), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    with pytest.raises(BadRequest, match="did you mean origin/release"):
        then(rev="release")
    assert keys(then(rev="origin/release")) == ["a", "b"]


def test_a_shallow_clone_says_that_it_is_shallow(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git(repo, "rev-parse", "HEAD")
    commit(repo)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    for rev in (first, "HEAD~1"):
        with pytest.raises(BadRequest, match="which is shallow: fetch it"):
            then(rev=rev)


def test_outside_of_a_repository_it_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, a=webhook("a"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadRequest, match="is not in the work tree of a git repository"):
        then()


def test_a_repository_without_commits_has_no_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(new(tmp_path / "fresh"), a=webhook("a"))
    monkeypatch.chdir(tmp_path / "fresh")
    with pytest.raises(BadRequest, match="no such revision"):
        then(rev="HEAD")


def test_standard_input_has_no_past(repo: Path) -> None:
    with pytest.raises(BadRequest, match="has no history"):
        then("-", stdin=webhook("a").encode())


def test_without_git_it_is_said_so(repo: Path) -> None:
    with pytest.raises(GitFailed, match="git is not installed"):
        then(env={**ENV, "PATH": "/nowhere"})


def test_a_damaged_repository_is_an_error_and_no_empty_base(repo: Path) -> None:
    blob = git(repo, "rev-parse", "then:webhooks/a.yaml")
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(InvalidManifests) as caught:
        then()
    assert "then:webhooks/a.yaml" in str(caught.value.problems[0].origin)


def test_manifests_that_were_invalid_then_are_reported_by_revision_file_and_line(
    repo: Path,
) -> None:
    put(
        repo,
        webhooks__b="apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {name: b}\nspec: "
        "{}\n",
    )
    rev = commit(repo)
    put(repo, webhooks__b=webhook("b"))
    with pytest.raises(InvalidManifests) as caught:
        then(rev=rev)
    assert [str(problem.origin) for problem in caught.value.problems] == [
        f"{rev}:webhooks/b.yaml:4:7"
    ]
