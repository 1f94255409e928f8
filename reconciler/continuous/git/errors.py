"""What can go wrong between a remote repository and a commit that may be applied."""

from __future__ import annotations

from typing import Literal

from reconciler.core.errors import GitFailed, ReconcilerError

FetchReason = Literal["unreachable", "unauthorized", "no-branch", "other"]
SignatureReason = Literal["unsigned", "unknown-key", "bad-signature", "expired"]


class FetchFailed(GitFailed):
    """The branch could not be fetched. Only `unreachable` may go away by itself."""

    def __init__(self, message: str, reason: FetchReason) -> None:
        """`reason` is for conditions and metrics, the message is for people."""
        super().__init__(message)
        self.reason = reason


class UnsignedCommit(ReconcilerError):
    """A commit without a valid signature of a listed key. The text has nothing that its author
    wrote.
    """

    kind = "unsigned-commit"

    def __init__(self, message: str, commit: str, reason: SignatureReason) -> None:
        """`commit` is the full id; `expired` also stands for a key that was revoked."""
        super().__init__(message)
        self.commit = commit
        self.reason = reason


class RewoundBranch(ReconcilerError):
    """The branch no longer contains the last applied commit."""

    kind = "rewound-branch"
