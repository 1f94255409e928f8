"""Plans, reports and test results for a terminal: lines without a final newline, foreign text
escaped.

`cli` decides on colour. Problems are in `problems.py`, so that `validate` loads no plan modules.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.core.results.reports import Status
from reconciler.rendering.escape import terminal
from reconciler.rendering.groups import (
    group_changes,
    group_texts,
    group_violations,
    list_failures,
)
from reconciler.rendering.hints import check_hint
from reconciler.rendering.paint import Paint
from reconciler.rendering.wording import (
    SIGNS,
    check_result,
    drift_summary,
    error_text,
    field_lines,
    names_beside,
    place_text,
    plan_summary,
    plan_title,
    report_summary,
    test_summary,
    test_warnings,
)

if TYPE_CHECKING:  # as in `wording.py`
    from reconciler.core.change import Change, Plan
    from reconciler.core.results.drift import Drift
    from reconciler.core.results.reports import Check, Outcome, Report, TestReport

_WIDTH: Final = 100
_LABEL_COLORS: Final = {"drift": "yellow", "both": "red"}
_SIGN_COLORS: Final = {"+": "green", "~": "yellow", "-": "red"}


def _name(name: str) -> str:
    """A webhook's name; in quotes where spaces in it would make it look like the columns beside
    it.
    """
    line = terminal(name)
    return f'"{line}"' if "  " in line or line != line.strip() or not line else line


def _change_lines(change: Change, paint: Paint, note: str = "") -> Iterator[str]:
    """The lines of a change; `note` says where it is made, for one that stands for many."""
    sign = SIGNS[change.action]
    place = place_text(change)
    label = f"[{change.label}]" if change.label is not None else ""
    parts = [
        paint("bold", _name(change.name)),
        paint("dim", terminal(place)),
        paint(_LABEL_COLORS.get(change.label or "", ""), label),
    ]
    parts.append(terminal(change.reason))
    yield f"{paint(_SIGN_COLORS.get(sign, ''), sign)} {'  '.join(part for part in parts if part)}"
    if note:
        yield f"    in {terminal(note)}"
    for line in field_lines(change):
        position = f"  {paint('dim', terminal(line.place))}" if line.place else ""
        values = " -> ".join(map(terminal, line.values))
        side = f"  [{terminal(line.note)}]" if line.note else ""
        yield (
            f"    {paint(_SIGN_COLORS.get(line.sign, ''), line.sign)} "
            f"{terminal(line.label)}: {values}{position}{side}"
        )


def _warnings(plan: Plan, paint: Paint) -> Iterator[str]:
    scopes = plan.tenant.scopes
    for violation in group_violations(plan.violations, scopes):
        place = f"{terminal(str(violation.origin))}: " if violation.origin is not None else ""
        word = paint("yellow" if violation.accepted else "red", "violation")
        note = " (accepted)" if violation.accepted else ""
        yield f"{word} {violation.rule}{note}: {place}{terminal(violation.message)}"
        names = ", ".join(terminal(name) for name in names_beside(violation))
        # one long name stays one: nothing is cut, only wrapped between words
        yield from textwrap.wrap(
            names,
            _WIDTH,
            initial_indent="    ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    for failure in list_failures(plan):
        yield f"{paint('red', 'not read')} {terminal(failure)}"
    for warning in group_texts(plan.warnings, scopes):
        yield f"{paint('yellow', 'warning')}: {terminal(warning)}"


def plan_text(plan: Plan, whole: bool = False, *, color: bool = False) -> str:  # noqa: FBT002  `render` passes it so
    """One line a pending change and its fields below it, then violations and warnings, the digest,
    and the summary last. Equal changes of a fleet are one, `whole` names all their scopes.
    """
    paint = Paint(enabled=color)
    lines = [f"Plan for {terminal(plan_title(plan))}", ""]
    changes = [
        line
        for change, note in group_changes(plan.pending, plan.tenant.scopes, whole=whole)
        for line in _change_lines(change, paint, note)
    ]
    notes = list(_warnings(plan, paint))
    for block in (changes, notes):
        lines += [*block, ""] if block else []
    return "\n".join([*lines, plan_ending(plan, color=color)])


def plan_ending(plan: Plan, *, color: bool = False) -> str:
    """The last two lines of a plan: its digest and the summary."""
    return f"digest {plan.digest}\n{Paint(enabled=color)('bold', plan_summary(plan))}"


def drift_text(drift: Drift, time: str = "", *, color: bool = False) -> str:
    """As a plan, without a digest; webhooks that are equal again come last. `time` is the time of
    the listing.
    """
    paint, plan = Paint(enabled=color), drift.plan
    title = ", ".join(filter(None, (plan_title(plan), time)))
    changes = [
        line
        for change, note in group_changes(drift.changes, plan.tenant.scopes)
        for line in _change_lines(change, paint, note)
    ]
    settled_lines = [
        f"{paint('green', '=')} {_name(name)}  agrees again" for name in drift.settled_names
    ]
    lines = [f"Drift at {terminal(title)}", ""]
    for block in (
        changes,
        settled_lines,
        list(_warnings(replace(plan, violations=drift.violations), paint)),
    ):
        lines += [*block, ""] if block else []
    return "\n".join([*lines, paint("bold", drift_summary(plan, has_drift=drift.has_drift))])


def _outcome_line(outcome: Outcome, paint: Paint) -> str:
    status, name = outcome.status, _name(outcome.change.name)
    if status in {Status.FAILED, Status.SKIPPED}:
        color = "red" if status is Status.FAILED else "yellow"
        reason = terminal(error_text(outcome))
        return f"{paint(color, status.value)} {name}{': ' if reason else ''}{reason}"
    return f"{paint('green', status.value)} {name} ({outcome.seconds:.2f} s)"


def report_text(report: Report, *, color: bool = False) -> str:
    """One line an outcome, then the summary."""
    paint = Paint(enabled=color)
    lines = [_outcome_line(outcome, paint) for outcome in report.outcomes]
    lines += [f"{paint('red', 'not read')} {terminal(text)}" for text in list_failures(report.plan)]
    return "\n".join([*lines, *([""] if lines else []), paint("bold", report_summary(report))])


def _check_lines(check: Check, paint: Paint) -> Iterator[str]:
    delivery = check.delivery
    color, word = (
        ("green", "passed")
        if check.passed
        else ("red", "failed")
        if check.tested
        else ("yellow", "not tested")
    )
    detail = f", {delivery.detail}" if delivery.detail else ""
    description = terminal(
        check_result(check) + (f" in {delivery.seconds:.2f} s{detail}" if check.tested else "")
    )
    yield (
        f"{paint(color, word)} {_name(delivery.webhook)} {terminal(str(delivery.event))} via "
        f"{terminal(check.via)}: {description}"
    )
    hint = check_hint(check)
    if hint is not None:
        yield f"    hint: {hint}"


def test_text(test_report: TestReport, *, color: bool = False) -> str:  # noqa: PT028  no test: it renders those of `test`
    """One line a check, a hint below those that failed, then the summary."""
    paint = Paint(enabled=color)
    lines = [line for check in test_report.checks for line in _check_lines(check, paint)]
    lines += [
        f"{paint('yellow', 'warning')}: {terminal(warning)}"
        for warning in test_warnings(test_report)
    ]
    return "\n".join([*lines, *([""] if lines else []), paint("bold", test_summary(test_report))])
