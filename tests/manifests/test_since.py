"""The manifests as of a revision: real git repositories, whatever state they are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifests.revisions import ENV, commit, git, keys, new, put, then
from tests.support.processes import tenant_manifest, webhook


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


def test_a_repository_of_longer_ids_is_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_hooks_own_variables_lead_to_no_other_repository(repo: Path, tmp_path: Path) -> None:
    other = new(tmp_path / "other")
    commit(other)
    given = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": "/nowhere",
    }
    assert keys(then(env={**ENV, **given})) == ["a", "b"]


def test_references_of_then_need_no_values(repo: Path) -> None:
    put(repo, webhooks__a=webhook("a", auth="{type: bearer, token: {fromEnv: THEN_TOKEN}}"))
    rev = commit(repo)
    put(repo, webhooks__a=webhook("a"))
    assert "THEN_TOKEN" in repr(then(rev=rev).declared[0].spec.auth)


def selecting(name: str, environment: str, url: str = "https://t.example.com/public-api/v1") -> str:
    select = f", select: {{matchLabels: {{team: {environment}}}}}}}"
    return (
        tenant_manifest(url).replace("production", name).replace("payments}", f"payments{select}")
    )


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("{one}---\n{two}", ["a"]),  # that Tenant then
        ("{two}", []),  # another then, which must be the same under another name
        ("{two}---\n{three}", ["a"]),  # none of that name: its choice of now
        ("", ["a"]),
    ],
)
def test_the_webhooks_of_then_are_those_of_the_tenant_in_use(
    repo: Path, before: str, expected: list[str]
) -> None:
    one, two = (
        selecting("one", "test"),
        selecting("two", "other", "https://u.example.com/public-api/v1"),
    )
    three = selecting("three", "more", "https://v.example.com/public-api/v1")
    put(repo, webhooks__b=webhook("b").replace("team: test", "team: none"))
    if before:
        put(repo, tenants=before.format(one=one, two=two, three=three))
    rev = commit(repo)
    put(repo, tenants=f"{one}---\n{two}")
    assert keys(then(rev=rev, tenant="one")) == expected
