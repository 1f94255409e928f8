"""Attempts deliveries in the background: one attempt each, 32 at once. Made by `app.py`; run for good by `tenant serve` only.

The claim is stored before anything is sent, the outcome with its counters in one transaction. Retrying comes with its own issue.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Final

from reconciler.core.errors import StoreError
from reconciler.core.report import Delivery, Verdict
from reconciler.delivery.envelope import envelope, real_event
from reconciler.delivery.send import Sender
from reconciler.tenant import deliveries, events, webhooks
from reconciler.tenant.deliveries import Claim
from reconciler.tenant.store import Store
from reconciler.tenant.times import rfc3339

AT_ONCE: Final = 32  # attempts under way
LOOK: Final = 5.0  # seconds between looks for what another process left

_log = logging.getLogger("reconciler.tenant")


class Engine:
    """The background of one application; `wake` after anything that may have made a delivery due."""

    def __init__(self, store: Store, sender: Sender) -> None:
        self._store, self._sender = store, sender
        self._lease = store.new_id()
        self._attempts: set[asyncio.Task[None]] = set()
        self._claiming: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._again = self._stopped = False

    async def start(self) -> None:
        """Counts what the last engine left as interrupted, purges what is too old, and begins; one engine a file only."""
        self._stopped = False
        await self._store.write(lambda c: deliveries.recover(c, self._store.clock()))
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Claims nothing more and waits for the attempts under way, each of which ends by its own time limit."""
        self._stopped = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            self._looking = None
        await self.idle()

    async def idle(self) -> None:
        """Waits until nothing is under way."""
        while self._claiming is not None or self._attempts:
            await asyncio.gather(*filter(None, [self._claiming]), *self._attempts, return_exceptions=True)

    def wake(self) -> None:
        """Looks for due deliveries; returns at once."""
        self._again = True
        if self._claiming is None and not self._stopped:
            self._claiming = asyncio.create_task(self._claim())
            self._claiming.add_done_callback(self._claimed)

    def _claimed(self, task: asyncio.Task[None]) -> None:
        self._claiming = None
        if not task.cancelled() and task.exception() is not None:
            _log.warning("deliveries could not be claimed: %s", type(task.exception()).__name__)
        elif self._again and len(self._attempts) < AT_ONCE:
            self.wake()

    async def _claim(self) -> None:
        self._again = False
        room = AT_ONCE - len(self._attempts)
        if room <= 0:
            return
        now = self._store.clock()
        claimed = await self._store.write(lambda c: deliveries.claim(c, self._lease, room, now))
        for item in claimed:
            task = asyncio.create_task(self._attempt(item))
            self._attempts.add(task)
            task.add_done_callback(self._attempted)
        self._again = self._again or len(claimed) == room

    def _attempted(self, task: asyncio.Task[None]) -> None:
        self._attempts.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.warning("an attempt could not be recorded: %s", type(task.exception()).__name__)
        self.wake()

    async def _attempt(self, claimed: Claim) -> None:
        """One attempt, with the url and credentials of this moment."""
        webhook = await self._store.read(lambda c: webhooks.get(c, claimed.webhook_id, self._store.clock()))
        if webhook is None:
            return  # deleted, and its queue with it
        if not webhook.enabled:
            await self._store.write(lambda c: deliveries.release(c, claimed))
            return
        event = real_event(
            claimed.subscription.type,
            claimed.subscription.version,
            json.loads(claimed.body),
            claimed.event_id,
            rfc3339(claimed.accepted_at),
        )
        try:
            secret = webhooks.opened(webhook.id, webhook.auth, self._store.vault)
            target = webhooks.to_send(webhook.name, webhook.url, webhook.auth, secret)
            outcome = await self._sender.send(target, claimed.subscription, envelope(event))
        except (StoreError, ValueError):
            outcome = Delivery(webhook.name, claimed.subscription, Verdict.INTERRUPTED, None, deliveries.INTERRUPTED)
        await self._store.write(lambda c: deliveries.finish(c, claimed, outcome, self._store.clock()))

    async def _look(self) -> None:
        """Wakes now and then: another process may have enabled a webhook or posted an event; purges step by step."""
        while True:
            self.wake()
            try:
                more = True
                while more:
                    more = await self._store.write(lambda c: events.purge(c, self._store.clock()))
            except Exception as error:  # noqa: BLE001  a full disk must not end the looking; nothing is lost by waiting
                _log.warning("old events could not be purged: %s", type(error).__name__)
            await asyncio.sleep(LOOK)
