"""Which webhook may send next: one lane a webhook, limits in all, a lane and a place. No SQL, no
clock.

The facts of a lane are hints: whether something is due is decided by the claim's transaction
in `claims.py`. What counts here are the limits. They are kept for *picks*, each a right to so many
attempts, which come back by `end` or `give_back`.

A lane whose last attempt was answered is *proven*. One that is new, or got no answer, has one
attempt at a time, and these together leave room for the proven ones; so endpoints that hang never
fill the engine. After 5 attempts in a row without an answer a lane is *dead*: it sends one probe at
a time, and its facts hold it until the probe's next attempt.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Final

DEAD_AFTER: Final = 5  # attempts in a row without an answer
ALL: Final = 32  # attempts under way
A_PLACE: Final = 8  # of these to one host and port


class Rank(Enum):
    """How far a lane is trusted: attempts that it may have under way, that all of the rank may
    have, and to one place.
    """

    PROVEN = (4, ALL, A_PLACE)
    UNPROVEN = (1, 24, 6)
    DEAD = (1, 8, 6)

    def __init__(self, a_lane: int, all_: int, a_place: int) -> None:
        self.a_lane, self.all, self.a_place = a_lane, all_, a_place

    @property
    def counted(self) -> tuple[Rank, ...]:
        """The ranks whose room an attempt takes: a dead lane is an unproven one, and everybody
        needs room in all.
        """
        return _COUNTED[self]


_COUNTED: Final = {
    Rank.PROVEN: (Rank.PROVEN,),
    Rank.UNPROVEN: (Rank.UNPROVEN, Rank.PROVEN),
    Rank.DEAD: (Rank.DEAD, Rank.UNPROVEN, Rank.PROVEN),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file has on a webhook: moments in epoch seconds; `due` is when its next delivery
    is, None for none.
    """

    place: str
    due: float | None
    held_until: float = 0.0
    unreached: int = 0


@dataclass(frozen=True, slots=True)
class Pick:
    """A right to up to `count` attempts of a webhook, counted for its place and rank until it comes
    back.
    """

    webhook_id: str
    place: str
    rank: Rank
    count: int


@dataclass(frozen=True, slots=True)
class LaneChange:
    """What an attempt changed: when its delivery is due again, None for never, and what the
    webhook's facts are now.
    """

    due: float | None
    held_until: float
    unreached: int


def _find_earlier(one: float | None, other: float | None) -> float | None:
    """The earlier of two moments, of which None is never."""
    return min((moment for moment in (one, other) if moment is not None), default=None)


@dataclass(slots=True, eq=False)
class _Lane:
    id: str
    facts: Facts
    proven: bool = False
    busy: int = 0
    ticket: int | None = (
        None  # its turn among those that are due, None where it does not stand there
    )
    timer: float | None = None  # when it is looked at again

    @property
    def rank(self) -> Rank:
        if self.facts.unreached >= DEAD_AFTER:
            return Rank.DEAD
        return Rank.PROVEN if self.proven else Rank.UNPROVEN

    @property
    def at(self) -> float | None:
        """When it wants to send, None where nothing waits or it has as much under way as it may."""
        if self.facts.due is None or self.busy >= self.rank.a_lane:
            return None
        return max(self.facts.due, self.facts.held_until)


class _Turns:
    """The lanes of a rank that are due, first come first served; those of a full place are passed
    over and keep their turn.
    """

    def __init__(self) -> None:
        self._places: dict[str, deque[_Lane]] = {}
        self._heads: list[tuple[int, str]] = []

    def add(self, lane: _Lane, ticket: int) -> None:
        lane.ticket = ticket
        waiting = self._places.setdefault(lane.facts.place, deque())
        waiting.append(lane)
        if len(waiting) == 1:
            heapq.heappush(self._heads, (ticket, lane.facts.place))

    def head(self, full: Callable[[str], bool]) -> tuple[int, str] | None:
        """The ticket and the place of whose turn it is; at most as many places are passed over as
        can be full.
        """
        passed: list[tuple[int, str]] = []
        first = None
        while self._heads and first is None:
            ticket, place = self._heads[0]
            waiting = self._places.get(place)
            if waiting is not None and waiting[0].ticket == ticket and not full(place):
                first = ticket, place
                break
            heapq.heappop(self._heads)
            if waiting is not None and waiting[0].ticket == ticket:
                passed.append((ticket, place))
        for item in passed:
            heapq.heappush(self._heads, item)
        return first

    def take(self, place: str) -> _Lane:
        """The first of a place; the entry of `_heads` that named it is passed over from now on."""
        waiting = self._places[place]
        lane = waiting.popleft()
        lane.ticket = None
        if waiting:
            heapq.heappush(self._heads, (waiting[0].ticket or 0, place))
        else:
            del self._places[place]
        return lane


