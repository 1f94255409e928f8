"""Where these tests run: in a folder, or a repository, of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifests.revisions import commit, git, new, put
from tests.support.processes import webhook


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    return tmp_path / "repository"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the webhooks a and b, tagged `then`; the current folder."""
    folder = new(tmp_path / "repo")
    put(folder, webhooks__a=webhook("a"), webhooks__b=webhook("b"))
    commit(folder)
    git(folder, "tag", "then")
    monkeypatch.chdir(folder)
    return folder
