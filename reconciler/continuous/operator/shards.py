"""Which Tenants a replica runs: shards, each under a Lease. A lost replica's shards are taken over
when their Leases end.

All Tenants of a namespace are in one shard, since they share its objects. Leases are compared as
Kubernetes does it: clocks of other machines are not trusted, a Lease is over when it did not change
for its duration.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from reconciler.continuous.operator.cluster import ClusterFailed, Lease, Leases

_log = logging.getLogger("reconciler.continuous.shards")
_NAME: Final = "reconciler-shard"
_AT_ONCE: Final = 4  # a quarter of the shards at most is taken in one round, so that replicas share


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


def find_shard(label: str | None, namespace: str, shards: int) -> int:
    """The shard of the Tenants of a namespace: by a label, else by the name of the namespace."""
    if label is not None and label.isdecimal():
        return int(label) % shards
    text = label or namespace
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % shards


def _name(shard: int) -> str:
    return f"{_NAME}-{shard}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A Lease, and when it was first seen as it is."""

    lease: Lease
    since: float

    def is_over(self, now: float) -> bool:
        """Whether it was given back, or not renewed in time."""
        return not self.lease.holder or now >= self.since + self.lease.duration


def look(seen: Seen | None, lease: Lease, now: float) -> Seen:
    """What is known of a Lease after it was read."""
    is_same = seen is not None and seen.lease == lease
    return seen if is_same and seen is not None else Seen(lease, now)


@dataclass(slots=True)
class _Held:
    """A shard of this replica; `expiry` gives it up if the Lease is not renewed."""

    lease: Lease
    expiry: asyncio.TimerHandle = field(repr=False)


class Shards:
    """The shards that this replica has. `changed` is called when one comes or goes."""

    def __init__(
        self, leases: Leases, settings: LeaseSettings, changed: Callable[[], None]
    ) -> None:
        self._leases, self._settings, self._changed = leases, settings, changed
        self._held: dict[int, _Held] = {}
        self._seen: dict[int, Seen] = {}
        self._reported: set[str] = set()  # failures since the last success

    @property
    def held(self) -> frozenset[int]:
        """The shards of this replica."""
        return frozenset(self._held)

    def holds(self, label: str | None, namespace: str) -> bool:
        """Whether this replica runs the Tenants of a namespace."""
        return find_shard(label, namespace, self._settings.shards) in self._held

    async def run(self) -> None:
        """Renews what it has and takes what is free, until it is cancelled; then it gives all
        back.
        """
        try:
            while True:
                await self._renew()
                await self._take_free()
                await asyncio.sleep(self._settings.retry)
        finally:
            await self._give_back()

    def _report(self, text: str) -> None:
        """A failure, once: it is tried again every few seconds."""
        if text not in self._reported:
            _log.warning("%s", text)
        self._reported.add(text)

    async def _renew(self) -> None:
        await asyncio.gather(*map(self._write, list(self._held)))

    async def _take_free(self) -> None:
        """Looks at the others' Leases, and takes some that are over."""
        others = [each for each in range(self._settings.shards) if each not in self._held]
        free = await asyncio.gather(*map(self._is_free, others))
        room = -(-self._settings.shards // _AT_ONCE)
        wanted = [shard for shard, is_free in zip(others, free, strict=True) if is_free]
        await asyncio.gather(*map(self._write, wanted[:room]))

    async def _is_free(self, shard: int) -> bool:
        """Whether a shard may be taken: never held, given back, over, or ours from before a
        restart.
        """
        try:
            async with asyncio.timeout(self._settings.renew / 2):
                lease = await self._leases.read_lease(self._settings.namespace, _name(shard))
        except (ClusterFailed, TimeoutError) as error:
            self._report(f"the Lease of shard {shard} cannot be read: {error or 'timeout'}")
            return False
        now = asyncio.get_running_loop().time()
        if lease is None:
            self._seen.pop(shard, None)
            return True
        self._seen[shard] = seen = look(self._seen.get(shard), lease, now)
        return seen.is_over(now) or lease.holder == self._settings.identity

    async def _write(self, shard: int) -> None:
        """Takes or renews a shard."""
        began = asyncio.get_running_loop().time()
        settings, lease = self._settings, self._make_lease(shard, self._settings.identity)
        try:
            async with asyncio.timeout(settings.renew / 2):
                written = await self._leases.write_lease(settings.namespace, lease)
                if written is not None:
                    self._reported.clear()
                    self._keep(shard, written, began + settings.renew)
                    return
                found = await self._leases.read_lease(settings.namespace, lease.name)
        except (ClusterFailed, TimeoutError) as error:
            self._report(f"the Lease of shard {shard} is not written: {error or 'timeout'}")
            return
        held = self._held.get(shard)
        if held is not None and found is not None and found.holder == settings.identity:
            held.lease = found  # a renewal whose answer was lost; the next one counts
        else:
            self._drop(shard)

    def _make_lease(self, shard: int, holder: str) -> Lease:
        """The Lease as it is to be."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        duration = max(round(self._settings.duration), 1)
        held, seen = self._held.get(shard), self._seen.get(shard)
        old = held.lease if held is not None else seen.lease if seen is not None else None
        if old is None:
            return Lease(_name(shard), holder, duration, now, now)
        is_same = old.holder == holder
        return replace(
            old,
            holder=holder,
            duration=duration,
            acquired=old.acquired if is_same else now,
            renewed=now,
            transitions=old.transitions + (not is_same),
        )

    def _keep(self, shard: int, lease: Lease, until: float) -> None:
        """Has a shard until that time, unless it is renewed before."""
        loop, old = asyncio.get_running_loop(), self._held.get(shard)
        if until <= loop.time():
            self._drop(shard)
            return
        if old is not None:
            old.expiry.cancel()
        self._held[shard] = _Held(lease, loop.call_at(until, self._drop, shard))
        if old is None:
            _log.info("shard %d is run here", shard)
            self._changed()

    def _drop(self, shard: int) -> None:
        """No longer runs a shard."""
        held = self._held.pop(shard, None)
        self._seen.pop(shard, None)
        if held is not None:
            held.expiry.cancel()
            _log.info("shard %d is no longer run here", shard)
            self._changed()

    async def _give_back(self) -> None:
        """Lets other replicas take the shards at once."""
        leases: Mapping[int, Lease] = {shard: self._make_lease(shard, "") for shard in self._held}
        for shard in list(self._held):
            self._drop(shard)

        async def write(lease: Lease) -> None:
            try:
                async with asyncio.timeout(self._settings.retry):
                    await self._leases.write_lease(self._settings.namespace, lease)
            except (ClusterFailed, TimeoutError) as error:
                _log.warning("%s is not given back: %s", lease.name, error or "timeout")

        await asyncio.gather(*map(write, leases.values()))
