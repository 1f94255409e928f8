"""Why a fetch failed, from what git printed."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from reconciler.continuous.git.address import hide_users
from reconciler.continuous.git.errors import FetchFailed, FetchReason

_LENGTH: Final = 300  # characters of git's own message


class _Cause(NamedTuple):
    pattern: re.Pattern[str]
    reason: FetchReason
    text: str


def _cause(reason: FetchReason, text: str, *patterns: str) -> _Cause:
    return _Cause(re.compile("|".join(patterns), re.IGNORECASE), reason, text)


# the first that matches counts: a full disk also breaks the connection
_CAUSES: Final = (
    _cause(
        "other",
        "the disk of the state folder is full",
        "no space left on device",
        "disk quota exceeded",
    ),
    _cause(
        "other",
        "the state folder cannot be written",
        "read-only file system",
        "insufficient permission for adding an object",
        r"cannot lock ref .*permission denied",
    ),
    _cause(
        "no-branch",
        "has no branch of that name: check --branch",
        "couldn't find remote ref",
    ),
    _cause(
        "other",
        "the server's host key is not known: add it to known_hosts (ssh-keyscan prints it)",
        "host key verification failed",
        "host identification has changed",
    ),
    _cause(
        "unauthorized",
        "the credentials are missing or refused: give the agent's user a credential helper or an "
        "SSH key that may read it",
        "authentication failed",
        "could not read (username|password)",
        "permission denied",
        "terminal prompts disabled",
        r"returned error: 40[13]\b",
        "access denied",
    ),
    _cause(
        "other",
        "belongs to another user of this machine, and git refuses that: git config --global --add "
        "safe.directory FOLDER allows it",
        "dubious ownership",
    ),
    _cause(
        "other",
        "there is no repository, or the credentials may not see it",
        "does not appear to be a git repository",
        r"repository\b.*\bnot found",
        "is this a git repository",
        r"returned error: 404\b",
    ),
    _cause(
        "other",
        "the server's certificate is not trusted: add its authority to the system, or set "
        "http.sslCAInfo",
        "certificate",
    ),
    _cause(
        "other",
        "leads to a protocol that is not allowed, by a redirect or a setting url.….insteadOf",
        r"transport '.*' not allowed",
        "protocol .* (not supported|disabled)",
    ),
    _cause(
        "other",
        "sent objects that git finds faulty, so nothing was taken over",
        "fsck error",
        "error in object",
        "fsck",
    ),
    _cause(
        "unreachable",
        "cannot be reached",
        "could not resolve",
        "connection (refused|timed out|reset|closed)",
        "failed to connect",
        "couldn't connect",
        "timed out",
        "no route to host",
        "network is unreachable",
        r"returned error: (429|5\d\d)\b",
        "hung up unexpectedly",
        "early eof",
        "unexpected disconnect",
        "operation too slow",
        "empty reply",
    ),
)
_DAMAGED: Final = re.compile(
    r"object file .* is empty|loose object .* corrupt|bad object refs/|unable to resolve reference|"
    r"(pack|index) .* (corrupt|far too short|is invalid)|unable to read (tree|commit|sha1)",
    re.IGNORECASE,
)


def explain_failure(url: str, branch: str, folder: str, errors: str) -> FetchFailed:
    """The error for what git printed; lines of the server itself decide nothing."""
    lines = [line for line in errors.splitlines() if line and not line.startswith("remote:")]
    text = "\n".join(lines)
    where = f"{hide_users(url)}, branch {branch}"
    for cause in _CAUSES:
        if found := cause.pattern.search(text):
            line = lines[text.count("\n", 0, found.start())]
            return FetchFailed(f"{where}: {cause.text} (git: {show_line(line)})", cause.reason)
    if _DAMAGED.search(text):
        return FetchFailed(
            f"the copy of the repository in {folder} is damaged: delete that folder, and the next "
            f"run fetches it again (git: {show_line(lines[0])})",
            "other",
        )
    line = next((line for line in lines if line.startswith(("fatal:", "error:"))), "")
    return FetchFailed(f"{where}: git fetch failed: {show_line(line or ' '.join(lines))}", "other")


def show_line(line: str) -> str:
    """A line of git for people: one line, printable, without credentials."""
    text = hide_users(line.removeprefix("fatal: ").removeprefix("error: ").strip())
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown[:_LENGTH] or "it does not say why"
