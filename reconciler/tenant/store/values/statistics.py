"""Counts over webhooks and over the whole file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

MOST: Final = 1000  # webhooks that have metrics of their own
ALL: Final = ""  # whose series counts every webhook, also those that are gone


@dataclass(frozen=True, slots=True)
class Totals:
    """How many deliveries are pending and when the oldest was created (None: none is), and how many
    webhooks there are.
    """

    pending: int
    oldest: float | None
    webhooks: int
    enabled: int


@dataclass(frozen=True, slots=True)
class WebhookFacts:
    """A webhook's numbers; moments in epoch seconds, None for what never happened."""

    name: str
    id: str
    enabled: bool
    succeeded: int
    failed: int
    last_success: float | None
    last_failure: float | None
    pending: int


class Span(NamedTuple):
    """A span of time in steps: `start` and `end` (not included) in hours, multiples of `size`
    hours.
    """

    start: int
    end: int
    size: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a scrape reads: totals, the first webhooks by name, how many there are, bytes."""

    totals: Totals
    webhooks: Sequence[WebhookFacts]
    count: int
    size: int
