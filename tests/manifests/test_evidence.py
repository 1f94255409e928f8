"""Evidence that Git removed a manifest: what each state of a recorded source says, in real
repositories.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from reconciler.core.safety.evidence import REASONS, State
from reconciler.manifests import load
from reconciler.manifests.history.evidence import find_doubts
from tests.manifests.revisions import commit, git, new, put
from tests.manifests.test_load import read, tenant, webhook
from tests.support.requests import make_request


def list_doubts(
    *sources: str, paths: tuple[str, ...] = (".",), **options: object
) -> dict[str, tuple[State, str]]:
    """The state and the place of each source without evidence, with the current folder's manifests
    read.
    """
    found = find_doubts(load(make_request(paths, **options)), sources)
    return {source: (doubt.state, doubt.place) for source, doubt in found.items()}


@pytest.fixture
def with_submodule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose submodule `webhooks/sub`, and the submodule `deep` in that, are not checked
    out; the current folder.
    """
    for name, below in (("deep", None), ("sub", "deep"), ("main", "sub")):
        folder = new(tmp_path / name)
        put(folder, **{f"webhooks__{name}": webhook(name), name: webhook(f"{name}-top")})
        if below is not None:
            where = "webhooks/sub" if name == "main" else below
            git(folder, "submodule", "add", "-q", str(tmp_path / below), where)
        commit(folder)
    git(tmp_path, "clone", "-q", str(tmp_path / "main"), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"


def test_a_file_that_was_read_and_has_a_manifest_is_evidence(repo: Path) -> None:
    assert list_doubts("webhooks/a.yaml", "webhooks/b.yaml") == {}


def test_a_file_that_is_not_in_the_work_tree_is_evidence_in_git(repo: Path) -> None:
    put(repo, gone__only=webhook("c"))
    commit(repo)
    git(repo, "rm", "-q", "-r", "gone")
    assert not (repo / "gone").exists()
    assert (
        list_doubts(
            "gone/only.yaml", "webhooks/never.yaml", ".hidden/never.yaml", "no/such/folder/x.yaml"
        )
        == {}
    )
    (repo / "webhooks/a.yaml").unlink()  # not committed yet
    assert list_doubts("webhooks/a.yaml") == {}


def test_a_submodule_that_is_not_checked_out_is_no_evidence(with_submodule: Path) -> None:
    inside = "webhooks/sub/sub.yaml"
    assert list_doubts(inside, "webhooks/main.yaml") == {inside: (State.SUBMODULE, "webhooks/sub")}
    (with_submodule / "webhooks/sub").rmdir()
    assert list_doubts(inside) == {inside: (State.SUBMODULE, "webhooks/sub")}
    git(with_submodule, "submodule", "update", "--init", "-q")
    assert list_doubts(inside, "webhooks/sub/removed.yaml") == {}


def test_a_submodule_in_a_submodule_is_no_evidence_until_both_are_checked_out(
    with_submodule: Path,
) -> None:
    inside = "webhooks/sub/deep/deep.yaml"
    assert list_doubts(inside) == {inside: (State.SUBMODULE, "webhooks/sub")}
    git(with_submodule, "submodule", "update", "--init", "-q")
    assert list_doubts(inside) == {inside: (State.NESTED_SUBMODULE, "webhooks/sub/deep")}
    git(with_submodule, "submodule", "update", "--init", "--recursive", "-q")
    assert list_doubts(inside) == {}


def test_a_link_into_a_submodule_that_is_not_checked_out_is_no_evidence(
    with_submodule: Path,
) -> None:
    (with_submodule / "linked").symlink_to("webhooks/sub")
    assert list_doubts("linked/sub.yaml") == {"linked/sub.yaml": (State.SUBMODULE, "webhooks/sub")}
    (with_submodule / "webhooks/sub").rmdir()
    assert list_doubts("linked/sub.yaml") == {"linked/sub.yaml": (State.SUBMODULE, "webhooks/sub")}


@pytest.mark.parametrize("cone", ["--cone", "--no-cone"])
def test_what_a_sparse_checkout_leaves_out_is_no_evidence(repo: Path, cone: str) -> None:
    put(repo, other__c=webhook("c"), other__d=webhook("d"))
    commit(repo)
    git(repo, "sparse-checkout", "set", cone, "webhooks")
    assert not (repo / "other").exists()
    assert list_doubts("other/c.yaml", "other/never.yaml") == {
        "other/c.yaml": (State.SPARSE, "other/c.yaml")
    }
    git(repo, "sparse-checkout", "disable")
    assert list_doubts("other/c.yaml") == {}


def test_a_skipped_file_in_a_worktree_of_git_is_no_evidence_there_alone(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "worktree", "add", "-q", "../second")
    second = repo.parent / "second"
    git(second, "update-index", "--skip-worktree", "webhooks/b.yaml")
    for folder in (repo, second):
        (folder / "webhooks/b.yaml").unlink()
    assert list_doubts("webhooks/b.yaml") == {}
    monkeypatch.chdir(second)
    assert list_doubts("webhooks/b.yaml") == {"webhooks/b.yaml": (State.SPARSE, "webhooks/b.yaml")}


def test_git_is_asked_of_a_folder_above_the_current_one_too(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(repo, {"prod/tenant.yaml": tenant("main"), "shared/c.yaml": webhook("c")})
    commit(repo)
    git(repo, "update-index", "--skip-worktree", "shared/c.yaml")
    (repo / "shared/c.yaml").unlink()
    monkeypatch.chdir(repo / "prod")
    assert list_doubts("../shared/c.yaml", paths=("..",)) == {
        "../shared/c.yaml": (State.SPARSE, "../shared/c.yaml")
    }


def test_a_thousand_sources_are_asked_together(repo: Path) -> None:
    for number in range(1_000):
        (repo / f"w{number}.yaml").write_text(webhook(f"w{number}"))
    commit(repo)
    git(repo, "update-index", "--skip-worktree", *(f"w{number}.yaml" for number in range(1_000)))
    for number in range(1_000):
        (repo / f"w{number}.yaml").unlink()
    assert len(list_doubts(*(f"w{number}.yaml" for number in range(1_000)), "never.yaml")) == 1_000


def test_a_file_that_was_not_read_is_no_evidence(repo: Path) -> None:
    read(
        repo,
        {
            ".hidden/c.yaml": webhook("c"),
            "webhooks/.d.yaml": webhook("d"),
            "e.yaml.bak": "",
            "f.txt": webhook("f"),
        },
    )
    assert list_doubts(".hidden/c.yaml", "webhooks/.d.yaml", "e.yaml", "e.yaml.bak", "f.txt") == {
        ".hidden/c.yaml": (State.HIDDEN, ".hidden"),
        "webhooks/.d.yaml": (State.HIDDEN, "webhooks/.d.yaml"),
        "e.yaml.bak": (State.ENDING, ""),
        "f.txt": (State.ENDING, ""),
    }
    assert (
        list_doubts(
            ".hidden/c.yaml",
            "webhooks/.d.yaml",
            "f.txt",
            paths=(".", ".hidden", "webhooks/.d.yaml", "f.txt"),
        )
        == {}
    )


@pytest.mark.parametrize(
    "text", ["# nothing any more\n", "---\n", "apiVersion: v1\nkind: ConfigMap\n", "[]\n"]
)
def test_a_file_without_a_document_of_ours_is_no_evidence(repo: Path, text: str) -> None:
    (repo / "webhooks/b.yaml").write_text(text)
    assert list_doubts("webhooks/b.yaml") == {"webhooks/b.yaml": (State.NO_DOCUMENT, "")}
    (repo / "linked").symlink_to("webhooks")
    assert list_doubts("linked/b.yaml", "linked/a.yaml") == {
        "linked/b.yaml": (State.NO_DOCUMENT, "")
    }


def test_standard_input_without_a_document_of_ours_is_no_evidence(repo: Path) -> None:
    assert list_doubts("<stdin>", paths=(".", "-"), stdin=b"# nothing\n") == {
        "<stdin>": (State.NO_DOCUMENT, "")
    }
    assert list_doubts("<stdin>", paths=(".", "-"), stdin=webhook("z").encode()) == {}


def test_a_folder_that_became_a_link_to_nothing_is_no_evidence(repo: Path) -> None:
    (repo / "sub").symlink_to("nowhere")
    assert list_doubts("sub/s.yaml") == {"sub/s.yaml": (State.LINK, "sub")}


def test_a_folder_or_a_parent_that_became_something_else_is_evidence_in_git(repo: Path) -> None:
    read(repo, {"a-file": "", "folder.yaml/c.yaml": webhook("c")})
    assert list_doubts("a-file/s.yaml", "folder.yaml") == {}


def test_a_path_that_no_file_system_takes_is_no_evidence(repo: Path) -> None:
    for source in ("x" * 300 + ".yaml", "a\0b.yaml"):
        assert [state for state, _ in list_doubts(source).values()] == [State.NO_ACCESS]


def test_without_git_a_file_is_removed_if_its_folder_was_read(here: Path) -> None:
    read(here, {"webhooks/a.yaml": webhook("a"), ".hidden/c.yaml": webhook("c")})
    assert list_doubts("webhooks/b.yaml", "b.yaml") == {}
    assert list_doubts("gone/b.yaml", ".hidden/b.yaml", "webhooks/a.yaml/b.yaml") == {
        "gone/b.yaml": (State.NO_FOLDER, "gone"),
        ".hidden/b.yaml": (State.NO_FOLDER, ".hidden"),
        "webhooks/a.yaml/b.yaml": (State.NO_FOLDER, "webhooks/a.yaml"),
    }


def test_without_git_an_empty_submodule_is_no_evidence(
    with_submodule: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(with_submodule, tmp_path / "copy", ignore=shutil.ignore_patterns(".git"))
    monkeypatch.chdir(tmp_path / "copy")
    inside = "webhooks/sub/sub.yaml"
    assert list_doubts(inside, "webhooks/gone.yaml") == {
        inside: (State.EMPTY_SUBMODULE, "webhooks/sub")
    }
    (tmp_path / "copy/webhooks/sub/other.yaml").write_text(webhook("other"))
    assert list_doubts(inside) == {}


def test_without_the_program_git_a_work_tree_gives_no_evidence(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repo / "empty"))
    assert shutil.which("git") is None
    assert list_doubts("webhooks/c.yaml", "webhooks/a.yaml") == {
        "webhooks/c.yaml": (State.NO_GIT, "")
    }


def test_a_repository_that_git_refuses_gives_no_evidence(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "GIT_TEST_ASSUME_DIFFERENT_OWNER", "1"
    )  # git's own switch, as if somebody else owned it
    found = find_doubts(load(make_request((".",))), ["webhooks/c.yaml"])
    assert [(doubt.state, doubt.detail) for doubt in found.values()] == [
        (State.GIT_REFUSES, os.path.realpath(repo))
    ]


def test_a_repository_that_git_cannot_read_gives_no_evidence(repo: Path) -> None:
    (repo / ".git/index").write_bytes(b"scrambled")
    found = find_doubts(load(make_request((".",))), ["webhooks/c.yaml"])
    (doubt,) = found.values()
    assert (doubt.state, doubt.place) == (State.GIT_FAILED, ".")
    assert "index" in doubt.detail


def test_a_hook_of_another_repository_does_not_mislead(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "update-index", "--skip-worktree", "webhooks/b.yaml")
    (repo / "webhooks/b.yaml").unlink()
    other = new(repo.parent / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    assert list_doubts("webhooks/b.yaml") == {"webhooks/b.yaml": (State.SPARSE, "webhooks/b.yaml")}


def test_every_state_has_a_reason_with_the_way_out() -> None:
    assert set(REASONS) == set(State)
    assert all("; " in reason for reason in REASONS.values())
