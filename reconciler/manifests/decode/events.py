"""The `events` of a document -> subscriptions with their places, and what the catalogue says of
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
from reconciler.manifests.schemas.near import near
from reconciler.manifests.yaml.build import PROBLEMS
from reconciler.manifests.yaml.places import Document, File, Path

Places = dict[Subscription, tuple[File, int]]
_EVENTS: Final = ("spec", "events")
# problems of a run after which names are no longer looked up for hints; each costs about 100 µs
_HINTS: Final = 500
# What needs no second look, because the catalogue knows it; only to be quick.
_FINE: Final = {
    (event.type, version, severity)
    for event in CATALOGUE
    for version in event.versions or ("v0",)
    for severity in SEVERITIES
}


class Origins(Mapping[Subscription, Origin]):
    """Where each subscription stands; line and column are worked out when somebody asks."""

    __slots__ = ("_places",)

    def __init__(self, places: Places) -> None:
        self._places = places

    def __getitem__(self, key: Subscription) -> Origin:
        """The place of one; raises KeyError."""
        file, index = self._places[key]
        return file.origin(index)

    def __iter__(self) -> Iterator[Subscription]:
        """Every subscription."""
        return iter(self._places)

    def __len__(self) -> int:
        """How many."""
        return len(self._places)


class _Some:
    """The first problems of a document's events, and the first error whatever stands before it: a
    million help nobody.
    """

    def __init__(self, before: int) -> None:
        self.kept: list[Problem] = []
        self.failed = self.cut = False
        self._before = before

    def append(self, problem: Problem) -> None:
        """Keeps a problem if there is room for it."""
        error = problem.severity == "error"
        if len(self.kept) < PROBLEMS or (error and not self.failed):
            self.kept.append(problem)
            self.failed |= error
        else:
            self.cut = True

    def __len__(self) -> int:
        """How many problems the run has so far."""
        return self._before + len(self.kept)


_subscription = lru_cache(maxsize=4096)(Subscription)  # the same few come again and again


def subscriptions(
    document: Document, problems: list[Problem], kinds: tuple[Capabilities, ...] = (TENANT,)
) -> Places:
    """The subscriptions of one document, for providers of those kinds; the same one twice is a
    problem.
    """
    found: Places = {}
    odd: list[int] = []  # numbers of events to look at again
    twice: list[tuple[int, int]] = []  # number of an event, and where the first such one stands
    file = document.file if document.patched is None else document.source(_EVENTS)[0].file
    events = document.value["spec"].get("events", ())
    marks = file.marks[id(events)] if events else []
    for number, event in enumerate(events):
        kind, version, severity = event["type"], event.get("version"), event.get("severity")
        place = (file, marks[number + 1])
        if (kind, version, severity.__class__ is str and severity) not in _FINE:
            odd.append(number)
        for level in severity if severity.__class__ is list else (severity,):
            item, before = _subscription(kind, version, level), len(found)
            found.setdefault(item, place)
            if len(found) == before:
                twice.append((number, found[item][1]))
    if odd or twice:
        _check(document, file, odd, twice, problems, kinds)
    return found


def _check(
    document: Document,
    file: File,
    odd: list[int],
    twice: list[tuple[int, int]],
    problems: list[Problem],
    kinds: tuple[Capabilities, ...],
) -> None:
    """The problems of the events that are not known to be fine."""
    some, events = _Some(len(problems)), document.value["spec"]["events"]
    for number in odd:
        _complete(document, (*_EVENTS, number), events[number], some, kinds)
        if any(kind.catalogue for kind in kinds):
            _known(document, (*_EVENTS, number), events[number], some)
    for number, first in twice:
        message = f"the same subscription twice; the first stands in line {file.origin(first).line}"
        some.append(
            document.problem((*_EVENTS, number), "subscription/duplicate", message, "remove one")
        )
    problems += some.kept
    if some.cut:
        message = f"over {PROBLEMS:,} problems with events; no more are shown"
        problems.append(
            document.problem(
                _EVENTS, "document/limit", message, severity="error" if some.failed else "warning"
            )
        )


def _complete(
    document: Document,
    path: Path,
    event: dict[str, Any],
    problems: _Some,
    kinds: tuple[Capabilities, ...],
) -> None:
    """Errors for the parts of an event that a provider needs."""
    for field in ("version", "severity"):
        if field not in event and any(field in kind.event_parts for kind in kinds):
            message = f"a subscription needs a {field}"
            hint = (
                "add version: v0"
                if field == "version"
                else f"add severity: one of {', '.join(SEVERITIES)}, or a list"
            )
            problems.append(document.problem(path, "subscription/incomplete", message, hint))


def _known(document: Document, path: Path, event: dict[str, Any], problems: _Some) -> None:
    """Warnings for what the catalogue does not know, errors for what no tenant takes."""
    kind = event["type"]
    known = BY_TYPE.get(kind)
    if known is None:
        if wrong := limits.name(kind):
            problems.append(document.problem((*path, "type"), "events/type", f"type {wrong}"))
        found = near(kind, BY_TYPE) if len(problems) < _HINTS else None
        hint = found or "the catalogue is known to be incomplete; a tenant accepts unknown events"
        problems.append(
            _warning(
                document,
                (*path, "type"),
                "events/unknown-type",
                "type is not in the catalogue",
                hint,
            )
        )
    elif (
        known.versions is not None and event.get("version", known.versions[0]) not in known.versions
    ):
        hint = f"known: {', '.join(known.versions)}"
        problems.append(
            _warning(
                document,
                (*path, "version"),
                "events/unknown-version",
                "version is not in the catalogue",
                hint,
            )
        )
    severity = event.get("severity", ())
    for number, level in enumerate(
        severity if isinstance(severity, list) else [severity] if severity else []
    ):
        if level not in SEVERITIES:
            at: Path = (
                (*path, "severity", number) if isinstance(severity, list) else (*path, "severity")
            )
            hint = (
                near(level, SEVERITIES) if len(problems) < _HINTS else None
            ) or f"known: {', '.join(SEVERITIES)}"
            problems.append(
                _warning(
                    document,
                    at,
                    "events/unknown-severity",
                    "severity is not in the catalogue",
                    hint,
                )
            )


def _warning(document: Document, path: Path, rule: str, message: str, hint: str) -> Problem:
    return document.problem(path, rule, message, hint, severity="warning")
