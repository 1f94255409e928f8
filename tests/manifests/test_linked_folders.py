"""Linked folders: followed inside the root, each folder read once, an error where they lead out of
it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.manifests import load
from tests.manifests.revisions import new
from tests.manifests.test_load import read, webhook
from tests.manifests.test_paths import problems_of
from tests.support.requests import make_request


def sources(*paths: str) -> dict[str, tuple[str, ...]]:
    return {item.key: item.sources for item in load(make_request(paths)).declared}


def test_a_linked_folder_inside_the_root_is_followed(here: Path) -> None:
    read(
        here,
        {
            "webhooks/a.yaml": webhook("a"),
            "shared/b.yaml": webhook("b"),
            "shared/deep/c.yaml": webhook("c"),
        },
    )
    (here / "webhooks/linked").symlink_to("../shared")
    assert sources("webhooks") == {
        "a": ("webhooks/a.yaml",),
        "b": ("webhooks/linked/b.yaml",),
        "c": ("webhooks/linked/deep/c.yaml",),
    }


def test_a_folder_that_links_lead_to_as_well_is_read_once_by_its_own_path(here: Path) -> None:
    read(here, {"a/one.yaml": webhook("one"), "z/two.yaml": webhook("two")})
    (here / "a/again").symlink_to("../z")
    (here / "a/more").symlink_to(here / "z")
    assert sources(".") == {"one": ("a/one.yaml",), "two": ("z/two.yaml",)}
    assert sources("a", "z") == {"one": ("a/one.yaml",), "two": ("z/two.yaml",)}


def test_links_in_a_circle_end(here: Path) -> None:
    read(
        here,
        {"a/one.yaml": webhook("one"), "b/two.yaml": webhook("two"), "c.yaml": webhook("three")},
    )
    (here / "a/b").symlink_to("../b")
    (here / "b/a").symlink_to("../a")
    (here / "a/self").symlink_to(".")
    (here / "a/up").symlink_to("..")
    assert sources("a") == {"one": ("a/one.yaml",), "two": ("a/b/two.yaml",)}


def test_a_linked_folder_outside_of_the_root_is_an_error(here: Path) -> None:
    read(here, {"webhooks/a.yaml": webhook("a")})
    read(here.parent / "elsewhere", {"b.yaml": webhook("b")})
    (here / "webhooks/out").symlink_to(here.parent / "elsewhere")
    (problem,) = problems_of(Path("webhooks"))
    assert (problem.origin.file, problem.rule, problem.severity) == (
        "webhooks/out",
        "path/linked-folder",
        "error",
    )
    assert problem.hint == "move the folder into the repository, or name it as a PATH too"
    assert problems_of(Path("webhooks"), here.parent / "elsewhere") == ()


def test_a_hidden_link_and_a_link_to_nothing_are_passed_over(here: Path) -> None:
    read(here, {"a.yaml": webhook("a")})
    read(here.parent / "elsewhere", {"b.yaml": webhook("b")})
    (here / ".out").symlink_to(here.parent / "elsewhere")
    (here / "nothing").symlink_to(here / "nowhere")
    assert sources(".") == {"a": ("a.yaml",)}


@pytest.mark.parametrize("with_git", [False, True])
def test_the_root_is_the_work_tree_or_else_the_folder_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_git: bool
) -> None:
    repository = tmp_path / "repository"
    read(repository, {"prod/a.yaml": webhook("a"), "shared/b.yaml": webhook("b")})
    if with_git:
        new(repository)
    (repository / "prod/shared").symlink_to("../shared")
    monkeypatch.chdir(repository / "prod")
    found = [problem.rule for problem in problems_of(Path())]
    assert found == ([] if with_git else ["path/linked-folder"])


def test_a_path_that_is_a_link_itself_is_a_folder_like_any_other(here: Path) -> None:
    read(here.parent / "elsewhere", {"b.yaml": webhook("b"), "c/d.yaml": webhook("d")})
    (here / "out").symlink_to(here.parent / "elsewhere")
    (here.parent / "elsewhere/again").symlink_to("c")
    assert sources("out") == {"b": ("out/b.yaml",), "d": ("out/c/d.yaml",)}
