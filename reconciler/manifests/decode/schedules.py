"""The schedule of a Tenant: interval, mode, suspension, windows and accepted plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.model.problem import Problem
from reconciler.core.model.schedule import (
    ALWAYS,
    LONGEST_INTERVAL,
    LONGEST_WINDOW,
    SHORTEST_INTERVAL,
    Schedule,
    Window,
    parse_duration,
)
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.yaml.document import Document, Path

_PLACES = ("suspend", "windows", "accept")


def decode_schedule(document: Document, problems: list[Problem]) -> dict[str, Any]:
    """The schedule of a Tenant document and the positions of its fields, as fields of a TenantSpec;
    faults join `problems`.
    """
    spec: Mapping[str, Any] = document.value["spec"]
    return {
        "schedule": _decode_schedule(document, problems),
        "schedule_places": {
            name: document.locate(("spec", name)) for name in _PLACES if name in spec
        },
    }


def _decode_schedule(document: Document, problems: list[Problem]) -> Schedule:
    spec: Mapping[str, Any] = document.value["spec"]
    return Schedule(
        interval=_decode_interval(document, problems) if "interval" in spec else ALWAYS.interval,
        mode=spec.get("mode"),
        suspend=spec.get("suspend", ALWAYS.suspend),
        windows=tuple(
            _decode_window(document, ("spec", "windows", number), window, problems)
            for number, window in enumerate(spec.get("windows", ()))
        ),
        accept=tuple(spec.get("accept", ())),
    )


def _decode_interval(document: Document, problems: list[Problem]) -> float:
    path = ("spec", "interval")
    seconds = parse_duration(document.value["spec"]["interval"]) or 0.0
    if not SHORTEST_INTERVAL <= seconds <= LONGEST_INTERVAL:
        message, hint = "interval must be from 10s to 24h", "such as 30s, 5m or 1h30m"
        problems.append(document.make_problem(path, "tenant/interval", message, hint))
    return seconds


def _decode_window(
    document: Document, path: Path, window: Mapping[str, str], problems: list[Problem]
) -> Window:
    from reconciler.windows import check_cron, find_zone, list_zones  # noqa: PLC0415  few Tenants have windows

    seconds = parse_duration(window["duration"]) or 0.0
    if not 0 < seconds <= LONGEST_WINDOW:
        message, hint = "duration must be over 0s and up to 168h", "such as 30m, 8h or 1h30m"
        problems.append(document.make_problem((*path, "duration"), "tenant/window", message, hint))
    if fault := check_cron(window["cron"]):
        hint = "such as 0 9 * * MON-FRI: nine o'clock on working days"
        problems.append(
            document.make_problem((*path, "cron"), "tenant/window", f"cron {fault}", hint)
        )
    name = window.get("timezone", "UTC")
    if find_zone(name) is None:
        zones = list_zones()
        hint = (suggest(name, zones) or "such as Europe/Berlin") if zones else "install tzdata"
        message = "timezone is no time zone that this machine knows"
        problems.append(document.make_problem((*path, "timezone"), "tenant/window", message, hint))
    return Window(window["cron"], seconds, name)
