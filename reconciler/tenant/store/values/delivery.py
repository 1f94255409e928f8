"""Deliveries as they are listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


BEFORE_ALL = 1 << 62  # above every sequence number


@dataclass(frozen=True, slots=True)
class NewestDeliveries:
    """Deliveries of a webhook with their sequence numbers, newest first; `has_failed`: one of the
    last 24 hours has failed, listed here or not.
    """

    items: tuple[tuple[int, Json], ...]
    has_failed: bool


@dataclass(frozen=True, slots=True)
class History:
    """The invocations of a webhook in steps, and its newest deliveries."""

    steps: list[Json]
    newest: NewestDeliveries
