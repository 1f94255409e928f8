"""Plans and reports as Markdown for a pull-request comment.

The first line is a hidden marker by which CI finds its comment again. What a reviewer must not miss
stands first and is never cut: summary, violations, deletes. The rest fills up to `LIMIT`
characters, with a note of how much was left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import starmap
from typing import Final

from reconciler.core.change import Action, Change, Plan, TenantRef, Violation
from reconciler.core.planning.settle import UnresolvedWarning
from reconciler.core.results.drift import Drift
from reconciler.core.results.reports import Outcome, Report, Status
from reconciler.rendering.counts import show_count
from reconciler.rendering.escape import code, marker, prose
from reconciler.rendering.groups import (
    group_changes,
    group_texts,
    group_violations,
    list_failures,
)
from reconciler.rendering.wording import (
    SIGNS,
    Line,
    drift_summary,
    error_text,
    field_lines,
    find_repository,
    names_beside,
    place_text,
    plan_summary,
    report_summary,
    since_text,
    use_text,
)

LIMIT: Final = 60_000
_FEW: Final = 20  # names a violation repeats even where the list below has them
_NOTE_ROOM: Final = 200


def _marker(kind: str, tenant: TenantRef) -> str:
    return (
        f"<!-- reconciler:{kind} tenant={marker(tenant.name or tenant.url)} "
        f"owner={marker(tenant.owner)} -->"
    )


def _title(kind: str, tenant: TenantRef) -> str:
    repository = f", repository {code(tenant.repository)}" if tenant.repository is not None else ""
    return (
        f"### {kind} for {code(tenant.name or tenant.url or 'the tenant')}, owner "
        f"{code(tenant.owner)}{repository}"
    )


def _since(plan: Plan) -> list[str]:
    return (
        [
            (
                f"Since {code(since_text(plan))}: pending is what Git moved, drift what the "
                "tenant did."
            ),
            "",
        ]
        if plan.since
        else []
    )


def _field(line: Line) -> str:
    sign = "" if line.sign == " " else f"`{line.sign}` "
    position = f" ({code(line.place)})" if line.place else ""
    note = f" **{prose(line.note)}**" if line.note else ""
    return f"  - {sign}{prose(line.label)}: {' → '.join(map(code, line.values))}{position}{note}"


def _change(change: Change, note: str = "", *, fields: bool = True) -> str:
    place = place_text(change)
    position = f" ({code(place)})" if place else ""
    reason = f": {prose(change.reason)}" if change.reason else ""
    label = f" **{change.label}**" if change.label is not None else ""
    where = f" in {prose(note)}" if note else ""
    head = f"- `{SIGNS[change.action]}`{label} **{code(change.name)}**{where}{position}{reason}"
    if change.action is Action.DELETE and change.live is not None:
        repository = find_repository(change)
        from_repository = f"; repository {code(repository)}" if repository is not None else ""
        return f"{head}; {use_text(change.live.use)}{from_repository}"
    return "\n".join([head, *(_field(line) for line in field_lines(change))]) if fields else head


def _violation(violation: Violation, deleted_names: set[str], max_names: int | None) -> str:
    """One violation. Names that the deletes list too are not repeated; `max_names` limits the
    others.
    """
    names = names_beside(violation)
    other_names = (
        names if len(names) <= _FEW else tuple(name for name in names if name not in deleted_names)
    )
    visible_names = other_names if max_names is None else other_names[:max_names]
    parts = [code(name) for name in visible_names]
    if len(other_names) > len(visible_names):
        parts.append(f"and {len(other_names) - len(visible_names):,} more of the changes")
    if len(names) > len(other_names):
        parts.append(
            f"{'and ' if parts else ''}{len(names) - len(other_names):,} of the deletes listed "
            "below"
        )
    place = (
        f"{code(f'{violation.origin.file}:{violation.origin.line}')} "
        if violation.origin is not None
        else ""
    )
    note = " (accepted)" if violation.accepted else ""
    return f"- **{prose(violation.rule)}**{note}: {place}{prose(violation.message)}" + (
        f" ({', '.join(parts)})" if parts else ""
    )


def _shorten(
    violations: Iterable[Violation], max_per_rule: int | None
) -> tuple[list[Violation], list[str]]:
    """The visible violations, and a line per policy rule with more than `max_per_rule` webhooks."""
    visible: list[Violation] = []
    counts: Counter[str] = Counter()
    for violation in violations:
        counts[violation.rule] += violation.is_in_digest
        if max_per_rule is None or counts[violation.rule] <= max_per_rule:
            visible.append(violation)
    rest = [
        f"- **{prose(rule)}**: {count - max_per_rule:,} more"
        for rule, count in counts.items()
        if max_per_rule is not None and count > max_per_rule
    ]
    return visible, rest


def _violations(plan: Plan, deleted_names: set[str], max_per_rule: int | None) -> list[str]:
    if not plan.violations:
        return []
    grouped = group_violations(plan.violations, plan.tenant.scopes)
    visible, rest = _shorten(grouped, max_per_rule)
    return [
        "",
        "**Violations**",
        "",
        *(_violation(violation, deleted_names, max_per_rule) for violation in visible),
        *rest,
    ]


def fill(head: str, blocks: Iterable[str], tail: str, noun: str, limit: int = LIMIT) -> str:
    """Head, as many blocks as fit (of a large one its first line), a note on the number of left-out
    blocks, and the tail.
    """
    room = limit - len(head) - len(tail) - _NOTE_ROOM
    visible: list[str] = []
    left_out = 0
    for block in blocks:
        text = block if len(block) < room else f"{block.partition(chr(10))[0]} (fields left out)"
        if left_out or len(text) >= room:
            left_out += 1
            continue
        visible.append(text)
        room -= len(text) + 1
    note = []
    if left_out:
        count = show_count(left_out, noun)
        note = [f"\n… {count} left out here: a comment has room for {LIMIT:,} characters."]
    return "\n".join([head, *visible, *note, tail])


def _deletes(lines: Iterable[str]) -> list[str]:
    listed = list(lines)
    return ["", "**Deletes**", "", *listed] if listed else []


def plan_markdown(plan: Plan, limit: int = LIMIT) -> str:
    """The plan as a comment: marker, title, summary, violations, deletes.

    Then the other changes and warnings as far as they fit.

    An update that takes the last subscription stands among the deletes, since it counts as one.
    `limit` is in characters.
    """
    groups = list(group_changes(plan.pending, plan.tenant.scopes))
    removing = [group for group in groups if group[0].is_removal]
    deleted_names = {change.name for change in plan.pending if change.is_removal}
    top = [
        _marker("plan", plan.tenant),
        _title("Plan", plan.tenant),
        "",
        *_since(plan),
        f"**{plan_summary(plan)}**",
    ]
    deletes = _deletes(starmap(_change, removing))
    violations = _violations(plan, deleted_names, None)
    if sum(len(line) + 1 for line in (*top, *violations, *deletes)) > limit:
        # what the list of changes repeats goes first: no delete's name and no violation's message
        # is ever cut
        violations = _violations(plan, deleted_names, _FEW)
        deletes = _deletes(_change(*group, fields=False) for group in removing)
    others = [_change(*group) for group in groups if not group[0].is_removal]
    rest = [*others, *_warnings(plan)]
    heading = ["", "**Changes**", ""] if others else [""] * bool(rest)
    head = "\n".join([*top, *violations, *deletes, *heading])
    tail = f"\n`digest {plan.digest}`\n\n{plan_summary(plan)}"
    return fill(head, rest, tail, "line" if plan.warnings else "change", limit)


def drift_markdown(drift: Drift, time: str = "", limit: int = LIMIT) -> str:
    """Drift as an issue or a comment: marker, title, summary, violations, then the changes as far
    as they fit.
    """
    plan = drift.plan
    summary = prose(drift_summary(plan, has_drift=drift.has_drift))
    time_lines = [f"At {code(time)}", ""] if time else []
    top = [
        _marker("drift", plan.tenant),
        _title("Drift", plan.tenant),
        "",
        *time_lines,
        *_since(plan),
        f"**{summary}**",
    ]
    head = "\n".join(
        [*top, *_violations(replace(plan, violations=drift.violations), set(), _FEW), ""]
    )
    settled_lines = [f"- `=` **{code(name)}** agrees again" for name in drift.settled_names]
    groups = group_changes(drift.changes, plan.tenant.scopes)
    rest = [*starmap(_change, groups), *settled_lines, *_warnings(plan)]
    return fill(head, rest, f"\n{summary}", "line", limit)


def _warnings(plan: Plan) -> list[str]:
    """A line per scope of a fleet that was not read, and per warning."""
    failures = [f"- **not read** {prose(text)}" for text in list_failures(plan)]
    return failures + _list_warnings(plan)


def _list_warnings(plan: Plan) -> list[str]:
    """A line per warning; those of references without a value share one line: a job without
    credentials has many.
    """
    scopes = plan.tenant.scopes
    reference_warnings = [
        warning for warning in plan.warnings if isinstance(warning, UnresolvedWarning)
    ]
    other_warnings = [
        warning for warning in plan.warnings if not isinstance(warning, UnresolvedWarning)
    ]
    if len({warning.reference for warning in reference_warnings}) < 2:
        return [f"- warning: {prose(text)}" for text in group_texts(plan.warnings, scopes)]
    return [
        _summarize_references(reference_warnings),
        *(f"- warning: {prose(text)}" for text in group_texts(other_warnings, scopes)),
    ]


def _summarize_references(warnings: Iterable[UnresolvedWarning]) -> str:
    references = dict.fromkeys(warning.reference for warning in warnings)
    fields = dict.fromkeys(warning.field for warning in warnings if warning.field)
    consequence = (
        f"not compared: {_list_few(fields)}"
        if fields
        else "credentials are compared by auth.version"
    )
    return (
        f"- warning: {len(references):,} references have no value in this run "
        f"({_list_few(references)}); {consequence}"
    )


def _list_few(texts: Iterable[str]) -> str:
    texts_as_code = [code(text) for text in texts]
    return ", ".join(
        [
            *texts_as_code[:_FEW],
            *([f"and {len(texts_as_code) - _FEW:,} more"] if len(texts_as_code) > _FEW else []),
        ]
    )


def _outcome(outcome: Outcome) -> str:
    name = code(outcome.change.name)
    if outcome.status in {Status.FAILED, Status.SKIPPED}:
        return f"- **{outcome.status.value}** {name}: {prose(error_text(outcome))}"
    return f"- {outcome.status.value} {name} ({outcome.seconds:.2f} s)"


def report_markdown(report: Report, limit: int = LIMIT) -> str:
    """The report as a comment: marker, title, summary, every delete; then the rest as far as it
    fits, what failed first.
    """
    tenant = report.plan.tenant
    deletes = [
        _outcome(outcome) for outcome in report.outcomes if outcome.change.action is Action.DELETE
    ]
    other_outcomes = [
        outcome for outcome in report.outcomes if outcome.change.action is not Action.DELETE
    ]
    failures = [f"- **not read** {prose(text)}" for text in list_failures(report.plan)]
    rest = map(
        _outcome, sorted(other_outcomes, key=lambda outcome: outcome.status is not Status.FAILED)
    )
    top = [_marker("report", tenant), _title("Report", tenant), "", f"**{report_summary(report)}**"]
    head = "\n".join([*top, *([""] if report.outcomes or failures else []), *failures, *deletes])
    return fill(head, rest, f"\n{report_summary(report)}", "outcome", limit)
