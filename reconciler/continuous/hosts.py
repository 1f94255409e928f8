"""Products that asked to wait, by host: the `Retry-After` that one Tenant receives applies to every
Tenant of that host. The clock is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Hosts:
    """The time until which each host is left alone, of a clock that never jumps."""

    _until: dict[str, float] = field(default_factory=dict)

    def note(self, url: str, seconds: float, now: float) -> None:
        """The product at that address asks to wait so many seconds."""
        host = _find_host(url)
        self._until[host] = max(self._until.get(host, 0.0), now + seconds)

    def find_wait(self, url: str, now: float) -> float:
        """The seconds until the product may be asked again, 0 if it may now."""
        host = _find_host(url)
        wait = self._until.get(host, now) - now
        if wait <= 0:
            self._until.pop(host, None)
        return max(wait, 0.0)


def _find_host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2].lower()
