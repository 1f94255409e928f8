"""Which webhooks receive a type of event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SHOWN: Final = 50  # webhooks of one event type


@dataclass(frozen=True, slots=True)
class Receiver:
    """A webhook that receives some type of event, with the (version, severity) pairs that it
    wants.
    """

    id: str
    name: str
    enabled: bool
    wanted: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Receivers:
    """Who receives a type of event: how many webhooks in all, how many of them enabled, and the
    first by name.
    """

    count: int
    enabled: int
    first: tuple[Receiver, ...]


NO_RECEIVERS: Final = Receivers(0, 0, ())
