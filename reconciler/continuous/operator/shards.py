"""Which Tenants a replica runs: shards, each under a Lease. A lost replica's shards are taken over
when their Leases end.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import aiohttp
from kubernetes_asyncio.client.rest import ApiException
from kubernetes_asyncio.leaderelection.electionconfig import Config
from kubernetes_asyncio.leaderelection.leaderelection import LeaderElection
from kubernetes_asyncio.leaderelection.resourcelock.leaselock import LeaseLock

from reconciler.continuous.operator.api import ApiServer
from reconciler.continuous.operator.objects import SHARD, Object

_log = logging.getLogger("reconciler.continuous.shards")
_UNREACHABLE: Final = (aiohttp.ClientError, TimeoutError, OSError)
_NAME: Final = "reconciler-shard"


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """`namespace` is that of the Leases, `identity` the name of this replica. Times in seconds: a
    Lease that is not renewed within `renew` is given up, and ends for others after `duration`.
    """

    namespace: str
    identity: str
    shards: int = 1
    duration: float = 15.0
    renew: float = 10.0
    retry: float = 2.0


def find_shard(item: Object, shards: int) -> int:
    """The shard of a Tenant: its label, else by its uid."""
    label = item.labels.get(SHARD)
    if label is not None and label.isdigit():
        return int(label) % shards
    text = label or item.uid
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % shards


async def _do_nothing() -> None:
    """What the election does after it cancelled `_hold`."""


class _Lock(LeaseLock):
    """A Lease whose requests fail as those do that the server refuses: another try follows until
    the Lease is over.
    """

    async def get(self, name: str, namespace: str) -> tuple[bool, Any]:
        """The record of the Lease."""
        try:
            return cast("tuple[bool, Any]", await super().get(name, namespace))
        except _UNREACHABLE as error:
            return False, ApiException(status=0, reason=type(error).__name__)

    async def create(self, name: str, namespace: str, election_record: Any) -> bool:
        """Whether it was made."""
        try:
            return bool(await super().create(name, namespace, election_record))
        except _UNREACHABLE:
            return False

    async def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        """Whether it was renewed."""
        try:
            return bool(await super().update(name, namespace, updated_record))
        except _UNREACHABLE:
            return False


class Shards:
    """The shards that this replica has. `changed` is called when one comes or goes."""

    def __init__(
        self, api: ApiServer, settings: LeaseSettings, changed: Callable[[], None]
    ) -> None:
        self._api, self._settings, self._changed = api, settings, changed
        self.held: set[int] = set()

    def holds(self, item: Object) -> bool:
        """Whether this replica runs that Tenant."""
        return find_shard(item, self._settings.shards) in self.held

    async def run(self) -> None:
        """Asks for every shard, until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for shard in range(self._settings.shards):
                group.create_task(self._follow(shard))

    async def _follow(self, shard: int) -> None:
        """Holds a shard whenever it can. Who has many waits before it takes one more, so that
        replicas share.
        """
        while True:
            await asyncio.sleep(self._settings.retry * len(self.held))
            lock = _Lock(
                f"{_NAME}-{shard}", self._settings.namespace, self._settings.identity,
                self._api.client,
            )  # fmt: skip
            election = LeaderElection(
                Config(
                    lock,
                    lease_duration=round(self._settings.duration),
                    renew_deadline=self._settings.renew,
                    retry_period=self._settings.retry,
                    onstarted_leading=lambda: self._hold(shard),
                    onstopped_leading=_do_nothing,
                )
            )
            await election.run()

    async def _hold(self, shard: int) -> None:
        """Has the shard until it is cancelled, which the election does when the Lease is lost."""
        _log.info("shard %d is run here", shard)
        self.held.add(shard)
        self._changed()
        try:
            await asyncio.Event().wait()
        finally:
            self.held.discard(shard)
            self._changed()
            _log.info("shard %d is no longer run here", shard)
