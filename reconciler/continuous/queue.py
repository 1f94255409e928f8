"""All Tenants with the time of their next run: each once, changes before polls.

Not safe for threads: it belongs to one event loop.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reconciler.continuous.schedule import Item


@dataclass(slots=True)
class Queue:
    """The items by key, and two heaps of keys: of items that wait by time, and of due items by
    reason and time. Old entries stay in the heaps and are skipped.
    """

    items: dict[str, Item] = field(default_factory=dict)
    _waiting: list[tuple[float, str]] = field(default_factory=list)
    _due: list[tuple[int, float, str]] = field(default_factory=list)

    def put(self, item: Item) -> None:
        """Adds the item, or replaces that of its key."""
        self.items[item.key] = item
        if not item.is_running and not item.is_suspended:
            heapq.heappush(self._waiting, (item.due, item.key))

    def change(self, key: str, transition: Callable[[Item], Item]) -> None:
        """Puts what a transition makes of an item; an unknown key is ignored."""
        if key in self.items:
            self.put(transition(self.items[key]))

    def remove(self, key: str) -> None:
        """Forgets the item; a run that is under way goes on."""
        self.items.pop(key, None)

    def take(self, now: float) -> Item | None:
        """The item to run now: of all that are due the one with the first reason, then the one
        that waits longest. None if none is due.
        """
        for item in self._list_due(now):
            heapq.heappush(self._due, (item.reason, item.due, item.key))
        while self._due:
            reason, due, key = heapq.heappop(self._due)
            found = self.items.get(key)
            if found is not None and self._is_current(found, due) and found.reason == reason:
                return found
        return None

    def find_wait(self, now: float) -> float | None:
        """The seconds until the next item is due, 0 if one is; None if none ever is."""
        if self._due:
            return 0.0
        while self._waiting:
            due, key = self._waiting[0]
            item = self.items.get(key)
            if item is not None and self._is_current(item, due):
                return max(due - now, 0.0)
            heapq.heappop(self._waiting)
        return None

    def _list_due(self, now: float) -> Iterator[Item]:
        """Takes the items that are due out of the waiting ones."""
        while self._waiting and self._waiting[0][0] <= now:
            due, key = heapq.heappop(self._waiting)
            item = self.items.get(key)
            if item is not None and self._is_current(item, due):
                yield item

    @staticmethod
    def _is_current(item: Item, due: float) -> bool:
        return item.due == due and not item.is_running and not item.is_suspended
