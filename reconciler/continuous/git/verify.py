"""Whether commits are signed by listed keys, by git's own check.

No setting counts but those here: not the user's, not the system's, not the repository's. The
programs are the ones on the PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGPIPE
from typing import Final

from reconciler.continuous.git.environment import make_local_environment, make_settings
from reconciler.continuous.git.errors import SignatureReason, UnsignedCommit
from reconciler.continuous.git.failures import show_line
from reconciler.continuous.git.leftovers import VERIFY
from reconciler.continuous.git.mirror import Mirror, check_id
from reconciler.continuous.git.process import Call, Finished, run_program
from reconciler.continuous.git.signers import AllowedSigners
from reconciler.core.errors import BadRequest, GitFailed

_BATCH: Final = 100  # commits per process
_PROCESSES: Final = 4
_SHOWN: Final = 12  # digits of an id in a message
_GOOD: Final = "G"  # git's letter for a good signature of a trusted key
_KEYS: Final = "keys"
# characters of a path below which gpg finds room for its sockets: the system's limit is 107
_LONGEST_FOLDER: Final = 60
_NO_PROGRAM: Final = "false"  # of gpg's formats, if the file of signers has others
# the file of keys is all that is trusted; nothing is fetched, and no agent is started
_GPG_SETTINGS: Final = """\
batch
no-greeting
no-autostart
disable-dirmngr
no-auto-key-retrieve
no-auto-key-locate
trust-model always
"""
_FOREIGN: Final = "incompatible signature"  # of git's message
_FORMATS: Final = {"ssh": "SSH", "openpgp": "OpenPGP"}
_REASONS: Final[Mapping[str, tuple[SignatureReason, str]]] = {
    "N": ("unsigned", "is not signed"),
    "B": ("bad-signature", "has a signature that is not valid for its content"),
    "U": ("unknown-key", "is signed by a key that is not listed"),
    "E": ("unknown-key", "is signed by a key that is not listed"),
    "X": ("expired", "has a signature that expired"),
    "Y": ("expired", "is signed by a key that expired"),
    "R": ("expired", "is signed by a key that was revoked"),
}


@dataclass(frozen=True, slots=True)
class _Check:
    """What one verification needs; its folder holds the keys."""

    mirror: Mirror
    signers: AllowedSigners
    env: Mapping[str, str]
    settings: Sequence[str]

    def find_letters(self, commits: Sequence[str]) -> list[str]:
        """Git's letter for the signature of each commit; raises GitFailed."""
        result = self.log(commits, "%H %G?")
        if result.code == -SIGPIPE or (result.code and _FOREIGN in result.errors):
            # at a signature that is in no format, or that its program stops reading, git ends, and
            # does not say which one it was
            if len(commits) == 1:
                return [""]
            return [letter for commit in commits for letter in self.find_letters([commit])]
        if result.code:
            raise GitFailed(f"git log failed: {_first_line(result)}")
        lines = [line.partition(" ") for line in result.output.decode("ascii").splitlines()]
        if [line[0] for line in lines] != list(commits):
            raise GitFailed("git log did not report every commit, so none counts as verified")
        return [line[2] for line in lines]

    def log(self, commits: Sequence[str], form: str) -> Finished:
        """One line per commit, in their order."""
        options = ("--stdin", "--no-walk=unsorted", "--no-patch", "--no-color", f"--format={form}")
        given = "".join(f"{commit}\n" for commit in commits).encode()
        return self.mirror.run(Call([*self.settings, "log", *options], self.env, given))


