"""Operations of the engine, and accepting an event: what is due, claims, outcomes, upkeep."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from reconciler.tenant.schedule.clock import Clock
from reconciler.tenant.schedule.lanes import Facts, LaneChange, Pick
from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.store.database import Database
from reconciler.tenant.store.operations.base import Operations
from reconciler.tenant.store.rows import claims, events, outcomes, upkeep
from reconciler.tenant.store.values.attempt import AttemptEnd, Claim
from reconciler.tenant.store.values.event import Acceptance, NewEvent


class Queue(Operations):
    """The queue of a file. The time of a write is that of its transaction, so that no moment of an
    old time line is stored after `follow_clock`.
    """

    __slots__ = ("_new_id",)

    def __init__(self, database: Database, clock: Clock, new_id: Callable[[], str]) -> None:
        super().__init__(database, clock)
        self._new_id = new_id

    async def accept(self, event: NewEvent, now: float, max_pending: int) -> Acceptance:
        """Stores an event and its deliveries. Raises 409 for another event of this id, 429 when too
        many deliveries would be pending.
        """
        return await self._database.write(
            lambda c: events.accept(c, event, now, self._new_id, max_pending)
        )

    async def recover(self, retries: Retries) -> int:
        """Counts every attempt that was under way when the last engine ended as failed; returns how
        many these were.
        """
        return await self._database.write(lambda c: outcomes.recover(c, retries, self._clock()))

    async def read_facts(self, webhook_ids: Sequence[str] | None) -> dict[str, Facts]:
        """What the lanes have to know of these webhooks, None for all for which something waits."""
        return await self._database.read(
            lambda c: (
                claims.read_waiting(c) if webhook_ids is None else claims.read_facts(c, webhook_ids)
            )
        )

    async def claim(
        self, picks: Sequence[Pick], lease: str, now: float
    ) -> list[tuple[Facts | None, list[Claim]]]:
        """For each pick the facts as they are now, and the claims that it found; None and nothing
        where the webhook may not send.
        """
        return await self._database.write(lambda c: claims.claim_picks(c, picks, lease, now))

    async def finish(self, ended: Sequence[AttemptEnd]) -> list[LaneChange | None]:
        """Stores how attempts ended; for each what that changed, None where the webhook or the
        event is gone.
        """
        return await self._database.write(lambda c: outcomes.finish(c, ended, self._clock()))

    async def follow_clock(self) -> float:
        """Moves what is planned by as much as the machine's clock jumped, and lets the tenant's
        clock follow; returns the seconds of the jump, 0 without one.
        """
        jump = self._clock.measure_jump()
        if not jump:
            return 0.0

        def work(connection: sqlite3.Connection) -> None:
            outcomes.move_times(connection, jump)
            self._clock.follow(jump)  # last, so that nothing of the old time line is stored after

        try:
            await self._database.write(work)
        except BaseException:
            if not self._clock.measure_jump():  # it followed, but nothing was stored
                self._clock.follow(-jump)
            raise
        return jump

    async def clean_up(self) -> bool:
        """Removes and ends some of what is too old; returns whether there may be more."""
        return await self._database.write(lambda c: upkeep.clean_up_some(c, self._clock()))
