"""The `events` of a document -> subscriptions with their positions, and what the catalogue says of
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from reconciler.core.model import limits
from reconciler.core.model.capabilities import TENANT, Capabilities
from reconciler.core.model.catalogue import BY_TYPE, CATALOGUE, SEVERITIES
from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin, Subscription
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.yaml.build import PROBLEMS
from reconciler.manifests.yaml.document import Document, File, Path

Places = dict[Subscription, tuple[File, int]]
_EVENTS: Final = ("spec", "events")
# problems of a run after which names are no longer looked up for hints; each costs about 100 µs
_HINTS: Final = 500
# Events that the catalogue knows need no further check. This set exists for speed only.
_KNOWN_EVENTS: Final = {
    (event.type, version, severity)
    for event in CATALOGUE
    for version in event.versions or ("v0",)
    for severity in SEVERITIES
}


class Origins(Mapping[Subscription, Origin]):
    """Where each subscription stands; line and column are computed on request."""

    __slots__ = ("_places",)

    def __init__(self, places: Places) -> None:
        self._places = places

    def __getitem__(self, key: Subscription) -> Origin:
        """The position of a subscription; raises KeyError."""
        file, index = self._places[key]
        return file.locate(index)

    def __iter__(self) -> Iterator[Subscription]:
        """Every subscription."""
        return iter(self._places)

    def __len__(self) -> int:
        """How many."""
        return len(self._places)


class _ProblemLimit:
    """The first problems of a document's events, and the first error even if it comes later. A
    reader needs no more.
    """

    def __init__(self, before: int) -> None:
        self.problems: list[Problem] = []
        self.has_error = self.is_cut = False
        self._problems_before = before

    def append(self, problem: Problem) -> None:
        """Keeps a problem if there is room for it."""
        error = problem.severity == "error"
        if len(self.problems) < PROBLEMS or (error and not self.has_error):
            self.problems.append(problem)
            self.has_error |= error
        else:
            self.is_cut = True

    def __len__(self) -> int:
        """How many problems the run has so far."""
        return self._problems_before + len(self.problems)


_subscription = lru_cache(maxsize=4096)(Subscription)  # the same few come again and again


def decode_subscriptions(
    document: Document, problems: list[Problem], kinds: tuple[Capabilities, ...] = (TENANT,)
) -> Places:
    """The subscriptions of one document, for providers of those kinds. A duplicate is a problem."""
    places: Places = {}
    unusual_numbers: list[int] = []  # numbers of events to look at again
    duplicates: list[
        tuple[int, int]
    ] = []  # an event's number, and the offset of the first equal event
    file = document.file if document.patch_trace is None else document.find_source(_EVENTS)[0].file
    events = document.value["spec"].get("events", ())
    marks = file.marks[id(events)] if events else []
    for number, event in enumerate(events):
        kind, version, severity = event["type"], event.get("version"), event.get("severity")
        place = (file, marks[number + 1])
        for level in severity if severity.__class__ is list else (severity,):
            if (kind, version, level) not in _KNOWN_EVENTS and unusual_numbers[-1:] != [number]:
                unusual_numbers.append(number)
            item, count_before = _subscription(kind, version, level), len(places)
            places.setdefault(item, place)
            if len(places) == count_before:
                duplicates.append((number, places[item][1]))
    if unusual_numbers or duplicates:
        _check_events(document, file, unusual_numbers, duplicates, problems, kinds)
    return places


def _check_events(
    document: Document,
    file: File,
    unusual_numbers: list[int],
    duplicates: list[tuple[int, int]],
    problems: list[Problem],
    kinds: tuple[Capabilities, ...],
) -> None:
    """The problems of the events that are not known to be valid."""
    limited_problems, events = _ProblemLimit(len(problems)), document.value["spec"]["events"]
    for number in unusual_numbers:
        _check_event(document, (*_EVENTS, number), events[number], limited_problems, kinds)
    for number, first in duplicates:
        message = f"the same subscription twice; the first stands in line {file.locate(first).line}"
        limited_problems.append(
            document.make_problem(
                (*_EVENTS, number), "subscription/duplicate", message, "remove one"
            )
        )
    problems += limited_problems.problems
    if limited_problems.is_cut:
        message = f"over {PROBLEMS:,} problems with events; no more are reported"
        problems.append(
            document.make_problem(
                _EVENTS,
                "document/limit",
                message,
                severity="error" if limited_problems.has_error else "warning",
            )
        )


def _check_event(
    document: Document,
    path: Path,
    event: dict[str, Any],
    problems: _ProblemLimit,
    kinds: tuple[Capabilities, ...],
) -> None:
    """Errors for the parts that a provider needs. If a provider has the catalogue: warnings for
    what the catalogue does not know, errors for what every tenant refuses.
    """
    _check_complete(document, path, event, problems, kinds)
    if any(kind.catalogue for kind in kinds):
        _check_type(document, path, event, problems)
        _check_severities(document, path, event.get("severity", ()), problems)


def _check_complete(
    document: Document,
    path: Path,
    event: dict[str, Any],
    problems: _ProblemLimit,
    kinds: tuple[Capabilities, ...],
) -> None:
    for field in ("version", "severity"):
        if field not in event and any(field in kind.event_parts for kind in kinds):
            message = f"a subscription needs a {field}"
            hint = (
                "add version: v0"
                if field == "version"
                else f"add severity: one of {', '.join(SEVERITIES)}, or a list"
            )
            problems.append(document.make_problem(path, "subscription/incomplete", message, hint))


def _check_type(
    document: Document, path: Path, event: dict[str, Any], problems: _ProblemLimit
) -> None:
    kind = event["type"]
    event_type = BY_TYPE.get(kind)
    if event_type is None:
        if fault := limits.name(kind):
            problems.append(document.make_problem((*path, "type"), "events/type", f"type {fault}"))
        suggestion = suggest(kind, BY_TYPE) if len(problems) < _HINTS else None
        hint = (
            suggestion or "the catalogue is known to be incomplete; a tenant accepts unknown events"
        )
        problems.append(
            _make_warning(
                document,
                (*path, "type"),
                "events/unknown-type",
                "type is not in the catalogue",
                hint,
            )
        )
    elif (
        event_type.versions is not None
        and event.get("version", event_type.versions[0]) not in event_type.versions
    ):
        hint = f"known: {', '.join(event_type.versions)}"
        problems.append(
            _make_warning(
                document,
                (*path, "version"),
                "events/unknown-version",
                "version is not in the catalogue",
                hint,
            )
        )


def _check_severities(
    document: Document, path: Path, severity: Any, problems: _ProblemLimit
) -> None:
    for number, level in enumerate(
        severity if isinstance(severity, list) else [severity] if severity else []
    ):
        if level not in SEVERITIES:
            level_path: Path = (
                (*path, "severity", number) if isinstance(severity, list) else (*path, "severity")
            )
            hint = (
                suggest(level, SEVERITIES) if len(problems) < _HINTS else None
            ) or f"known: {', '.join(SEVERITIES)}"
            problems.append(
                _make_warning(
                    document,
                    level_path,
                    "events/unknown-severity",
                    "severity is not in the catalogue",
                    hint,
                )
            )


def _make_warning(document: Document, path: Path, rule: str, message: str, hint: str) -> Problem:
    return document.make_problem(path, rule, message, hint, severity="warning")
