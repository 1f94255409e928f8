"""Which repository a run is of, out of real git repositories and their configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.manifests import Manifests, load
from reconciler.manifests.history.repository import find_origin, find_repository_of_run
from tests.manifests import revisions
from tests.support.processes import run, tenant_manifest, webhook
from tests.support.requests import make_request

URL = "https://user:s3cr3t-never-print@Forge.example:8443/acme/webhooks.git"
NAME = "forge.example/acme/webhooks"


def clone(folder: Path, url: str = URL) -> Path:
    revisions.new(folder)
    revisions.git(folder, "remote", "add", "origin", url)
    return folder


def declared(*paths: Path) -> Manifests:
    return load(make_request(tuple(map(str, paths)), env=os.environ))


def test_the_remote_origin_says_it_from_every_folder_work_tree_and_submodule(
    tmp_path: Path,
) -> None:
    top = clone(tmp_path / "top")
    (top / "a" / "b").mkdir(parents=True)
    revisions.commit(top)
    revisions.git(top, "worktree", "add", "-q", str(tmp_path / "other"))
    module = revisions.new(tmp_path / "module")
    revisions.commit(module)
    revisions.git(top, "submodule", "add", "-q", str(module), "module")
    revisions.git(
        top / "module", "remote", "set-url", "origin", "git@forge.example:acme/module.git"
    )
    for folder in (top, top / "a" / "b", tmp_path / "other"):
        assert find_origin(str(folder)) == NAME
    assert find_origin(str(top / "module")) == "forge.example/acme/module"


@pytest.mark.parametrize(
    "url", ["/srv/git/webhooks.git", "../webhooks", "file:///srv/git/webhooks.git"]
)
def test_a_remote_on_this_machine_is_none(tmp_path: Path, url: str) -> None:
    assert find_origin(str(clone(tmp_path, url))) is None


def test_no_git_no_remote_and_a_broken_repository_are_none(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "broken" / ".git").mkdir(parents=True)
    revisions.new(tmp_path / "new")
    other = revisions.new(tmp_path / "upstream")
    revisions.git(other, "remote", "add", "upstream", URL)
    assert [
        find_origin(str(tmp_path / name)) for name in ("plain", "broken", "new", "upstream")
    ] == [None] * 4


@pytest.mark.parametrize(
    ("url", "base", "short", "name"),
    [
        ("gh:acme/webhooks", "https://token:s3cr3t@forge.example/", "gh:", NAME),
        ("work:webhooks", "ssh://git@forge.example:22/acme/", "work:", NAME),
        (
            "https://forge.example/acme/webhooks",
            "https://mirror.example/",
            "https://forge.example/",
            NAME,
        ),
        ("git@forge.example:acme/webhooks", "https://mirror.example/", "git@forge.example:", NAME),
    ],
)
def test_short_names_are_expanded_and_a_mirror_of_one_machine_is_no_other_repository(
    tmp_path: Path, url: str, base: str, short: str, name: str
) -> None:
    clone(tmp_path, url)
    revisions.git(tmp_path, "config", f"url.{base}.insteadOf", short)
    assert find_origin(str(tmp_path)) == name


def test_the_first_of_several_urls_counts_and_hooks_of_another_repository_do_not(
    tmp_path: Path,
) -> None:
    """A hook runs with GIT_DIR set, here of a repository that is no part of the run."""
    clone(tmp_path / "one")
    revisions.git(
        tmp_path / "one", "remote", "set-url", "--add", "origin", "https://mirror.example/x/y"
    )
    other = clone(tmp_path / "other", "https://elsewhere.example/x/y")
    asked = (
        "from reconciler.manifests.history.repository import find_origin; "
        f"print(find_origin({str(tmp_path / 'one')!r}))"
    )
    code = run_python(asked, GIT_DIR=str(other / ".git"))
    assert code == NAME


def run_python(code: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_without_git_installed_it_is_none(tmp_path: Path) -> None:
    clone(tmp_path)
    code = (
        "from reconciler.manifests.history.repository import find_origin; "
        f"print(find_origin({str(tmp_path)!r}))"
    )
    assert run_python(code, PATH=str(tmp_path)) == "None"
    assert run_python(code) == NAME


def test_it_is_the_repository_of_the_webhooks_not_of_the_tenant_manifest(tmp_path: Path) -> None:
    infra, team = (
        clone(tmp_path / "infra", "git@forge.example:acme/infra.git"),
        clone(tmp_path / "team"),
    )
    (infra / "tenant.yaml").write_text(tenant_manifest("http://127.0.0.1:9/public-api/v1"))
    (team / "one.yaml").write_text(webhook("one"))
    for paths in (
        (infra, team),
        (team, infra),
        (infra / "tenant.yaml", team),
        (infra / "tenant.yaml", team / "one.yaml"),
    ):
        found = declared(*paths)
        assert find_repository_of_run(found, found.tenant) == NAME


def test_the_tenant_manifest_decides_first(tmp_path: Path) -> None:
    clone(tmp_path, "git@forge.example:somebody/fork.git")
    (tmp_path / "one.yaml").write_text(webhook("one"))
    for said in (
        NAME,
        "git@forge.example:acme/webhooks.git",
        "https://Forge.example/acme/webhooks/",
    ):
        text = tenant_manifest("http://127.0.0.1:9/public-api/v1").replace(
            "owner:", f"repository: '{said}', owner:"
        )
        (tmp_path / "tenant.yaml").write_text(text)
        found = declared(tmp_path)
        assert found.tenant is not None
        assert (found.tenant.repository, find_repository_of_run(found, found.tenant)) == (
            NAME,
            NAME,
        )


@pytest.mark.parametrize(
    "said",
    [
        "webhooks",
        "../webhooks",
        "/srv/git",
        "https://forge.example",
        "https://u:s3cr3t-x@forge.example/a/b",
    ],
)
def test_what_is_no_repository_is_a_problem_with_its_place_and_without_the_value(
    tmp_path: Path, said: str
) -> None:
    text = tenant_manifest("http://127.0.0.1:9/public-api/v1").replace(
        "owner:", f"repository: '{said}', owner:"
    )
    (tmp_path / "tenant.yaml").write_text(text)
    with pytest.raises(InvalidManifests) as caught:
        declared(tmp_path)
    [problem] = caught.value.problems
    assert (problem.rule, problem.pointer) == ("tenant/repository", "/spec/repository")
    assert "s3cr3t" not in f"{problem.message}{problem.hint}"


def test_validate_asks_git_nothing_and_a_plan_asks_once(tmp_path: Path) -> None:
    """In place of git stands a program that keeps a record of being called."""
    clone(tmp_path / "repo")
    (tmp_path / "repo" / "one.yaml").write_text(webhook("one"))
    (tmp_path / "bin").mkdir()
    real = shutil.which("git")
    stand_in = tmp_path / "bin" / "git"
    stand_in.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\nexec {real} "$@"\n')
    stand_in.chmod(0o755)
    env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    assert run("validate", ".", cwd=tmp_path / "repo", **env).code == 0
    assert not (tmp_path / "asked").exists()
    assert NAME in run("plan", ".", "--local", cwd=tmp_path / "repo", **env).out
    assert len((tmp_path / "asked").read_text().splitlines()) == 1
