"""Attempts deliveries in the background until they are through.

Which webhook may send next stands in `lanes.py`, when a failed delivery is tried again in
`retries.py`, what is stored in `claims.py` and `outcomes.py`. Here these are put together: picks
become claims, claims become attempts, and their outcomes give the places back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from reconciler.core.errors import StoreError
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.delivery.envelope import envelope, real_event
from reconciler.delivery.send import Sender
from reconciler.delivery.signing import Message
from reconciler.tenant.engine.together import Together
from reconciler.tenant.schedule.lanes import LaneChange, Lanes, Pick
from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.store.faults import StorageFailed, describe_failure
from reconciler.tenant.store.store import Store
from reconciler.tenant.store.values.attempt import AttemptEnd, Claim, make_interrupted
from reconciler.tenant.store.values.webhook import make_target, open_secret
from reconciler.tenant.times import format_time

# seconds between looks for what another process left, and after a write that could not be stored
LOOK: Final = 5.0
UPKEEP: Final = 60.0  # seconds between looks for what is too old
# attempts that are claimed, or whose outcomes are stored, in one transaction, so that none takes
# long
TOGETHER: Final = 8
# times as long as a step of upkeep took does the next one wait, so that others find the writer free
REST: Final = 9

Observe = Callable[
    [str, Delivery, str, int], None
]  # gets url, outcome, event id and number of each attempt

_log = logging.getLogger("reconciler.tenant")


class Engine:
    """The background of one application; call `wake` or `note_arrival` after anything that may have
    made a delivery due.
    """

    def __init__(
        self,
        store: Store,
        sender: Sender,
        retries: Retries = Retries(),  # noqa: B008  a frozen value
        observe: Observe = lambda *_: None,
    ) -> None:
        self._store, self._sender, self._retries, self._observe = store, sender, retries, observe
        self._lease = store.new_id()
        self._lanes = Lanes()
        self._finish = Together(self._store_ends, TOGETHER)
        self._unread: set[str] | None = None  # webhooks whose facts are to be read; None for all
        self._attempts: set[asyncio.Task[None]] = set()
        self._passing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._background: tuple[asyncio.Task[None], ...] = ()
        self._again = self._stopped = False

    async def start(self) -> None:
        """Counts what the last engine left as interrupted and begins; one engine a file only."""
        self._stopped = False
        self._store.clock.hold()
        await self._store.queue.recover(self._retries)
        self._background = (
            asyncio.create_task(self._look_around()),
            asyncio.create_task(self._clean_up()),
        )

    async def stop(self) -> None:
        """Claims nothing more and waits for the attempts under way, each of which ends by its own
        time limit.
        """
        self._stopped = True
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._background = ()
        await self.wait_until_idle()
        if self._timer is not None:
            self._timer.cancel()
        self._store.clock.release()

    @property
    def is_running(self) -> bool:
        """Whether it goes on claiming what is due: it was not stopped, and none of its background
        has ended by itself.
        """
        return not self._stopped and not any(task.done() for task in self._background)

    async def wait_until_idle(self) -> None:
        """Waits until nothing is under way."""
        while self._passing is not None or self._attempts:
            await asyncio.gather(
                *filter(None, [self._passing]), *self._attempts, return_exceptions=True
            )

    def wake(self, *webhook_ids: str) -> None:
        """Reads what the file says of these webhooks, without any: of all for which something
        waits; returns at once.
        """
        if not webhook_ids:
            self._unread = None
        elif self._unread is not None:
            self._unread.update(webhook_ids)
        self._continue()

    def note_arrival(self, webhook_ids: Iterable[str], now: float) -> None:
        """Deliveries to these webhooks were stored just now; returns at once."""
        for webhook_id in webhook_ids:
            if webhook_id in self._lanes:
                self._lanes.set_due(webhook_id, now)
            elif self._unread is not None:
                self._unread.add(webhook_id)
        self._continue()

    def _continue(self) -> None:
        self._again = True
        if self._passing is None and not self._stopped:
            self._passing = asyncio.create_task(self._run_pass())
            self._passing.add_done_callback(self._end_pass)

    def _end_pass(self, task: asyncio.Task[None]) -> None:
        self._passing = None
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("deliveries could not be claimed: %s", describe_failure(error))
            self._sleep(LOOK)  # nothing is lost by waiting
        elif self._again:
            self._continue()
        elif (at := self._lanes.find_next_time()) is not None:
            self._sleep(min(max(at - self._store.clock(), 0.0), LOOK))

    def _sleep(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._continue)

    async def _run_pass(self) -> None:
        """Claims and starts what there is room for."""
        self._again = False
        await self._follow_the_clock()
        await self._learn()
        while picks := self._lanes.take(self._store.clock(), TOGETHER):
            await self._claim(picks)

    async def _follow_the_clock(self) -> None:
        """Moves what is planned by as much as the machine's clock jumped, so that each wait takes
        as long as it was to take.
        """
        jump = await self._store.queue.follow_clock()
        if not jump:
            return
        self._lanes.move(jump)
        _log.warning("the clock jumped by %+.1f s: planned attempts moved with it", jump)

    async def _learn(self) -> None:
        """Reads the facts of the webhooks that were named since."""
        if self._unread == set():
            return
        ids = None if self._unread is None else tuple(self._unread)
        self._unread = set()
        facts = await self._store.queue.read_facts(ids)
        self._lanes.learn(facts, ids or ())

    async def _claim(self, picks: list[Pick]) -> None:
        now = self._store.clock()
        try:
            claims = await self._store.queue.claim(picks, self._lease, now)
        except BaseException:
            for pick in picks:
                self._lanes.give_back(pick, pick.count)
            raise
        for pick, (facts, claimed) in zip(picks, claims, strict=True):
            self._lanes.set_facts(pick.webhook_id, facts)
            self._lanes.give_back(pick, pick.count - len(claimed))
            for claim in claimed:
                task = asyncio.create_task(self._run_attempt(claim, pick))
                self._attempts.add(task)
                task.add_done_callback(self._end_attempt)
                await asyncio.sleep(0)  # requests get their turn between the beginnings of attempts

    def _end_attempt(self, task: asyncio.Task[None]) -> None:
        self._attempts.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("an attempt ended without an outcome: %s", describe_failure(error))
        self._continue()

    async def _run_attempt(self, claim: Claim, pick: Pick) -> None:
        outcome = await self._send(claim)
        self._observe(claim.target.url, outcome, claim.event_id, claim.number)
        after = await self._store_outcome(
            AttemptEnd(claim, outcome, self._retries.wait(claim.tries, outcome))
        )
        answered = (
            None if outcome.verdict is Verdict.INTERRUPTED else outcome.status_code is not None
        )
        self._lanes.end(pick, after, answered=answered)

    async def _store_ends(self, ended: Sequence[AttemptEnd]) -> list[LaneChange | None]:
        return await self._store.queue.finish(ended)

    async def _store_outcome(self, ended: AttemptEnd) -> LaneChange | None:
        """Stores an outcome, however long the disk is full or another process in the way: until
        then its place is taken.
        """
        while True:
            try:
                return await self._finish(ended)
            except StorageFailed as error:
                _log.warning("an outcome could not be stored: %s", describe_failure(error))
                if self._stopped:
                    raise  # the next start counts it as interrupted
                await asyncio.sleep(LOOK)

    async def _send(self, claim: Claim) -> Delivery:
        """One attempt, with the url and credentials that the claim read."""
        target, what = claim.target, claim.subscription
        event = real_event(
            what.type,
            what.version,
            json.loads(claim.body),
            claim.event_id,
            format_time(claim.accepted_at),
        )
        try:
            secret = open_secret(target.webhook_id, target.auth, self._store.vault)
            webhook = make_target(target.name, target.url, target.auth, secret)
            message = Message(claim.event_id, int(self._store.clock()))
            return await self._sender.send(webhook, what, envelope(event), message=message)
        except (StoreError, ValueError):
            return make_interrupted(target.name)

    async def _look_around(self) -> None:
        """Wakes now and then: another process may have enabled a webhook or posted an event."""
        while True:
            self.wake()
            await asyncio.sleep(LOOK)

    async def _clean_up(self) -> None:
        """Removes and ends what is too old, step by step."""
        while True:
            pause = UPKEEP
            try:
                started = time.perf_counter()
                if await self._store.queue.clean_up():
                    pause = REST * (time.perf_counter() - started)
            except StorageFailed as error:
                _log.warning("what is too old could not be removed: %s", describe_failure(error))
            await asyncio.sleep(pause)
