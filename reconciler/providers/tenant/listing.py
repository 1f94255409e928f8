"""A tenant's list as it comes in, page by page: each webhook once, and an end to what never ends.

Pure: no requests. The bounds are far above any tenant that people use, and low enough that a tenant
that lists for ever costs seconds and some hundred MiB, not the machine.
"""

from __future__ import annotations

from typing import Final

from reconciler.core.model.webhook import Live
from reconciler.providers.http.faults import Sent, foreign

LIST: Final = Sent("GET", "/webhooks")
MAX_WEBHOOKS: Final = 200_000
MAX_BYTES: Final = 256 * 1024 * 1024  # of all pages together
MAX_SPARE_PAGES: Final = 1_000  # pages beyond those that full ones would have taken
MAX_SECONDS: Final = 600.0  # of wall clock for all pages together


class Listing:
    """What was listed so far; `cursor` is where to go on, None at the start."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self._found: dict[str, Live] = {}
        self._cursors: set[str] = set()
        self._bytes = self._spare = 0

    @property
    def webhooks(self) -> tuple[Live, ...]:
        """In the tenant's order."""
        return tuple(self._found.values())

    def goes_on(
        self, items: tuple[Live, ...], following: str | None, *, size: int, limit: int
    ) -> bool:
        """Takes a page of `size` bytes, asked for with `limit`; whether another follows.

        Raises BadAnswer for what is no list.
        """
        for item in items:
            if item.id in self._found:
                raise foreign(LIST, "its list has one webhook twice")
            self._found[item.id] = item
        if following is None:
            return False
        self._bytes += size
        self._spare += len(items) < limit
        endless = following in self._cursors or not items or self._spare > MAX_SPARE_PAGES
        if endless or self._bytes > MAX_BYTES or len(self._found) > MAX_WEBHOOKS:
            raise foreign(LIST, "its list never ends")
        self._cursors.add(following)
        self.cursor = following
        return True
