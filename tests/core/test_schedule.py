"""Durations as manifests write them."""

from __future__ import annotations

import pytest

from reconciler.core.model.schedule import Schedule, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1h5s", 3605.0),
        ("90m", 5400.0),
        ("0s", 0.0),
        ("", None),
        ("5", None),
        ("m", None),
        ("5m1h", None),
        ("1.5h", None),
        ("-5m", None),
        ("5 m", None),
        ("5m\n", None),
        ("٥m", None),
    ],
)
def test_a_duration_is_read(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_a_schedule_that_says_nothing_always_allows_to_write() -> None:
    assert Schedule() == Schedule(300.0, None, suspend=False, windows=(), accept=())
