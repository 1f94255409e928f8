"""History only moves forward, and every new commit is one to verify."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.continuous.git.errors import RewoundBranch
from reconciler.continuous.git.history import check_history, list_unverified
from reconciler.continuous.git.mirror import Mirror
from tests.continuous.git.remotes import commit, git, make_remote, open_mirror


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_remote(tmp_path / "remote")


@pytest.fixture
def mirror(tmp_path: Path, remote: Path) -> Mirror:
    return open_mirror(tmp_path / "mirror", remote)


def test_history_that_moves_forward_passes(mirror: Mirror, remote: Path) -> None:
    first = mirror.fetch(30)
    second, third = commit(remote), commit(remote)
    assert mirror.fetch(30) == third
    for applied in (None, first, second, third):
        check_history(mirror, applied, third, allow_rewind=False)
    assert list_unverified(mirror, first, third) == (second, third)
    assert list_unverified(mirror, third, third) == ()


def test_at_the_first_start_only_the_newest_commit_is_verified(
    mirror: Mirror, remote: Path
) -> None:
    commit(remote)
    head = mirror.fetch(30)
    assert list_unverified(mirror, None, head) == (head,)


def test_a_branch_that_was_rewound_is_refused_unless_that_is_allowed(
    mirror: Mirror, remote: Path
) -> None:
    first = mirror.fetch(30)
    applied = commit(remote)
    mirror.fetch(30)
    git(remote, "reset", "-q", "--hard", first)
    head = mirror.fetch(30)
    text = f"commit {head[:12]} does not contain {applied[:12]}, the last applied one"
    with pytest.raises(RewoundBranch, match=text):
        check_history(mirror, applied, head, allow_rewind=False)
    check_history(mirror, applied, head, allow_rewind=True)
    assert list_unverified(mirror, applied, head) == (head,)


def test_a_branch_that_was_rewritten_is_refused(mirror: Mirror, remote: Path) -> None:
    mirror.fetch(30)
    applied = commit(remote)
    mirror.fetch(30)
    git(remote, "commit", "-q", "--amend", "--allow-empty", "-m", "instead")
    head = mirror.fetch(30)
    with pytest.raises(RewoundBranch, match="pass --allow-rewind"):
        check_history(mirror, applied, head, allow_rewind=False)
    assert list_unverified(mirror, applied, head) == (head,)


def test_a_last_applied_commit_that_nobody_has_any_more_is_a_rewind(mirror: Mirror) -> None:
    head = mirror.fetch(30)
    with pytest.raises(RewoundBranch):
        check_history(mirror, "f" * 40, head, allow_rewind=False)
    assert list_unverified(mirror, "f" * 40, head) == (head,)