def verify_commits(
    mirror: Mirror, commits: Sequence[str], signers: AllowedSigners, env: Mapping[str, str]
) -> None:
    """Raises UnsignedCommit for the first of the commits that no listed key signed.

    Every commit is checked, also those of merged branches: pass all that `list_unverified` lists.
    At the first start that is the newest commit alone: there is no base, and its signature covers
    all of its files.

    An SSH key has to be valid at the time that the commit states, an OpenPGP key now. Raises
    GitFailed if the check itself fails, and BadRequest if the file of signers has no usable key.
    """
    unique = list(dict.fromkeys(map(check_id, commits)))
    if not unique:
        return
    batches = [unique[start : start + _BATCH] for start in range(0, len(unique), _BATCH)]
    with _prepare(mirror, signers, env) as check:
        pool = ThreadPoolExecutor(min(_PROCESSES, os.cpu_count() or 1, len(batches)))
        try:
            for batch, letters in zip(batches, pool.map(check.find_letters, batches), strict=True):
                for commit, letter in zip(batch, letters, strict=True):
                    if letter != _GOOD:
                        raise _refuse(check, commit, letter)
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _prepare(mirror: Mirror, signers: AllowedSigners, env: Mapping[str, str]) -> Iterator[_Check]:
    """A folder with the keys, and the settings that name it."""
    programs = {"openpgp": "gpg", "ssh": "ssh-keygen"}
    if shutil.which(programs[signers.kind], path=env.get("PATH")) is None:
        raise GitFailed(f"{programs[signers.kind]} is not installed, and verifies the signatures")
    parent = mirror.folder.absolute()
    if signers.kind == "openpgp" and len(str(parent)) > _LONGEST_FOLDER:
        parent = Path(tempfile.gettempdir())
    with _make_folder(parent, signers.data) as folder:
        variables = make_local_environment(env, mirror.folder)
        variables |= {"HOME": str(folder), "GNUPGHOME": str(folder)}
        keys = folder / _KEYS
        if signers.kind == "openpgp":
            _import_keys(keys, signers, variables)
        yield _Check(mirror, signers, variables, _make_check_settings(signers, keys))


@contextmanager
def _make_folder(parent: Path, keys: bytes) -> Iterator[Path]:
    """A private folder with the keys, only while it is needed; raises GitFailed."""
    folder = None
    try:
        try:
            folder = Path(tempfile.mkdtemp(prefix=VERIFY, dir=parent))
            (folder / _KEYS).write_bytes(keys)
            (folder / "gpg.conf").write_text(_GPG_SETTINGS, encoding="ascii")
        except OSError as error:
            raise GitFailed(f"{parent}: cannot be written: {error.strerror}") from None
        yield folder
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _make_check_settings(signers: AllowedSigners, keys: Path) -> list[str]:
    """A signature of another format than the file's has no program, or no key, that could accept
    it.
    """
    is_ssh = signers.kind == "ssh"
    gpg = _NO_PROGRAM if is_ssh else "gpg"
    return make_settings(
        {
            "gpg.program": gpg,
            "gpg.openpgp.program": gpg,
            "gpg.x509.program": _NO_PROGRAM,
            "gpg.ssh.program": "ssh-keygen",
            "gpg.ssh.allowedSignersFile": str(keys) if is_ssh else os.devnull,
            "gpg.minTrustLevel": "fully",
            "log.showSignature": "false",
        }
    )


def _import_keys(keys: Path, signers: AllowedSigners, env: Mapping[str, str]) -> None:
    """Raises BadRequest unless every key of the file is usable."""
    result = run_program(Call(["--status-fd=1", "--import", str(keys)], env, program="gpg"))
    if result.code or b"IMPORT_OK" not in result.output:
        raise BadRequest(
            f"--verify {signers.name}: gpg cannot import its keys: {_first_line(result)}"
        )


def _refuse(check: _Check, commit: str, letter: str) -> UnsignedCommit:
    """The error, with the key if it is known; nothing else that the commit says."""
    reason, text = _REASONS.get(letter, ("bad-signature", "has a signature that git does not know"))
    key = check.log([commit], "%GK").output.decode(errors="replace").strip()
    if letter == "N" and _is_signed(check, commit):
        reason, text = (
            "unknown-key",
            f"is signed, but not with a key of {_FORMATS[check.signers.kind]}",
        )
    elif letter == "U" and key in check.signers.fingerprints:
        reason = "expired"
        text = "is signed by a listed key that is not valid for git at the time of the commit"
    if re.fullmatch(r"[A-Za-z0-9+/:]{8,100}", key):
        text += f" ({key})"
    return UnsignedCommit(
        f"commit {commit[:_SHOWN]} {text}. Each commit must be signed by a key in "
        f"{check.signers.name}; nothing of this revision was applied",
        commit,
        reason,
    )


def _first_line(result: Finished) -> str:
    return show_line(result.errors.partition("\n")[0])


def _is_signed(check: _Check, commit: str) -> bool:
    """Whether the commit has the header of a signature, of any format."""
    result = check.mirror.run(Call(("cat-file", "commit", commit), check.env))
    header = result.output.partition(b"\n\n")[0]
    return any(line.startswith(b"gpgsig") for line in header.splitlines())
