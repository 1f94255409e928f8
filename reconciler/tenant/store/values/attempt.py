"""One attempt of a delivery: what is sent where, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from reconciler.core.model.webhook import Subscription
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.tenant.store.values.webhook import StoredAuth


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook's deliveries go, as it stood when they were claimed."""

    webhook_id: str
    name: str
    url: str = field(repr=False)
    auth: StoredAuth


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt that may be sent now: its number, how many attempts its round has with it, and
    the event.
    """

    seq: int
    number: int
    tries: int
    claimed_at: float
    target: Target
    event_id: str
    subscription: Subscription
    body: str = field(repr=False)
    accepted_at: float


NO_EVENT: Final = Subscription("", None, None)
# of the closed list in core/cause.py
INTERRUPTED: Final = "the sender stopped before an answer came"


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended; `wait` is in how many seconds it is made again, None for never."""

    claim: Claim
    outcome: Delivery
    wait: float | None

    @property
    def won(self) -> bool:
        """Whether the event was received."""
        return self.outcome.verdict is Verdict.DELIVERED

    def compute_next(self, now: float) -> float | None:
        """When it is made again, in epoch seconds as `now` is; None for never."""
        return None if self.wait is None else now + self.wait

    @property
    def row(self) -> tuple[int | float | str | None, ...]:
        """What is stored of it in `attempts`."""
        claim, outcome = self.claim, self.outcome
        ended = (
            outcome.verdict.value,
            outcome.status_code,
            outcome.detail,
            round(outcome.seconds, 6),
        )
        return (claim.seq, claim.number, claim.claimed_at, *ended)


def make_interrupted(name: str) -> Delivery:
    """The outcome of an attempt that never got to its end."""
    return Delivery(name, NO_EVENT, Verdict.INTERRUPTED, None, INTERRUPTED)
