"""The manifests as of a revision: real git repositories, whatever state they are in."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.errors import BadRequest, GitFailed, InvalidManifests
from reconciler.core.since import Base
from reconciler.manifests import Request, load
from reconciler.manifests.since import base
from tests.support.processes import tenant_manifest, webhook

WHO = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}
ENV = {**os.environ, **WHO, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, message: str = "more") -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def new(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    return folder


def put(folder: Path, **files: str) -> None:
    """`webhooks__a="…"` is the file webhooks/a.yaml."""
    for name, text in files.items():
        file = folder / f"{name.replace('__', '/')}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the webhooks a and b, tagged `then`; the current folder."""
    folder = new(tmp_path / "repo")
    put(folder, webhooks__a=webhook("a"), webhooks__b=webhook("b"))
    commit(folder)
    git(folder, "tag", "then")
    monkeypatch.chdir(folder)
    return folder


def then(*paths: str, rev: str = "then", **options: object) -> Base:
    """The base; the same whether what is parsed of now is used again or not."""
    request = Request(**{"paths": paths or (".",), "env": ENV, "secrets": "warn", **options})  # type: ignore[arg-type]  # by name
    found = base(rev, load(request), request)
    keeping = replace(request, keep=True)
    again = base(rev, load(keeping), keeping)
    assert again == found
    assert [dict(one.subscription_origins) for one in again.declared] == [
        dict(one.subscription_origins) for one in found.declared
    ]
    return found


def keys(found: Base) -> list[str]:
    return sorted(item.key for item in found.declared)


def test_what_was_declared_then_is_read_whatever_lies_there_now(repo: Path) -> None:
    put(repo, webhooks__a=webhook("a", extra="description: new"), webhooks__c=webhook("c"))
    (repo / "webhooks/b.yaml").unlink()
    found = then()
    assert keys(found) == ["a", "b"]
    assert found.declared[0].spec.description == ""
    assert (found.rev, found.commit) == ("then", git(repo, "rev-parse", "then"))
    assert str(found.declared[0].origin) == "then:webhooks/a.yaml:1:1"
    assert found.declared[0].sources == ("webhooks/a.yaml",)


def test_what_git_would_convert_is_compared_by_its_bytes(repo: Path) -> None:
    git(repo, "config", "core.autocrlf", "true")
    old = webhook("a", extra="description: old").replace("\n", "\r\n")
    (repo / ".gitattributes").write_text("*.yaml text eol=crlf\n")
    (repo / "webhooks/a.yaml").write_bytes(old.encode())
    rev = commit(repo)
    (repo / "webhooks/a.yaml").write_bytes(old.replace("old", "new").encode())
    assert [item.spec.description for item in then(rev=rev).declared] == ["old", ""]


def test_a_repository_of_longer_ids_is_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256")
    put(tmp_path, a=webhook("a"), b=webhook("b"))
    rev = commit(tmp_path)
    put(tmp_path, b=webhook("b", extra="description: new"))
    monkeypatch.chdir(tmp_path)
    assert len(rev) == 64
    assert [item.spec.description for item in then(rev=rev).declared] == ["", ""]


def test_reading_changes_nothing_in_the_repository(repo: Path) -> None:
    put(repo, webhooks__a=webhook("a", extra="description: new"))
    before = sorted((str(path), path.stat().st_mtime_ns) for path in repo.rglob("*"))
    then()
    assert sorted((str(path), path.stat().st_mtime_ns) for path in repo.rglob("*")) == before


