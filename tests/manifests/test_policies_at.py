"""The policies as of a revision, which a change of the work tree cannot change: real git
repositories.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.errors import BadRequest, InvalidManifests
from tests.manifests.judging import policy, read, tenant, webhook, write
from tests.manifests.revisions import ENV, commit, git, new

STRICT = policy("https")
LOOSE = policy("https", {"properties": {}})
PLAIN = webhook("plain", url="http://127.0.0.1:1/x")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose Tenant and policies stand in a folder of their own; the work tree has a
    webhook that breaks them.
    """
    folder = new(tmp_path / "repository")
    write(folder, {"hooks/tenant.yaml": tenant("production"), "hooks/policies/https.yaml": STRICT})
    commit(folder)
    git(folder, "tag", "base")
    write(folder, {"hooks/plain.yaml": PLAIN})
    monkeypatch.chdir(folder)
    return folder


def names(*paths: str, **options: Any) -> list[str]:
    """The rules that refuse the work tree's webhooks."""
    with pytest.raises(InvalidManifests) as raised:
        read(*paths, policies="judge", policies_at="base", env=ENV, **options)
    return [problem.rule for problem in raised.value.problems if problem.severity == "error"]


def edit(base: Path) -> None:
    write(base, {"hooks/policies/https.yaml": LOOSE})


def remove(base: Path) -> None:
    shutil.rmtree(base / "hooks/policies")


def move_the_policies(base: Path) -> None:
    (base / "hooks/policies").rename(base / "hooks/rules")


def move_the_tenant(base: Path) -> None:
    write(base, {"other/policies/https.yaml": LOOSE})
    (base / "hooks/tenant.yaml").rename(base / "other/tenant.yaml")


def rename_the_tenant(base: Path) -> None:
    write(base, {"hooks/tenant.yaml": tenant("another"), "policies/https.yaml": LOOSE})
    remove(base)


def add_a_tenant(base: Path) -> None:
    write(base, {"other/tenant.yaml": tenant("another"), "policies/https.yaml": LOOSE})


def link_the_policies(base: Path) -> None:
    write(base, {"loose/https.yaml": LOOSE})
    remove(base)
    (base / "hooks/policies").symlink_to("../loose")


def link_the_folder(base: Path) -> None:
    write(
        base,
        {
            "loose/policies/https.yaml": LOOSE,
            "loose/tenant.yaml": tenant("production"),
            "loose/plain.yaml": PLAIN,
        },
    )
    shutil.rmtree(base / "hooks")
    (base / "hooks").symlink_to("loose")


@pytest.mark.parametrize(
    "change",
    [
        edit,
        remove,
        move_the_policies,
        move_the_tenant,
        rename_the_tenant,
        add_a_tenant,
        link_the_policies,
        link_the_folder,
    ],
)
@pytest.mark.parametrize("path", [".", "hooks"])
def test_a_change_is_judged_by_the_policies_that_were_there_before_it(
    base: Path, change: Any, path: str
) -> None:
    change(base)
    assert "policy/https" in names(path, lenient=True)


def test_a_message_names_the_revision_in_short(base: Path) -> None:
    full = git(base, "rev-parse", "base")
    with pytest.raises(InvalidManifests) as raised:
        read(policies="judge", policies_at=full, env=ENV)
    assert [problem.hint for problem in raised.value.problems] == [
        f"the policy is in {full[:12]}:hooks/policies/https.yaml:1:1"
    ]


def test_a_revision_without_policies_leaves_it_to_those_of_the_work_tree(base: Path) -> None:
    remove(base)
    (base / "hooks/plain.yaml").unlink()
    commit(base)
    git(base, "tag", "-f", "base")
    write(base, {"hooks/plain.yaml": PLAIN, "hooks/policies/https.yaml": STRICT})
    assert names() == ["policy/https"]


def test_each_tenant_of_several_is_judged_by_its_own(base: Path) -> None:
    write(base, {"other/tenant.yaml": tenant("other"), "other/policies/https.yaml": LOOSE})
    commit(base)
    git(base, "tag", "-f", "base")
    assert names(tenant="production") == ["policy/https"]
    assert read(policies="judge", policies_at="base", env=ENV, tenant="other").problems == ()


def test_a_folder_that_is_named_is_read_as_of_then(base: Path) -> None:
    (base / "hooks/policies").rename(base / "rules")
    commit(base)
    git(base, "tag", "-f", "base")
    shutil.rmtree(base / "rules")
    assert names(policies_dir="rules") == ["policy/https"]


def test_a_policy_of_then_that_is_broken_is_an_error_with_its_place(base: Path) -> None:
    write(base, {"hooks/policies/https.yaml": policy("https", {"typ": "object"})})
    commit(base)
    git(base, "tag", "-f", "base")
    edit(base)
    with pytest.raises(InvalidManifests) as raised:
        read(policies="judge", policies_at="base", env=ENV)
    assert str(raised.value.problems[0].origin).startswith("base:hooks/policies/https.yaml:1:")


def test_what_cannot_be_looked_up_is_an_error_that_says_what_to_do(
    base: Path, tmp_path: Path
) -> None:
    def said(**options: Any) -> str:
        with pytest.raises(BadRequest) as raised:
            read(policies="judge", env=ENV, **options)
        return str(raised.value)

    assert (
        said(policies_at="nothing") == "--policies-at nothing: no such revision in this repository"
    )
    assert "base has no folder rules; merge it first" in said(
        policies_at="base", policies_dir="rules"
    )
    assert "lies outside of the repository" in said(
        policies_at="base", policies_dir=str(tmp_path / "elsewhere")
    )
    (base / "policies").symlink_to("hooks/policies")
    remove(base)
    write(base, {"tenant.yaml": tenant("linked")})
    commit(base)
    assert "HEAD:policies is a link; name the folder" in said(policies_at="HEAD", tenant="linked")
