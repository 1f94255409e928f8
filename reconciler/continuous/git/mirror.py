"""A bare copy of one branch of a remote repository, in the state folder.

Nothing is checked out. The newest commit is `refs/reconciler/head`; the last applied commit of each
Tenant has a ref of its own, so that a branch that was rewound takes nothing away.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.continuous.git.address import check_address, hide_users, is_http
from reconciler.continuous.git.environment import (
    SSH,
    make_local_environment,
    make_remote_environment,
    make_settings,
)
from reconciler.continuous.git.errors import FetchFailed
from reconciler.continuous.git.failures import explain_failure, show_line
from reconciler.continuous.git.leftovers import remove_fetch_leftovers, remove_leftovers
from reconciler.continuous.git.process import Call, Finished, run_program
from reconciler.core.errors import BadRequest, GitFailed
from reconciler.manifests.files.git import Repository

_HEAD: Final = "refs/reconciler/head"
_APPLIED: Final = "refs/reconciler/applied/"
_OLDEST_GIT: Final = (2, 34)  # the first that verifies SSH signatures
_MOVED: Final = "but expected"  # of a ref, in git's message
_NAME_LENGTH: Final = 200
_PARTS: Final = {"HEAD", "config", "objects", "refs"}  # of a bare repository
_ID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Mirror:
    """Follows `branch` of `url`. Raises BadRequest for an address with a password, or one that is
    not secure.

    One process uses the folder, and one thread at a time fetches: the caller holds the lock of the
    state folder.
    """

    folder: Path
    url: str
    branch: str
    env: Mapping[str, str] = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuses an address before git gets it."""
        check_address(self.url)

    def open(self) -> None:
        """Makes the repository, or takes over one, however it was left. Raises GitFailed, and
        BadRequest for an invalid branch name.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            names = {path.name for path in self.folder.iterdir()}
        except OSError as error:
            raise GitFailed(f"{self.folder}: cannot be used: {error.strerror}") from None
        if names and not names & _PARTS:
            raise GitFailed(f"{self.folder}: is not empty, and no repository of the agent")
        self._check_git()
        remove_leftovers(self.folder)
        self._run_checked("init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        if self._run("check-ref-format", f"refs/heads/{self.branch}").code:
            raise BadRequest(f"--branch {self.branch}: is not a valid name of a branch")

    def fetch(self, timeout: float) -> str:
        """The id of the branch's newest commit, after a fetch; the branch may have been rewound.

        Raises FetchFailed. After `timeout` seconds git is killed, and the mirror is as before.
        """
        result = self._fetch(timeout)
        if _MOVED in result.errors:  # by git of an earlier run that was killed, and ended just now
            result = self._fetch(timeout)
        if result.code:
            remove_fetch_leftovers(self.folder)
            raise explain_failure(self.url, self.branch, str(self.folder), result.errors)
        self._tidy(timeout)
        head = self._run("rev-parse", "--verify", "--quiet", f"{_HEAD}^{{commit}}")
        if head.code:
            raise FetchFailed(f"branch {self.branch} does not lead to a commit", "other")
        return head.output.decode().strip()

    def has(self, commit: str) -> bool:
        """Whether the commit is in the mirror."""
        return self._run("cat-file", "-e", f"{check_id(commit)}^{{commit}}").code == 0

    def contains(self, ancestor: str, commit: str) -> bool:
        """Whether `ancestor` is in the history of `commit`, which has to be in the mirror."""
        if not self.has(commit):
            raise GitFailed(f"commit {check_id(commit)[:12]} is not in {self.folder}")
        if not self.has(ancestor):
            return False
        result = self._run("merge-base", "--is-ancestor", ancestor, commit)
        if result.code not in {0, 1}:
            raise GitFailed(f"git merge-base failed: {_first_line(result)}")
        return result.code == 0

    def list_commits(self, since: str | None, until: str) -> tuple[str, ...]:
        """Every commit in the history of `until` and not in that of `since`, with the side branches
        of merges; parents come first.
        """
        excluded = [] if since is None else [f"^{check_id(since)}"]
        output = self._run_checked(
            "rev-list", "--topo-order", "--reverse", check_id(until), *excluded, "--"
        )
        return tuple(output.decode().split())

    def keep(self, name: str, commit: str) -> None:
        """Keeps a commit with its history as the last applied one of a Tenant, instead of the one
        before.
        """
        self._run_checked("update-ref", _make_ref(name), check_id(commit))

    def repository(self) -> Repository:
        """The mirror, for code that reads the files of a commit."""
        return Repository(
            str(self.folder.absolute()), self.local_env, option="--branch", is_bare=True
        )

    @property
    def local_env(self) -> dict[str, str]:
        """The environment of calls that stay on this machine."""
        return make_local_environment(self.env, self.folder)

    def run(self, call: Call) -> Finished:
        """Runs git with the mirror's settings; raises TimeoutError and GitFailed."""
        arguments = [*make_settings(), "--no-replace-objects", *call.arguments]
        return run_program(Call(arguments, call.env, call.given, call.timeout))

    def _run(self, *arguments: str) -> Finished:
        return self.run(Call(arguments, self.local_env))

    def _run_checked(self, *arguments: str) -> bytes:
        result = self._run(*arguments)
        if result.code:
            raise GitFailed(
                f"git {arguments[0]} in {self.folder} failed: {_first_line(result)}. If the folder "
                "is damaged, delete it: the next run fetches it again"
            )
        return result.output

    def _fetch(self, timeout: float) -> Finished:
        try:
            return self._run_remote(
                timeout,
                "fetch",
                *("--quiet", "--force", "--no-tags", "--no-prune", "--no-recurse-submodules"),
                *("--no-write-fetch-head", "--no-auto-maintenance", "--"),
                self.url,
                f"+refs/heads/{self.branch}:{_HEAD}",
            )
        except TimeoutError:
            remove_fetch_leftovers(self.folder)
            raise FetchFailed(
                f"{hide_users(self.url)}, branch {self.branch}: was not fetched within "
                f"{timeout:g} s",
                "unreachable",
            ) from None

    def _run_remote(self, timeout: float, *arguments: str) -> Finished:
        env = make_remote_environment(self.env, self.folder, allow_http=is_http(self.url))
        has_ssh = bool({"GIT_SSH_COMMAND", "GIT_SSH"} & env.keys())
        if not has_ssh and self.run(Call(("config", "--get", "core.sshCommand"), env)).code:
            env["GIT_SSH_COMMAND"] = SSH
        return self.run(Call(arguments, env, timeout=timeout))

    def _tidy(self, timeout: float) -> None:
        """Packs what many fetches brought; objects without a ref stay for two weeks. That it
        failed is no matter: the next fetch repeats it, and reports a full disk.
        """
        with suppress(TimeoutError):
            self.run(Call(("gc", "--auto", "--quiet"), self.local_env, timeout=timeout))

    def _check_git(self) -> None:
        text = self._run_checked("version").decode(errors="replace")
        found = re.search(r"(\d+)\.(\d+)", text)
        if found is not None and tuple(map(int, found.groups())) < _OLDEST_GIT:
            raise GitFailed(
                f"git {found[0]} is too old: the agent needs git 2.34 or newer (SSH signatures)"
            )


def check_id(commit: str) -> str:
    """A full id, so that git takes it for nothing else."""
    if _ID.fullmatch(commit) is None:
        raise GitFailed(f"{show_line(commit)} is not the full id of a commit")
    return commit


def _make_ref(name: str) -> str:
    """The ref of a Tenant: small letters, digits and hyphens as they are, all else as a number. A
    name that is too long for a file is its digest.
    """
    part = re.sub(r"[^a-z0-9-]", lambda char: f"_{ord(char[0]):x}_", name)
    if len(part) > _NAME_LENGTH:
        part = "_" + hashlib.sha256(name.encode()).hexdigest()
    return _APPLIED + part


def _first_line(result: Finished) -> str:
    return show_line(next(iter(result.errors.strip().splitlines()), ""))
