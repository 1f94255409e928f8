"""Plans and reports as Markdown for a pull-request comment.

The first line is a hidden marker by which CI finds its comment again. What a reviewer must not miss
stands first and is never cut: summary, violations, deletes. The rest fills up to `LIMIT`
characters, with a note of how much was left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from reconciler.core.change import Action, Change, Plan, TenantRef, Violation
from reconciler.core.planning.settle import Unresolved
from reconciler.core.results.drift import Drift
from reconciler.core.results.reports import Outcome, Report, Status
from reconciler.render.counted import counted
from reconciler.render.escape import code, marker, prose
from reconciler.render.wording import (
    SIGNS,
    Line,
    drift_summary,
    error_text,
    field_lines,
    names_beside,
    place_text,
    plan_summary,
    report_summary,
    repository_of,
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
    where = f" ({code(line.place)})" if line.place else ""
    note = f" **{prose(line.note)}**" if line.note else ""
    return f"  - {sign}{prose(line.label)}: {' → '.join(map(code, line.values))}{where}{note}"


def _change(change: Change, *, fields: bool = True) -> str:
    place = place_text(change)
    where = f" ({code(place)})" if place else ""
    why = f": {prose(change.reason)}" if change.reason else ""
    label = f" **{change.label}**" if change.label is not None else ""
    head = f"- `{SIGNS[change.action]}`{label} **{code(change.name)}**{where}{why}"
    if change.action is Action.DELETE and change.live is not None:
        repository = repository_of(change)
        from_repository = f"; repository {code(repository)}" if repository is not None else ""
        return f"{head}; {use_text(change.live.use)}{from_repository}"
    return "\n".join([head, *(_field(line) for line in field_lines(change))]) if fields else head


def _violation(violation: Violation, listed: set[str], most: int | None) -> str:
    """One violation; names that the deletes list anyway are not said twice, `most` cuts the
    others.
    """
    names = names_beside(violation)
    told = names if len(names) <= _FEW else tuple(name for name in names if name not in listed)
    shown = told if most is None else told[:most]
    parts = [code(name) for name in shown]
    if len(told) > len(shown):
        parts.append(f"and {len(told) - len(shown):,} more of the changes")
    if len(names) > len(told):
        parts.append(
            f"{'and ' if parts else ''}{len(names) - len(told):,} of the deletes listed below"
        )
    place = (
        f"{code(f'{violation.origin.file}:{violation.origin.line}')} "
        if violation.origin is not None
        else ""
    )
    return f"- **{prose(violation.rule)}**: {place}{prose(violation.message)}" + (
        f" ({', '.join(parts)})" if parts else ""
    )


def _shortened(
    violations: Iterable[Violation], most: int | None
) -> tuple[list[Violation], list[str]]:
    """Those to show, and a line for each of the organisation's rules that refuses more than `most`
    webhooks say alike.
    """
    shown: list[Violation] = []
    seen: Counter[str] = Counter()
    for found in violations:
        seen[found.rule] += found.in_digest
        if most is None or seen[found.rule] <= most:
            shown.append(found)
    rest = [
        f"- **{prose(rule)}**: {count - most:,} more"
        for rule, count in seen.items()
        if most is not None and count > most
    ]
    return shown, rest


def _violations(plan: Plan, listed: set[str], most: int | None) -> list[str]:
    if not plan.violations:
        return []
    shown, rest = _shortened(plan.violations, most)
    return ["", "**Violations**", "", *(_violation(found, listed, most) for found in shown), *rest]


def filled(head: str, blocks: Iterable[str], tail: str, noun: str, limit: int = LIMIT) -> str:
    """Head, as many blocks as fit (of a large one its first line), a note of how many did not, and
    the tail.
    """
    room = limit - len(head) - len(tail) - _NOTE_ROOM
    shown: list[str] = []
    left = 0
    for block in blocks:
        text = block if len(block) < room else f"{block.partition(chr(10))[0]} (fields left out)"
        if left or len(text) >= room:
            left += 1
            continue
        shown.append(text)
        room -= len(text) + 1
    note = (
        [f"\n… {counted(left, noun)} left out here: a comment has room for {LIMIT:,} characters."]
        if left
        else []
    )
    return "\n".join([head, *shown, *note, tail])


def plan_markdown(plan: Plan, limit: int = LIMIT) -> str:
    """The plan as a comment: marker, title, summary, violations, deletes.

    Then the other changes and warnings as far as they fit.

    An update that takes the last subscription stands among the deletes, since it counts as one.
    `limit` is in characters.
    """
    pending = plan.pending
    removing = [change for change in pending if change.removes]
    listed = {change.name for change in removing}
    top = [
        _marker("plan", plan.tenant),
        _title("Plan", plan.tenant),
        "",
        *_since(plan),
        f"**{plan_summary(plan)}**",
    ]
    deletes = ["", "**Deletes**", "", *map(_change, removing)] if removing else []
    violations = _violations(plan, listed, None)
    if sum(len(line) + 1 for line in (*top, *violations, *deletes)) > limit:
        # what the list of changes repeats goes first: no delete's name and no violation's message
        # is ever cut
        violations = _violations(plan, listed, _FEW)
        deletes = (
            ["", "**Deletes**", "", *(_change(change, fields=False) for change in removing)]
            if removing
            else []
        )
    others = [change for change in pending if not change.removes]
    rest = [*map(_change, others), *_warnings(plan)]
    heading = ["", "**Changes**", ""] if others else [""] if rest else []
    head = "\n".join([*top, *violations, *deletes, *heading])
    tail = f"\n`digest {plan.digest}`\n\n{plan_summary(plan)}"
    return filled(head, rest, tail, "line" if plan.warnings else "change", limit)


def drift_markdown(drift: Drift, at: str = "", limit: int = LIMIT) -> str:
    """A look for drift as an issue or a comment: marker, title, summary, violations, then the
    changes as far as they fit.
    """
    plan = drift.plan
    summary = prose(drift_summary(plan, found=drift.found))
    when = [f"At {code(at)}", ""] if at else []
    top = [
        _marker("drift", plan.tenant),
        _title("Drift", plan.tenant),
        "",
        *when,
        *_since(plan),
        f"**{summary}**",
    ]
    head = "\n".join(
        [*top, *_violations(replace(plan, violations=drift.violations), set(), _FEW), ""]
    )
    settled = [f"- `=` **{code(name)}** agrees again" for name in drift.settled]
    rest = [*map(_change, drift.changes), *settled, *_warnings(plan)]
    return filled(head, rest, f"\n{summary}", "line", limit)


def _warnings(plan: Plan) -> list[str]:
    """A line a warning; those of references without a value are one line, since a job without
    credentials has one for each.
    """
    unresolved = [warning for warning in plan.warnings if isinstance(warning, Unresolved)]
    others = [warning for warning in plan.warnings if not isinstance(warning, Unresolved)]
    if len({warning.reference for warning in unresolved}) < 2:
        return [f"- warning: {prose(text)}" for text in plan.warnings]
    return [_unresolved(unresolved), *(f"- warning: {prose(text)}" for text in others)]


def _unresolved(warnings: Iterable[Unresolved]) -> str:
    references = dict.fromkeys(warning.reference for warning in warnings)
    fields = dict.fromkeys(warning.field for warning in warnings if warning.field)
    compared = (
        f"not compared: {_few(fields)}" if fields else "credentials are compared by auth.version"
    )
    return (
        f"- warning: {len(references):,} references have no value in this run "
        f"({_few(references)}); {compared}"
    )


def _few(texts: Iterable[str]) -> str:
    shown = [code(text) for text in texts]
    return ", ".join(
        [*shown[:_FEW], *([f"and {len(shown) - _FEW:,} more"] if len(shown) > _FEW else [])]
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
    others = [outcome for outcome in report.outcomes if outcome.change.action is not Action.DELETE]
    rest = map(_outcome, sorted(others, key=lambda outcome: outcome.status is not Status.FAILED))
    top = [_marker("report", tenant), _title("Report", tenant), "", f"**{report_summary(report)}**"]
    head = "\n".join([*top, *([""] if report.outcomes else []), *deletes])
    return filled(head, rest, f"\n{report_summary(report)}", "outcome", limit)
