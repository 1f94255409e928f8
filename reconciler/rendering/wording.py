"""Words that text and Markdown share: positions, fields, and summary sentences.

Every text that it returns may be foreign: the renderers escape it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.change import Action, Label
from reconciler.core.model.secret import HIDDEN
from reconciler.core.planning.switched_off import OFF
from reconciler.core.results.reports import Status
from reconciler.rendering.counts import show_count, show_plural

if (
    TYPE_CHECKING
):  # `validate` renders problems only, and starts faster without the parts that make plans
    from reconciler.core.change import Change, FieldChange, Plan, Violation
    from reconciler.core.model.webhook import Origin, Subscription, Use
    from reconciler.core.results.reports import Check, Outcome, Report, TestReport

SIGNS: Final = {"create": "+", "update": "~", "delete": "-", "keep": " "}  # by Action

_BARE: Final = re.compile(r"(?!(?:true|false|null|->)\Z)[^\s\"'(\[{\d-][^\s\"']*")
RECEIVES_NOTHING: Final = f"{OFF}: it receives nothing until it is switched on"


@dataclass(frozen=True, slots=True)
class Line:
    """One line about a field: its sign (" " without one), its label, its values, and its position
    in a manifest if known.

    Two values are before and after; one value is that of a new webhook. `note` is the side that
    changed.
    """

    sign: str
    label: str
    values: tuple[str, ...] = ()
    place: str = ""
    note: str = ""


def find_place(change: Change) -> tuple[str | None, int | None]:
    """File and line of a change; for a delete the recorded source, without a line."""
    if change.declared is not None:
        return change.declared.origin.file, change.declared.origin.line
    return change.source, None


def find_repository(change: Change) -> str | None:
    """The repository in the mark of the live webhook, None if it has none."""
    return (
        change.live.managed_by.repository
        if change.live is not None and change.live.managed_by is not None
        else None
    )


def place_text(change: Change) -> str:
    """`file:line`; only the file for a delete; "" without a recorded source."""
    file, line = find_place(change)
    return ":".join(str(part) for part in (file, line) if part is not None)


def find_origin(change: Change, subscription: Subscription) -> Origin | None:
    """The position of an added subscription, if it is known."""
    return (
        change.declared.subscription_origins.get(subscription)
        if change.declared is not None
        else None
    )


def patch_of(change: Change, field: FieldChange) -> Origin | None:
    """The position of the Tenant's patch that sets a field, None for a field of the manifest
    itself.
    """
    return change.declared.patch_of(field.path) if change.declared is not None else None


def make_plain(value: Any) -> Any:
    """A field's value in JSON types only; other types stay hidden."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [make_plain(item) for item in value]
    return HIDDEN


def show_before(change: Change, field: FieldChange) -> Any:
    """The earlier value of a field: none for a new webhook."""
    return None if change.action is Action.CREATE else make_plain(field.before)


def value_text(value: Any) -> str:
    """A value for people: text bare where that is unmistakable, else quoted; lists with commas;
    `(none)` for nothing.
    """
    match make_plain(value):
        case None:
            return "(none)"
        case str(text):
            return (
                text
                if text == HIDDEN or _BARE.fullmatch(text)
                else json.dumps(text, ensure_ascii=False)
            )
        case list(items):
            return ", ".join(value_text(item) for item in items) or "(none)"
        case plain_value:
            return json.dumps(plain_value)


def _place(origin: Origin | None) -> str:
    return f"{origin.file}:{origin.line}" if origin is not None else ""


def _secret_text(value: Any) -> str:
    return "(none)" if value is None else str(make_plain(value))


def field_lines(change: Change) -> Iterator[Line]:
    """The lines of a change's fields: one for each value that differs, one for each event added or
    removed.
    """
    for field in change.fields:
        if field.path == ("events",):
            for item in field.added:
                position = _place(find_origin(change, item))
                yield Line(
                    "+", "event", (str(item),), position, _note(change, event_label(field, item))
                )
            for item in field.removed:
                yield Line("-", "event", (str(item),), note=_note(change, event_label(field, item)))
            continue
        show = _secret_text if field.secret else value_text
        values = (
            (show(field.after),)
            if change.action is Action.CREATE
            else (show(field.before), show(field.after))
        )
        note = (
            f"both; it was {show(field.base)}"
            if field.label == "both"
            else _note(change, field.label)
        )
        label = f"{field.dotted} (secret)" if field.secret else field.dotted
        yield Line(" ", label, values, _place(patch_of(change, field)), note)
    if change.action is Action.DELETE and change.live is not None:
        yield Line(" ", "use", (use_text(change.live.use),))
        if (repository := find_repository(change)) is not None:
            yield Line(" ", "repository", (repository,))


def event_label(field: FieldChange, item: Subscription) -> Label | None:
    """Who moved one event of a labelled field: it is there or not, so that never both did."""
    if field.label is None:
        return None
    return Label.PENDING if (item in field.base) == (item in field.removed) else Label.DRIFT


def _note(change: Change, label: Label | None) -> str:
    """Who moved a field, where the change as a whole does not say it."""
    return "" if label is None or label is change.label else label.value


def since_text(plan: Plan) -> str:
    """The revision that labels compare with: `main (4fd1c2e8a91b)`; "" without labels."""
    return f"{plan.since[0]} ({plan.since[1][:12]})" if plan.since is not None else ""


