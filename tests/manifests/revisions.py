"""Real git repositories, and the manifests as of a revision of theirs. Used by the tests of
--since.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from reconciler.core.saved.since import Base
from reconciler.manifests import load
from reconciler.manifests.history.base_manifests import load_base
from tests.support.requests import make_request

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


def then(*paths: str, rev: str = "then", **options: object) -> Base:
    """The base; the same whether what is parsed of now is used again or not."""
    request = make_request(paths or (".",), **{"env": ENV, "secrets": "warn", **options})
    found = load_base(rev, load(request), request)
    keeping = replace(request, files=replace(request.files, keep=True))
    again = load_base(rev, load(keeping), keeping)
    assert again == found
    assert [dict(one.subscription_origins) for one in again.declared] == [
        dict(one.subscription_origins) for one in found.declared
    ]
    return found


def keys(found: Base) -> list[str]:
    return sorted(item.key for item in found.declared)
