"""The statuses of the commit in use: one per Tenant, or a single one if there are many Tenants,
since forges limit how many requests may create something in an hour. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from reconciler.continuous.forges.commit_status import CommitStatus
from reconciler.continuous.forges.commit_status import State as StatusState
from reconciler.continuous.results import Result, State

CONTEXT: Final = "reconciler"
MOST: Final = 20  # Tenants that have a status each
_STATES: Final = {
    State.FAILED: StatusState.ERROR,
    State.REFUSED: StatusState.FAILURE,
}  # worst first


class CommitStatuses:
    """`link` is the address of the agent's page, "" if nobody can open it."""

    def __init__(self, link: str) -> None:
        self._link = link
        self._revision = ""
        self._known: dict[str, CommitStatus | None] = {}  # by Tenant, of the revision

    def begin(self, revision: str, tenants: Collection[str]) -> tuple[CommitStatus, ...]:
        """A commit is in use; its Tenants will run."""
        self._revision, self._known = revision, dict.fromkeys(tenants)
        if len(self._known) > MOST:
            return (self._summarize(),)
        return tuple(self.make(revision, tenant) for tenant in tenants)

    def note(self, result: Result) -> CommitStatus:
        """The status to publish after a run."""
        text = result.describe_failure() or result.hold or _describe_state(result)
        state = _STATES.get(result.state, StatusState.SUCCESS)
        status = self.make(result.revision, result.tenant, state, text)
        if result.revision == self._revision and result.tenant in self._known:
            self._known[result.tenant] = status
        return self._summarize() if len(self._known) > MOST else status

    def make(
        self,
        revision: str,
        tenant: str = "",
        state: StatusState = StatusState.PENDING,
        text: str = "not reconciled yet",
    ) -> CommitStatus:
        """A status of a Tenant, or of the whole commit."""
        context = f"{CONTEXT}/{tenant}" if tenant else CONTEXT
        return CommitStatus(revision, context, state, text, self._link)

    def _summarize(self) -> CommitStatus:
        """One status for all Tenants: the worst, with the first Tenant that has it."""
        done = {tenant: status for tenant, status in self._known.items() if status is not None}
        count = f"{len(self._known):,} Tenants"
        for state in _STATES.values():
            bad = {tenant: status for tenant, status in done.items() if status.state is state}
            if bad:
                tenant, status = next(iter(sorted(bad.items())))
                text = f"{len(bad):,} of {count}: {tenant}: {status.description}"
                return self.make(self._revision, "", state, text)
        if len(done) < len(self._known):
            return self.make(self._revision)
        return self.make(self._revision, "", StatusState.SUCCESS, f"{count} are reconciled")


def _describe_state(result: Result) -> str:
    counts = result.describe_counts()
    return f"{result.state}{f': {counts}' if counts else ''}"