class Lanes:
    """All lanes of one engine."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._turns = {rank: _Turns() for rank in Rank}
        self._later: list[tuple[float, int, _Lane]] = []
        self._tickets = itertools.count(1)
        self._busy: Counter[Rank] = Counter()
        self._busy_at: Counter[tuple[str, Rank]] = Counter()

    def __contains__(self, webhook_id: str) -> bool:
        """Whether its facts are known."""
        return webhook_id in self._lanes

    @property
    def under_way(self) -> int:
        """Attempts that picks stand for."""
        return self._busy[Rank.PROVEN]

    def learn(self, facts: Mapping[str, Facts], webhook_ids: Iterable[str] = ()) -> None:
        """Facts read beside the traffic, so maybe a little old: a known earlier moment stays.
        `webhook_ids`: the webhooks that were looked up; one without facts is gone.
        """
        for webhook_id, read in facts.items():
            lane = self._lanes.get(webhook_id)
            due = read.due if lane is None else _find_earlier(read.due, lane.facts.due)
            self.set_facts(webhook_id, replace(read, due=due))
        for webhook_id in webhook_ids:
            if webhook_id not in facts:
                self.set_facts(webhook_id, None)

    def set_facts(self, webhook_id: str, facts: Facts | None) -> None:
        """Facts as a claim found them; None for a webhook that may not send: disabled or gone."""
        lane = self._lanes.get(webhook_id)
        if facts is None:
            if lane is not None:
                self._drop(lane)
            return
        if lane is None:
            lane = self._lanes[webhook_id] = _Lane(webhook_id, facts)
        elif lane.facts.place != facts.place:
            lane.proven = False
        lane.facts = facts
        self._plan(lane)

    def set_due(self, webhook_id: str, at: float) -> None:
        """Something of a lane that is known is due then."""
        lane = self._lanes[webhook_id]
        lane.facts = replace(lane.facts, due=_find_earlier(at, lane.facts.due))
        self._plan(lane)

    def move(self, seconds: float) -> None:
        """Every moment is that much later, below 0 earlier: the clock that they are measured by
        jumped.
        """
        for lane in self._lanes.values():
            facts = lane.facts
            due = None if facts.due is None else facts.due + seconds
            lane.facts = replace(facts, due=due, held_until=facts.held_until + seconds)
            lane.timer = None if lane.timer is None else lane.timer + seconds
        self._later = [(at + seconds, ticket, lane) for at, ticket, lane in self._later]

    def find_next_time(self) -> float | None:
        """When a lane wants to send that does not yet; None where every one waits for room or for
        nothing.
        """
        return self._later[0][0] if self._later else None

    def take(self, now: float, most: int = ALL) -> list[Pick]:
        """The rights to send that there is room for, to at most so many attempts, round-robin over
        the webhooks that are due.
        """
        while self._later and self._later[0][0] <= now:
            at, _, lane = heapq.heappop(self._later)
            if lane.timer == at:
                lane.timer = None
                self._enter(lane, now)
        taken = Counter(itertools.islice(self._take_each(now), most))
        return [Pick(lane.id, place, rank, count) for (lane, place, rank), count in taken.items()]

    def end(self, pick: Pick, after: LaneChange | None, *, answered: bool | None) -> None:
        """One attempt of a pick ended: what that changed, None for nothing; `answered` None where
        it is unknown.
        """
        lane = self._lanes.get(pick.webhook_id)
        if lane is not None and after is not None and lane.facts.place == pick.place:
            lane.facts = Facts(
                pick.place,
                _find_earlier(after.due, lane.facts.due),
                after.held_until,
                after.unreached,
            )
            lane.proven = lane.proven if answered is None else answered
        self.give_back(pick, 1)

    def give_back(self, pick: Pick, count: int) -> None:
        """So many attempts of a pick come back without having been sent."""
        self._count(pick.place, pick.rank, -count)
        lane = self._lanes.get(pick.webhook_id)
        if lane is not None:
            lane.busy -= count
            self._plan(lane)

    def _drop(self, lane: _Lane) -> None:
        """A lane with attempts under way stays, so that they are counted should its facts come
        again.
        """
        lane.facts = Facts(lane.facts.place, None)
        if not lane.busy:
            del self._lanes[lane.id]

    def _take_each(self, now: float) -> Iterator[tuple[_Lane, str, Rank]]:
        while (first := self._find_first()) is not None:
            rank, place = first
            lane = self._turns[rank].take(place)
            if (
                lane.rank is not rank
                or lane.facts.place != place
                or lane.at is None
                or lane.at > now
            ):
                self._enter(lane, now)  # it has changed since it got its turn
                continue
            lane.busy += 1
            self._count(place, rank, 1)
            self._enter(lane, now)
            yield lane, place, rank  # as the last thing: a caller that has enough stops here

    def _find_first(self) -> tuple[Rank, str] | None:
        """Whose turn it is: the lowest ticket that there is room for."""
        best: tuple[int, Rank, str] | None = None
        for rank, turns in self._turns.items():
            if any(self._busy[counted] >= counted.all for counted in rank.counted):
                continue
            head = turns.head(partial(self._is_full, rank))
            if head is not None and (best is None or head[0] < best[0]):
                best = head[0], rank, head[1]
        return None if best is None else best[1:]

    def _is_full(self, rank: Rank, place: str) -> bool:
        return any(self._busy_at[place, counted] >= counted.a_place for counted in rank.counted)

    def _count(self, place: str, rank: Rank, change: int) -> None:
        for counted in rank.counted:
            self._busy[counted] += change
            self._busy_at[place, counted] += change
            if not self._busy_at[place, counted]:
                del self._busy_at[place, counted]

    def _enter(self, lane: _Lane, now: float) -> None:
        """Gives a lane its turn, if it is due."""
        if lane.ticket is None and lane.at is not None and lane.at <= now:
            self._turns[lane.rank].add(lane, next(self._tickets))
        else:
            self._plan(lane)

    def _plan(self, lane: _Lane) -> None:
        """Looks at a lane again when it wants to send; it has its turn already, or a timer that is
        early enough.
        """
        at = lane.at
        if at is not None and lane.ticket is None and (lane.timer is None or at < lane.timer):
            lane.timer = at
            heapq.heappush(self._later, (at, next(self._tickets), lane))
