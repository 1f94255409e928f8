"""Windows of time in which writing is allowed: cron, duration and time zone -> open or not.

A window opens at a local time and stays open for its duration in elapsed time. A local time that
a clock change skips opens at the change; one that occurs twice opens once, at the first. The
current time comes in as an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from reconciler.core.model.schedule import Window
from reconciler.core.safety.holds import add_hold, find_hold

if TYPE_CHECKING:
    from reconciler.core.change import Plan
    from reconciler.manifests import TenantSpec

_FIELDS: Final = 5
_MARGIN: Final = timedelta(hours=3)  # more than any clock change
_ANY_DAY: Final = datetime(2024, 1, 1, tzinfo=UTC)  # cron is checked from there


def is_open(windows: Iterable[Window], now: datetime) -> bool:
    """Whether writing is allowed at a time: always, if there are no windows."""
    windows = tuple(windows)
    return not windows or any(_is_window_open(window, now) for window in windows)


def next_opening(windows: Iterable[Window], now: datetime) -> datetime | None:
    """The first time after `now` at which a window opens, in UTC; None if there is none."""
    openings = (next(_list_openings(window, now), None) for window in windows)
    return min((opening for opening in openings if opening is not None), default=None)


def hold_plan(plan: Plan, spec: TenantSpec | None, now: datetime) -> Plan:
    """The plan with a violation if it would write while nothing may be written at that time: the
    Tenant is suspended, or none of its windows is open. `spec` is the Tenant manifest in use.
    """
    if spec is None or not plan.pending:
        return plan
    windows = spec.schedule.windows
    found = find_hold(
        spec.schedule,
        is_open=is_open(windows, now),
        opening=next_opening(windows, now),
        places=spec.schedule_places,
    )
    return add_hold(plan, found)


def check_cron(cron: str) -> str | None:
    """What is wrong with a cron expression, None if it is fine."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415  few Tenants have windows

    if len(cron.split()) != _FIELDS:
        return "must have five fields: minute, hour, day of month, month, day of week"
    try:
        next(CronSim(cron, _ANY_DAY))
    except CronSimError as error:
        return f"is no cron expression: {str(error).lower()}"
    except StopIteration:
        return "names a date that does not exist"
    return None


def find_zone(name: str) -> tzinfo | None:
    """The time zone of a name of the IANA database, None if this machine knows none."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415  few Tenants have windows

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError: ZoneInfoNotFoundError
        return None


def list_zones() -> frozenset[str]:
    """The names of all time zones that this machine knows."""
    from zoneinfo import available_timezones  # noqa: PLC0415  few Tenants have windows

    return frozenset(available_timezones())


def _is_window_open(window: Window, now: datetime) -> bool:
    start = now.astimezone(UTC) - timedelta(seconds=window.duration)
    opening = next(_list_openings(window, start), None)
    return opening is not None and opening <= now


def _list_openings(window: Window, start: datetime) -> Iterator[datetime]:
    """The openings after `start`, in UTC. Cron works with local times, which an hour that occurs
    twice has twice: the iteration begins earlier, and openings up to `start` are left out.
    """
    from cronsim import CronSim  # noqa: PLC0415  few Tenants have windows

    start = start.astimezone(UTC)
    first = (start - _MARGIN).astimezone(find_zone(window.timezone) or UTC)
    for opening in CronSim(window.cron, first):
        if (opened := opening.astimezone(UTC)) > start:
            yield opened
