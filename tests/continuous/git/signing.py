"""Real keys, and commits that are signed with them."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.continuous.git.remotes import ENV, git

COMMIT = ("commit", "-q", "--allow-empty", "-m", "signed")


@dataclass(frozen=True)
class SshKey:
    path: Path
    public: str  # type and key

    def run_git(self, remote: Path, *arguments: str, date: str = "") -> str:
        options = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={self.path}")
        return run_git(remote, (*options, *arguments), {}, date)

    def sign(self, remote: Path, *arguments: str, date: str = "") -> str:
        """A signed commit without changes, or what the arguments say instead."""
        self.run_git(remote, *(arguments or COMMIT), "-S", date=date)
        return git(remote, "rev-parse", "HEAD")


@dataclass(frozen=True)
class GpgKey:
    home: Path
    user: str

    def run(self, *arguments: str) -> str:
        return run_gpg(self.home, *arguments)

    def run_git(self, remote: Path, *arguments: str, date: str = "") -> str:
        options = ("-c", "gpg.format=openpgp", "-c", f"user.signingKey={self.user}")
        return run_git(remote, (*options, *arguments), {"GNUPGHOME": str(self.home)}, date)

    def sign(self, remote: Path, date: str = "") -> str:
        self.run_git(remote, *COMMIT, "-S", date=date)
        return git(remote, "rev-parse", "HEAD")

    def export(self, path: Path) -> Path:
        path.write_text(self.run("--armor", "--export", self.user))
        return path


def run_git(remote: Path, arguments: tuple[str, ...], env: dict[str, str], date: str) -> str:
    dates = {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date} if date else {}
    return subprocess.run(
        ["git", "-C", str(remote), *arguments],
        env={**ENV, **env, **dates},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def sign_many(key: SshKey | GpgKey, remote: Path, number: int) -> str:
    """A signed merge of that many signed commits, which are made at once."""
    head, tree = git(remote, "rev-parse", "HEAD"), git(remote, "rev-parse", "HEAD^{tree}")

    def sign(message: str, *parents: str) -> str:
        options = [part for parent in parents for part in ("-p", parent)]
        return key.run_git(remote, "commit-tree", "-S", "-m", message, tree, *options)

    with ThreadPoolExecutor(4) as pool:
        commits = list(pool.map(lambda one: sign(str(one), head), range(number - 1)))
    merge = sign("merge", *commits)
    git(remote, "update-ref", "refs/heads/main", merge)
    return merge


def make_ssh_key(path: Path, kind: str = "ed25519") -> SshKey:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", path], check=True)
    return SshKey(path, path.with_suffix(".pub").read_text().strip())


def make_gpg_key(home: Path, user: str, expires: str = "0", now: str = "") -> GpgKey:
    time = ("--faked-system-time", now) if now else ()
    none = ("--passphrase", "", "--pinentry-mode", "loopback")
    run_gpg(home, *time, *none, "--quick-gen-key", user, "ed25519", "sign", expires)
    return GpgKey(home, user)


def run_gpg(home: Path, *arguments: str) -> str:
    return subprocess.run(
        ["gpg", "--batch", "--yes", "--quiet", *arguments],
        env={**os.environ, "GNUPGHOME": str(home)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
