"""Windows of writing: opening, closing, clock changes, and what no cron expression is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model.schedule import Window
from reconciler.windows import check_cron, find_zone, is_open, list_zones, next_opening

HOUR = 3600.0
WORKING_HOURS = Window("0 9 * * MON-FRI", 8 * HOUR, "Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_without_windows_writing_is_always_allowed() -> None:
    assert is_open((), at("2026-01-01T00:00"))
    assert next_opening((), at("2026-01-01T00:00")) is None


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-01-05T07:59:59", False),  # a Monday; Berlin is one hour ahead
        ("2026-01-05T08:00:00", True),
        ("2026-01-05T15:59:59", True),
        ("2026-01-05T16:00:00", False),
        ("2026-01-10T10:00:00", False),  # a Saturday
        ("2026-07-06T07:00:00", True),  # two hours ahead
        ("2026-07-06T15:00:00", False),
    ],
)
def test_a_window_opens_at_its_local_time_and_closes_after_its_duration(
    time: str, expected: bool
) -> None:
    assert is_open((WORKING_HOURS,), at(time)) is expected


def test_one_open_window_of_several_is_enough() -> None:
    windows = (WORKING_HOURS, Window("0 0 * * *", HOUR))
    assert is_open(windows, at("2026-01-10T00:30"))
    assert next_opening(windows, at("2026-01-10T00:30")) == at("2026-01-11T00:00")


def test_the_next_opening_is_the_first_of_all_windows_and_after_now() -> None:
    windows = (Window("0 12 * * *", HOUR), Window("0 6 * * *", HOUR))
    assert next_opening(windows, at("2026-01-01T06:00")) == at("2026-01-01T12:00")
    assert next_opening(windows, at("2026-01-01T05:59")) == at("2026-01-01T06:00")


def test_a_time_that_a_clock_change_skips_opens_at_the_change() -> None:
    window = Window("30 2 * * *", HOUR, "Europe/Berlin")  # 2026-03-29: 02:00 becomes 03:00
    assert next_opening((window,), at("2026-03-28T12:00")) == at("2026-03-29T01:00")
    assert is_open((window,), at("2026-03-29T01:30"))
    assert not is_open((window,), at("2026-03-29T02:00"))


def test_a_time_that_occurs_twice_opens_once_at_the_first() -> None:
    window = Window("30 2 * * *", HOUR / 2, "Europe/Berlin")  # 2026-10-25: 03:00 becomes 02:00
    assert next_opening((window,), at("2026-10-24T12:00")) == at("2026-10-25T00:30")
    assert is_open((window,), at("2026-10-25T00:45"))
    assert not is_open((window,), at("2026-10-25T01:30"))
    assert not is_open((window,), at("2026-10-25T01:45"))
    assert next_opening((window,), at("2026-10-25T00:45")) == at("2026-10-26T01:30")


def test_a_window_across_a_clock_change_has_its_duration_in_elapsed_time() -> None:
    window = Window("0 0 * * *", 6 * HOUR, "Europe/Berlin")
    assert is_open((window,), at("2026-03-29T04:59"))  # 06:59 local
    assert not is_open((window,), at("2026-03-29T05:00"))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  hypothesis adds the zone
    st.sampled_from(
        ["30 2 * * *", "*/15 * * * *", "0 0 * * SUN", "0 */6 1 * *", "15 1-3 * 3,10 *"]
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.sampled_from([60.0, HOUR, 7 * 24 * HOUR]),
)
def test_a_window_is_open_from_each_opening_until_its_duration_is_over(
    now: datetime, cron: str, zone: str, duration: float
) -> None:
    window = (Window(cron, duration, zone),)
    opening = next_opening(window, now)
    assert opening is not None
    assert opening > now
    assert is_open(window, opening)
    assert is_open(window, opening + timedelta(seconds=duration - 1))
    openings = [opening]
    while openings[-1] <= opening + timedelta(seconds=duration) and len(openings) < 20:
        following = next_opening(window, openings[-1])
        assert following is not None
        openings.append(following)
    for earlier, later in pairwise(openings):
        if later - earlier > timedelta(seconds=duration):
            assert not is_open(window, earlier + timedelta(seconds=duration))


@pytest.mark.parametrize(
    ("cron", "fault"),
    [
        ("0 9 * * MON-FRI", None),
        ("0 0 L * *", None),
        ("0 9 * *", "must have five fields"),
        ("0 0 9 * * *", "must have five fields"),
        ("61 * * * *", "is no cron expression: bad minute"),
        ("0 9 * * FUNDAY", "is no cron expression: bad day-of-week"),
        ("0 0 30 2 *", "is no cron expression: bad day-of-month"),
        ("0 0 29 2 8", "is no cron expression: bad day-of-week"),
    ],
)
def test_a_cron_expression_is_checked(cron: str, fault: str | None) -> None:
    found = check_cron(cron)
    assert found == fault or (fault is not None and (found or "").startswith(fault))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.lists(st.text("0123456789*/,-#LWMON ", max_size=8), min_size=5, max_size=5).map(" ".join))
def test_any_text_at_all_is_an_expression_or_has_a_fault(cron: str) -> None:
    fault = check_cron(cron)
    assert fault or next_opening((Window(cron, HOUR),), at("2026-01-01T00:00"))


def test_a_time_zone_is_one_that_the_machine_knows() -> None:
    assert find_zone("Europe/Berlin") is not None
    assert "Europe/Berlin" in list_zones()
    for name in ("Europe/Berlim", "../etc/passwd", "/etc/passwd", "Europe", "", "a\0b"):
        assert find_zone(name) is None, name
