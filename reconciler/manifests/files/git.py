"""A repository at one commit, through git's plumbing commands. Nothing is checked out, written or
configured.

A user types the revision, and git's messages are not always for users: the messages here are.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from subprocess import DEVNULL, PIPE
from typing import IO, Final

from reconciler.core.errors import BadRequest, GitFailed
from reconciler.manifests.files.trees import show_path

LINK: Final = "120000"
SUBMODULE: Final = "160000"
# names in one batch: they and a line each fit into a pipe, so that neither process waits
_BATCH_SIZE: Final = 500
_SHORT: Final = 40  # digits of SHA-1, git's usual
_CHUNK: Final = 1024 * 1024  # bytes
# A hook sets these for its own repository; here the path decides which repository it is.
_OF_A_HOOK: Final = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a commit: its path from the top, mode and object id."""

    path: str
    mode: str
    id: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """Paths from the top that may be missing in the work tree: files that git skips there (sparse
    checkout), and submodules.
    """

    sparse: frozenset[str]
    submodules: frozenset[str]


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository around a folder; `top` is the real path of its work tree. A bare one has none:
    `top` is its own folder, and its submodules cannot be read.
    """

    top: str
    env: Mapping[str, str] = field(repr=False, compare=False)
    option: str = field(default="--since", compare=False)  # the option that messages mention
    is_bare: bool = False

    def find_commit(self, rev: str) -> str:
        """The full id of a revision's commit; raises BadRequest with what to do."""
        is_invalid = not rev or rev.startswith("-") or not rev.isprintable()
        result = (
            None
            if is_invalid
            else self._run("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
        )
        if result is not None and result.returncode == 0:
            return result.stdout.decode().strip()
        reason = "that is no revision" if is_invalid else self._explain_missing(rev)
        raise BadRequest(f"{self.option} {rev}: {reason}")

    def has_commit(self, commit: str) -> bool:
        """Whether the commit with its files is in this clone."""
        return self._run("cat-file", "-e", f"{commit}^{{tree}}").returncode == 0

    def _explain_missing(self, rev: str) -> str:
        if (
            self._run("cat-file", "-e", rev).returncode == 0
        ):  # rev-parse takes any full id, there or not
            return "is not a commit"
        if (
            self._run(
                "rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{rev}^{{commit}}"
            ).returncode
            == 0
        ):
            return f"no such revision here; did you mean origin/{rev}?"
        if self._run("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
            return (
                "not in this clone, which is shallow: fetch it (git fetch --unshallow; in CI "
                "a checkout with the whole history)"
            )
        return "no such revision in this repository"

    def list_entries(self, commit: str, paths: Sequence[str]) -> list[Entry]:
        """Every file of the commit under these paths from the top, "" for all; raises GitFailed,
        also for a submodule of a bare repository.
        """
        output = self._run_checked(
            "ls-tree", "-r", "-z", "--full-tree", commit, "--", *([] if "" in paths else paths)
        )
        entries = []
        for line in filter(None, output.split(b"\0")):
            head, _, path = line.partition(b"\t")
            mode, _, name = head.decode().split(" ")
            if self.is_bare and mode == SUBMODULE:
                raise GitFailed(
                    f"{show_path(os.fsdecode(path))} is a submodule, and only the files of the "
                    "repository itself are read"
                )
            entries.append(Entry(os.fsdecode(path), mode, name))
        return entries

    def find_renames(self, commit: str) -> dict[str, str]:
        """Path now -> path in the commit, for each file that git sees as renamed; raises
        GitFailed.
        """
        output = self._run_checked(
            "diff-index", "-M", "--diff-filter=R", "--name-status", "-z", commit, "--"
        ).split(b"\0")
        return {
            os.fsdecode(new_path): os.fsdecode(old_path)
            for old_path, new_path in zip(output[1::3], output[2::3], strict=False)
        }

    def list_excluded(self, names: Sequence[str]) -> Excluded:
        """The paths that git keeps out of the work tree under these paths from the top, "" for all;
        raises GitFailed.
        """
        output = self._run_checked(
            "ls-files", "--stage", "-t", "-z", "--", *([] if "" in names else names)
        )
        sparse: set[str] = set()
        submodules: set[str] = set()
        for line in filter(None, output.split(b"\0")):
            tag, mode = line[:1], line[2:8]
            if tag == b"S" or mode == SUBMODULE.encode():
                path = os.fsdecode(line.partition(b"\t")[2])
                (sparse if tag == b"S" else submodules).add(path)
        return Excluded(frozenset(sparse), frozenset(submodules))

    def read_blobs(
        self, names: Sequence[str], max_bytes: int, *, follow: bool = False
    ) -> Iterator[bytes | None]:
        """The contents behind object names, at most `max_bytes` of each; None if it is no file.
        `follow` follows links.
        """
        options = ["--follow-symlinks"] if follow else []
        command = self._make_command("cat-file", "--batch", *options)
        with subprocess.Popen(  # noqa: S603  git itself
            command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=self.env
        ) as process:
            if process.stdin is None or process.stdout is None:  # both were asked for
                return
            for start in range(0, len(names), _BATCH_SIZE):
                part = names[start : start + _BATCH_SIZE]
                process.stdin.write(b"".join(os.fsencode(name) + b"\n" for name in part))
                process.stdin.flush()
                for _ in part:
                    yield _read_blob(process.stdout, max_bytes)

    def _make_command(self, *arguments: str) -> list[str]:
        return ["git", "-C", self.top, "--no-optional-locks", "--no-replace-objects", *arguments]

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return _run(self._make_command(*arguments), self.env)

    def _run_checked(self, *arguments: str) -> bytes:
        result = self._run(*arguments)
        if result.returncode:
            raise GitFailed(f"git {arguments[0]} failed: {_first_line(result.stderr)}")
        return result.stdout


def make_blob_id(data: bytes, length: int) -> str:
    """The id that git gives a file of these bytes; `length` is the number of hexadecimal digits of
    the repository's ids.
    """
    make = hashlib.sha1 if length == _SHORT else hashlib.sha256  # no signature: git's own names
    return make(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def make_git_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment that git gets: no hook's repository, English, no prompt."""
    variables = {name: value for name, value in env.items() if name not in _OF_A_HOOK}
    return variables | {"LC_ALL": "C", "GIT_LITERAL_PATHSPECS": "1", "GIT_TERMINAL_PROMPT": "0"}


def read_settings(folder: str, pattern: str, env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Name and value of each matching setting of the repository around a folder; none if git fails.

    A setting is only read, so the work tree of a different user (in a container, for example) is no
    danger.
    """
    variables = {name: value for name, value in env.items() if name not in _OF_A_HOOK}
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "-C",
        folder,
        "config",
        "-z",
        "--get-regexp",
        pattern,
    ]
    try:
        result = _run(command, variables)
    except (GitFailed, OSError):
        return ()
    lines = filter(None, result.stdout.decode(errors="replace").split("\0"))
    return tuple((name, value) for name, _, value in (line.partition("\n") for line in lines))


def find_repository(folder: str, env: Mapping[str, str], option: str = "--since") -> Repository:
    """The repository around a folder. Raises BadRequest if there is none, GitFailed if git
    fails.
    """
    git_environment = make_git_environment(env)
    result = _run(["git", "-C", folder, "rev-parse", "--show-toplevel"], git_environment)
    if result.returncode == 0:
        return Repository(os.fsdecode(result.stdout.removesuffix(b"\n")), git_environment, option)
    message = _first_line(result.stderr)
    if "not a git repository" in message or "must be run in a work tree" in message:
        raise BadRequest(
            f"{option}: {show_path(folder)} is not in the work tree of a git repository"
        )
    if "dubious ownership" in message:
        raise GitFailed(
            "git refuses a repository of another user: git config --global --add "
            "safe.directory FOLDER allows it"
        )
    raise GitFailed(f"git cannot find the repository of {show_path(folder)}: {message}")


def _run(command: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, stdin=DEVNULL, capture_output=True, env=env, check=False)  # noqa: S603  git itself
    except FileNotFoundError:
        raise GitFailed(
            "git is not installed, and --since and --policies-at ask it what the files were"
        ) from None


def _first_line(stderr: bytes) -> str:
    """The first line of git's message."""
    return (stderr.decode(errors="replace").strip().splitlines() or ["it does not say why"])[
        0
    ].removeprefix("fatal: ")


def _read_blob(stream: IO[bytes], max_bytes: int) -> bytes | None:
    """One answer of `git cat-file --batch`; raises GitFailed if it ends early."""
    head = stream.readline().split()
    if not head:
        raise GitFailed(
            "git cat-file ended early: the repository may be damaged, or a part of it not fetched"
        )
    if head[-1] in {b"missing", b"ambiguous"} or not head[-1].isdigit():
        return None
    size = int(head[-1])
    data = stream.read(min(size, max_bytes))
    remaining = size - len(data) + 1
    while remaining > 0:
        remaining -= len(stream.read(min(remaining, _CHUNK))) or remaining
    return data if len(head) == 3 and head[1] == b"blob" else None