@pytest.mark.parametrize(
    ("rev", "says"),
    [
        ("nowhere", "no such revision in this repository"),
        ("", "that is no revision"),
        ("--upload-pack=x", "that is no revision"),
        ("a\nb", "that is no revision"),
        ("main..then", "no such revision"),
        ("then:webhooks", "names something else than a commit"),
        ("HEAD~7", "no such revision"),
        ("0123456789abcdef0123456789abcdef01234567", "no such revision"),
    ],
)
def test_a_revision_that_is_none_is_told_in_words(repo: Path, rev: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        then(rev=rev)


def test_a_branch_that_only_the_remote_has_is_hinted_at(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(repo, "branch", "release")
    git(tmp_path, "clone", "-q", str(repo), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    with pytest.raises(BadRequest, match="did you mean origin/release"):
        then(rev="release")
    assert keys(then(rev="origin/release")) == ["a", "b"]


def test_a_shallow_clone_says_that_it_is_shallow(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = git(repo, "rev-parse", "HEAD")
    commit(repo)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    for rev in (first, "HEAD~1"):
        with pytest.raises(BadRequest, match="which is shallow: fetch it"):
            then(rev=rev)


def test_outside_of_a_repository_it_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, a=webhook("a"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadRequest, match="is not in the work tree of a git repository"):
        then()


def test_a_repository_without_commits_has_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(new(tmp_path / "fresh"), a=webhook("a"))
    monkeypatch.chdir(tmp_path / "fresh")
    with pytest.raises(BadRequest, match="no such revision"):
        then(rev="HEAD")


def test_standard_input_has_no_past(repo: Path) -> None:
    with pytest.raises(BadRequest, match="has no past"):
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


def test_manifests_that_were_invalid_then_are_told_by_revision_file_and_line(repo: Path) -> None:
    put(repo, webhooks__b="apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {name: b}\nspec: {}\n")
    rev = commit(repo)
    put(repo, webhooks__b=webhook("b"))
    with pytest.raises(InvalidManifests) as caught:
        then(rev=rev)
    assert [str(problem.origin) for problem in caught.value.problems] == [f"{rev}:webhooks/b.yaml:4:7"]


@pytest.mark.parametrize("paths", [(".",), ("webhooks",), ("webhooks/new.yaml",), ("webhooks", "webhooks/new.yaml")])
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
    put(repo, webhooks__shared__s=webhook("s", extra="description: new"), webhooks__shared__t=webhook("t"))
    found = then("webhooks", rev=rev)
    assert keys(found) == ["a", "b", "s"]
    assert keys(then("webhooks/shared", rev="HEAD")) == ["s"]


def test_a_submodule_whose_commit_is_not_here_is_an_error(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = new(tmp_path / "shared")
    put(shared, s=webhook("s"))
    commit(shared)
    git(repo, "submodule", "add", "-q", str(shared), "webhooks/shared")
    commit(repo)
    git(tmp_path, "clone", "-q", str(repo), "bare")
    monkeypatch.chdir(tmp_path / "bare")
    with pytest.raises(GitFailed, match="webhooks/shared is a submodule"):
        then(rev="HEAD")


def test_a_hooks_own_variables_lead_to_no_other_repository(repo: Path, tmp_path: Path) -> None:
    other = new(tmp_path / "other")
    commit(other)
    given = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": "/nowhere"}
    assert keys(then(env={**ENV, **given})) == ["a", "b"]


def test_references_of_then_need_no_values(repo: Path) -> None:
    put(repo, webhooks__a=webhook("a", auth="{type: bearer, token: {fromEnv: THEN_TOKEN}}"))
    rev = commit(repo)
    put(repo, webhooks__a=webhook("a"))
    assert "THEN_TOKEN" in repr(then(rev=rev).declared[0].spec.auth)


def selecting(name: str, environment: str, url: str = "https://t.example.com/public-api/v1") -> str:
    select = f", select: {{matchLabels: {{team: {environment}}}}}}}"
    return tenant_manifest(url).replace("production", name).replace("payments}", f"payments{select}")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("{one}---\n{two}", ["a"]),  # that Tenant then
        ("{two}", []),  # another then, which must be the same under another name
        ("{two}---\n{three}", ["a"]),  # none of that name: its choice of now
        ("", ["a"]),
    ],
)
def test_the_webhooks_of_then_are_those_of_the_tenant_in_use(repo: Path, before: str, expected: list[str]) -> None:
    one, two = selecting("one", "test"), selecting("two", "other", "https://u.example.com/public-api/v1")
    three = selecting("three", "more", "https://v.example.com/public-api/v1")
    put(repo, webhooks__b=webhook("b").replace("team: test", "team: none"))
    if before:
        put(repo, tenants=before.format(one=one, two=two, three=three))
    rev = commit(repo)
    put(repo, tenants=f"{one}---\n{two}")
    assert keys(then(rev=rev, tenant="one")) == expected
