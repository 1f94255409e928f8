"""A repository as of one commit, through git's plumbing: nothing is checked out, written or
configured.

A revision is a name that somebody typed, and what git says of it is not always meant for people:
here it is put in words.
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
from reconciler.manifests.files.trees import shown

LINK: Final = "120000"
SUBMODULE: Final = "160000"
# names asked in one go: they and a line each fit into a pipe, so that neither side waits for the
# other
_AT_ONCE: Final = 500
_SHORT: Final = 40  # digits of SHA-1, git's usual
_CHUNK: Final = 1024 * 1024  # bytes
# A hook runs with these set for its own purposes; which repository is meant says the path.
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
class HeldBack:
    """Paths from the top of what need not be in the work tree: files that git skips there (sparse
    checkout), and submodules.
    """

    sparse: frozenset[str]
    submodules: frozenset[str]


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository that a folder lies in; `top` is its work tree's real path."""

    top: str
    env: Mapping[str, str] = field(repr=False, compare=False)
    option: str = field(default="--since", compare=False)  # which messages name

    def commit(self, rev: str) -> str:
        """The full id of the commit that a revision names; raises BadRequest with what to do about
        it.
        """
        odd = not rev or rev.startswith("-") or not rev.isprintable()
        done = None if odd else self._run("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
        if done is not None and done.returncode == 0:
            return done.stdout.decode().strip()
        raise BadRequest(
            f"{self.option} {rev}: {'that is no revision' if odd else self._why_not(rev)}"
        )

    def has(self, commit: str) -> bool:
        """Whether that commit is here, its files included."""
        return self._run("cat-file", "-e", f"{commit}^{{tree}}").returncode == 0

    def _why_not(self, rev: str) -> str:
        if (
            self._run("cat-file", "-e", rev).returncode == 0
        ):  # rev-parse takes any full id, there or not
            return "names something else than a commit"
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

    def entries(self, commit: str, paths: Sequence[str]) -> list[Entry]:
        """Every file of the commit under these paths from the top, "" for all; raises GitFailed."""
        listed = self._asked(
            "ls-tree", "-r", "-z", "--full-tree", commit, "--", *([] if "" in paths else paths)
        )
        found = []
        for line in filter(None, listed.split(b"\0")):
            head, _, path = line.partition(b"\t")
            mode, _, name = head.decode().split(" ")
            found.append(Entry(os.fsdecode(path), mode, name))
        return found

    def renamed(self, commit: str) -> dict[str, str]:
        """Path now -> path in the commit, of what git sees as moved between the commit and the work
        tree; raises GitFailed.
        """
        listed = self._asked(
            "diff-index", "-M", "--diff-filter=R", "--name-status", "-z", commit, "--"
        ).split(b"\0")
        return {
            os.fsdecode(now): os.fsdecode(then)
            for then, now in zip(listed[1::3], listed[2::3], strict=False)
        }

    def held_back(self, names: Sequence[str]) -> HeldBack:
        """What git keeps out of the work tree under these paths from the top, "" for all; raises
        GitFailed.
        """
        listed = self._asked(
            "ls-files", "--stage", "-t", "-z", "--", *([] if "" in names else names)
        )
        sparse: set[str] = set()
        submodules: set[str] = set()
        for line in filter(None, listed.split(b"\0")):
            tag, mode = line[:1], line[2:8]
            if tag == b"S" or mode == SUBMODULE.encode():
                path = os.fsdecode(line.partition(b"\t")[2])
                (sparse if tag == b"S" else submodules).add(path)
        return HeldBack(frozenset(sparse), frozenset(submodules))

    def blobs(
        self, names: Sequence[str], most: int, *, follow: bool = False
    ) -> Iterator[bytes | None]:
        """The contents behind object names, at most `most` bytes of each; None for what is no file.

        `follow` goes along links.
        """
        options = ["--follow-symlinks"] if follow else []
        command = self._command("cat-file", "--batch", *options)
        with subprocess.Popen(  # noqa: S603  git itself
            command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=self.env
        ) as process:
            if process.stdin is None or process.stdout is None:  # both were asked for
                return
            for start in range(0, len(names), _AT_ONCE):
                part = names[start : start + _AT_ONCE]
                process.stdin.write(b"".join(os.fsencode(name) + b"\n" for name in part))
                process.stdin.flush()
                for _ in part:
                    yield _blob(process.stdout, most)

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-C", self.top, "--no-optional-locks", "--no-replace-objects", *arguments]

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return _run(self._command(*arguments), self.env)

    def _asked(self, *arguments: str) -> bytes:
        done = self._run(*arguments)
        if done.returncode:
            raise GitFailed(f"git {arguments[0]} failed: {_said(done.stderr)}")
        return done.stdout


def blob_id(data: bytes, length: int) -> str:
    """The id that git gives a file of these bytes, in a repository whose ids have that many
    hexadecimal digits.
    """
    make = hashlib.sha1 if length == _SHORT else hashlib.sha256  # no signature: git's own names
    return make(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment that git gets: no hook's repository, English, no prompt."""
    given = {name: value for name, value in env.items() if name not in _OF_A_HOOK}
    return given | {"LC_ALL": "C", "GIT_LITERAL_PATHSPECS": "1", "GIT_TERMINAL_PROMPT": "0"}


def settings(folder: str, pattern: str, env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Name and value of every setting of the repository around a folder whose name fits; none where
    git cannot say.

    A setting is only read, so a work tree of another user (in a container, say) is no danger.
    """
    given = {name: value for name, value in env.items() if name not in _OF_A_HOOK}
    asked = ["git", "-c", "safe.directory=*", "-C", folder, "config", "-z", "--get-regexp", pattern]
    try:
        done = _run(asked, given)
    except (GitFailed, OSError):
        return ()
    lines = filter(None, done.stdout.decode(errors="replace").split("\0"))
    return tuple((name, value) for name, _, value in (line.partition("\n") for line in lines))


def repository_of(folder: str, env: Mapping[str, str], option: str = "--since") -> Repository:
    """The repository that a folder lies in; raises BadRequest where there is none, GitFailed where
    git cannot say.
    """
    given = environment(env)
    done = _run(["git", "-C", folder, "rev-parse", "--show-toplevel"], given)
    if done.returncode == 0:
        return Repository(os.fsdecode(done.stdout.removesuffix(b"\n")), given, option)
    said = _said(done.stderr)
    if "not a git repository" in said or "must be run in a work tree" in said:
        raise BadRequest(f"{option}: {shown(folder)} is not in the work tree of a git repository")
    if "dubious ownership" in said:
        raise GitFailed(
            "git refuses a repository of another user: git config --global --add "
            "safe.directory FOLDER allows it"
        )
    raise GitFailed(f"git cannot tell the repository of {shown(folder)}: {said}")


def _run(command: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, stdin=DEVNULL, capture_output=True, env=env, check=False)  # noqa: S603  git itself
    except FileNotFoundError:
        raise GitFailed(
            "git is not installed, and --since and --policies-at ask it what the files were"
        ) from None


def _said(stderr: bytes) -> str:
    """The first line of what git says."""
    return (stderr.decode(errors="replace").strip().splitlines() or ["it does not say why"])[
        0
    ].removeprefix("fatal: ")


def _blob(stream: IO[bytes], most: int) -> bytes | None:
    """One answer of `git cat-file --batch`; raises GitFailed where it ends early."""
    head = stream.readline().split()
    if not head:
        raise GitFailed(
            "git cat-file ended early: the repository may be damaged, or a part of it not fetched"
        )
    if head[-1] in {b"missing", b"ambiguous"} or not head[-1].isdigit():
        return None
    size = int(head[-1])
    data = stream.read(min(size, most))
    left = size - len(data) + 1
    while left > 0:
        left -= len(stream.read(min(left, _CHUNK))) or left
    return data if len(head) == 3 and head[1] == b"blob" else None