def label_counts(plan: Plan) -> dict[str, int]:
    """How many changes have each label."""
    counts = Counter(change.label for change in plan.pending)
    return {label.value: counts[label] for label in (Label.DRIFT, Label.BOTH, Label.PENDING)}


def drift_summary(plan: Plan, *, has_drift: bool) -> str:
    """The last line of `drift`."""
    counts, labels = plan.counts, label_counts(plan)
    label_text = ", ".join(
        f"{count} {label}" for label, count in labels.items() if count or label == "drift"
    )
    rest = (
        f"{counts.keep} unchanged ({counts.unmanaged} unmanaged, {counts.out_of_scope} out "
        "of scope)"
    )
    return (
        f"Drift: {label_text}, {rest}."
        if has_drift
        else f"No drift. {f'{label_text}, ' if plan.pending else ''}{rest}."
    )


def use_text(use: Use | None) -> str:
    """The recent deliveries of a webhook: a warning before one in use is deleted."""
    if use is None:
        return "deliveries unknown: the product reported no count"
    return f"{use.delivered}, failed {use.failed:,}" if use.failed else use.delivered


def names_beside(violation: Violation) -> tuple[str, ...]:
    """The names of a violation, unless its message begins with the only one."""
    if len(violation.names) == 1 and violation.message.startswith(f"{violation.names[0]}:"):
        return ()
    return violation.names


def plan_title(plan: Plan) -> str:
    """The tenant and the owner of a plan."""
    tenant = plan.tenant
    name = (
        f"{tenant.name} ({tenant.url})"
        if tenant.name and tenant.url
        else tenant.name or tenant.url or "the tenant"
    )
    repository = f", repository {tenant.repository}" if tenant.repository is not None else ""
    since = f", since {since_text(plan)}" if plan.since is not None else ""
    fleet = tenant.scopes
    scopes = f", {show_plural(len(fleet.readable), fleet.noun)}" if fleet is not None else ""
    return f"{name}, owner {tenant.owner}{repository}{scopes}{since}"


def plan_summary(plan: Plan) -> str:
    """The last line of a plan: what it would do, and whether it is refused."""
    counts = plan.counts
    rest = (
        f"{counts.keep} unchanged ({counts.unmanaged} unmanaged, {counts.out_of_scope} out "
        "of scope)"
    )
    if plan.pending:
        text = (
            f"Plan: {counts.create} to create, {counts.update} to update, {counts.delete} to "
            f"delete, {rest}."
        )
    else:
        text = f"No changes. {rest}."
    if plan.since is not None and plan.pending:
        label_text = ", ".join(
            f"{count} {label}" for label, count in label_counts(plan).items() if count
        )
        text += f" Who moved: {label_text}."
    if plan.failures and plan.tenant.scopes is not None:
        scopes = plan.tenant.scopes
        text += f" {len(plan.failures):,} of {len(scopes.found):,} {scopes.noun} were not read."
    accepted = len(plan.violations) - len(plan.refusals)
    if accepted:
        text += f" Accepted in the Tenant: {show_count(accepted, 'violation')}."
    if plan.refusals:
        text += f" Refused: {show_count(len(plan.refusals), 'violation')}; nothing is written."
    return text


def report_counts(report: Report) -> dict[str, int]:
    """How many ended in each status, in one pass; what the plan keeps counts as unchanged."""
    counts = {status.value: 0 for status in Status}
    for outcome in report.outcomes:
        counts[outcome.status.value] += 1
    counts[Status.UNCHANGED.value] = report.plan.counts.keep
    return counts


def report_summary(report: Report) -> str:
    """The last line of a report."""
    return (
        "Report: "
        + ", ".join(f"{count} {status}" for status, count in report_counts(report).items())
        + "."
    )


def test_summary(test_report: TestReport) -> str:
    """The last line of `test`."""
    counts = test_report.counts
    untested = f", {counts['not_tested']} not tested" if counts["not_tested"] else ""
    return f"Test: {counts['passed']} passed, {counts['failed']} failed{untested}."


def check_result(check: Check) -> str:
    """The result of a check: the verdict and its detail, or why it was not tested."""
    delivery = check.delivery
    if not check.tested:
        return (delivery.detail or "").removeprefix("not tested: ")
    kind = "" if check.check == "delivery" else f"{check.check} check: "
    status = "" if delivery.status_code is None else f" {delivery.status_code}"
    return f"{kind}{delivery.verdict.value}{status}"


def test_warnings(test_report: TestReport) -> Iterator[str]:
    """What a reader of `test` should also know: scopes that could not be read, and webhooks that
    are off at the tenant, by name.
    """
    for failure in test_report.failures:
        yield f"{failure.scope}: nothing was tested there: {failure.message}"
    names = {check.key: check.delivery.webhook for check in test_report.checks}
    yield from (
        f"{names[key]}: {RECEIVES_NOTHING}" for key in test_report.switched_off if key in names
    )


def error_text(outcome: Outcome) -> str:
    """Why it failed or was skipped, with the fields at fault; "" for other outcomes."""
    error = outcome.error
    if error is None:
        return ""
    fields = f" (fields {', '.join(error.fields)})" if error.fields else ""
    kind = "" if error.kind == outcome.status.value else f"{error.kind}: "
    return f"{kind}{error.message}{fields}"
