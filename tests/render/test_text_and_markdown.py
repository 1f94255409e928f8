"""What a person must not miss is said, nothing is said that must not be, and large plans stay
readable and quick.
"""

from __future__ import annotations

import itertools
import re
import sys
from dataclasses import replace
from enum import Enum, auto

import pytest

from reconciler.core.change import Change, FieldChange, Plan, Violation
from reconciler.core.model.webhook import Origin, Subscription, Use
from reconciler.core.planning.settle import UnresolvedWarning
from reconciler.core.results.reports import Outcome, Report, Status, Verdict
from reconciler.rendering import document, markdown, problems, text
from reconciler.rendering.hints import HINTS
from reconciler.rendering.wording import use_text, value_text
from tests.render import builders


class Kind(Enum):
    TEXT = auto()
    COLOR = auto()
    MARKDOWN = auto()
    JSON = auto()


def render(plan: Plan, kind: Kind) -> str:
    match kind:
        case Kind.TEXT | Kind.COLOR:
            return text.plan_text(plan, color=kind is Kind.COLOR)
        case Kind.MARKDOWN:
            return markdown.plan_markdown(plan)
        case Kind.JSON:
            return document.to_json(document.plan_document(plan))


def updates(count: int) -> tuple[Change, ...]:
    return tuple(builders.update(f"Webhook {number:05}") for number in range(count))


def deletes(count: int) -> tuple[Change, ...]:
    return tuple(builders.delete(f"Gone {number:05}") for number in range(count))


def taking_the_last(name: str) -> Change:
    change = builders.update(name, FieldChange(("events",), removed=(builders.STARTED,)))
    assert change.declared is not None
    bare = replace(change.declared, spec=replace(change.declared.spec, subscriptions=frozenset()))
    return replace(change, declared=bare)


@pytest.mark.parametrize("kind", Kind)
def test_no_secret_is_rendered(kind: Kind) -> None:
    plan = builders.mixed_plan()
    report = builders.report_of(plan)
    whole = render(plan, kind) + text.report_text(report) + markdown.report_markdown(report)
    assert not [secret for secret in builders.SECRETS if secret in whole]


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.MARKDOWN])
def test_an_unchanged_webhook_is_counted_and_not_named(kind: Kind) -> None:
    made = render(builders.mixed_plan(), kind)
    assert "1 unchanged (1 unmanaged, 0 out of scope)" in made
    assert "Same" not in made


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.MARKDOWN])
def test_the_summary_is_the_last_line(kind: Kind) -> None:
    assert (
        render(builders.mixed_plan(), kind)
        .splitlines()[-1]
        .startswith("Plan: 1 to create, 1 to update, 2 to delete, ")
    )
    assert (
        render(builders.empty_plan(), kind).splitlines()[-1].startswith("No changes. 8 unchanged")
    )


def test_the_digest_stands_above_the_summary() -> None:
    plan = builders.mixed_plan()
    assert text.plan_text(plan).splitlines()[-2] == f"digest {plan.digest}"
    assert plan.digest in markdown.plan_markdown(plan)


def test_a_plan_names_file_and_line_of_change_and_added_event() -> None:
    made = text.plan_text(builders.mixed_plan())
    assert "~ Payments on-call  webhooks/payments.yaml:3  differs from the manifest" in made
    assert f"    + event: {builders.UNHEALTHY}  webhooks/payments.yaml:10" in made


@pytest.mark.parametrize("color", [False, True])
def test_ansi_stands_in_text_only_when_colour_is_wanted(*, color: bool) -> None:
    plan = builders.mixed_plan()
    parts = (
        text.plan_text(plan, color=color),
        text.report_text(builders.report_of(plan), color=color),
        text.test_text(builders.checks(), color=color),
        problems.problems_text(builders.problems(), 2, 0, color=color),
    )
    assert all(("\x1b[" in part) is color for part in parts)


def test_colour_changes_nothing_but_colour() -> None:
    plan = builders.mixed_plan()
    assert re.sub(r"\x1b\[\d+m", "", text.plan_text(plan, color=True)) == text.plan_text(plan)


@pytest.mark.parametrize(
    "verdict", [verdict for verdict in Verdict if verdict is not Verdict.DELIVERED]
)
def test_every_verdict_that_fails_has_a_hint(verdict: Verdict) -> None:
    lines = text.test_text(builders.checks()).splitlines()
    at = next(
        number for number, line in enumerate(lines) if line.startswith(f"failed Hook {verdict} ")
    )
    assert lines[at + 1] == f"    hint: {HINTS[verdict]}"


def test_a_check_that_passed_has_no_hint() -> None:
    lines = text.test_text(builders.checks()).splitlines()
    passed = [number for number, line in enumerate(lines) if line.startswith("passed")]
    assert len(passed) == 2
    assert not [number for number in passed if lines[number + 1].startswith("    hint")]


def test_a_failure_says_kind_message_and_fields() -> None:
    made = text.report_text(builders.report_of(builders.mixed_plan()))
    assert (
        "failed Gone one: conflict: changed at the tenant since the plan (fields url, events)"
        in made
    )
    assert "skipped Gone two: deletes start only if every create and update succeeded" in made


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(none)"),
        (True, "true"),
        ("true", '"true"'),
        ("", '""'),
        ("https://a.example/b?c=d", "https://a.example/b?c=d"),
        ("two words", '"two words"'),
        ("->", '"->"'),
        (["a", "b c"], 'a, "b c"'),
        ([], "(none)"),
        (3, "3"),
        ("(hidden)", "(hidden)"),
        ("(none)", '"(none)"'),
        ("12", '"12"'),
    ],
)
def test_a_value_is_quoted_where_it_could_be_mistaken(value: object, shown: str) -> None:
    assert value_text(value) == shown


@pytest.mark.parametrize(
    ("use", "shown"),
    [
        (None, "deliveries unknown: the product reported no count"),
        (Use(), "delivered 0 in the last 24 h"),
        (Use(1_500, 2), "delivered 1,500 in the last 24 h, failed 2"),
        (Use(500, 2, at_least=True), "delivered at least 500 in the last 24 h, failed 2"),
    ],
)
def test_the_use_of_a_deleted_webhook_is_in_words(use: Use | None, shown: str) -> None:
    assert use_text(use) == shown


def test_markdown_starts_with_a_hidden_marker_of_tenant_and_owner() -> None:
    plan = builders.empty_plan()
    assert markdown.plan_markdown(plan).startswith(
        "<!-- reconciler:plan tenant=production owner=payments -->\n"
    )
    report = builders.report_of(plan)
    assert markdown.report_markdown(report).startswith(
        "<!-- reconciler:report tenant=production owner=payments -->\n"
    )


def test_a_tenant_without_a_name_is_marked_by_its_url() -> None:
    plan = replace(builders.empty_plan(), tenant=replace(builders.TENANT, name=""))
    assert f"tenant={builders.TENANT.url} " in markdown.plan_markdown(plan)


def test_markdown_says_violations_and_deletes_before_other_changes() -> None:
    made = markdown.plan_markdown(builders.mixed_plan())
    order = ["Plan: 1 to create", "**delete-limit**", "- `-` **`Gone one`**", "- `+` **`Audit`**"]
    assert sorted(order, key=made.index) == order


def test_markdown_of_many_updates_stays_within_the_limit_and_says_what_is_left_out() -> None:
    refusal = Violation(
        "update-limit",
        "5000 of 5000 webhooks would be updated",
        tuple(c.name for c in updates(5000)),
    )
    plan = builders.plan_of(*updates(5000), *deletes(3), violations=(refusal,))
    made = markdown.plan_markdown(plan)
    shown = made.count("- `~` ")
    assert 55_000 < len(made) <= markdown.LIMIT
    assert f"… {5000 - shown:,} changes left out here" in made
    assert refusal.message in made
    assert all(change.name in made for change in deletes(3))
    assert made.splitlines()[-1].startswith("Plan: 0 to create, 5000 to update, 3 to delete")


def test_markdown_of_many_warnings_still_says_every_change() -> None:
    """A pull request from a fork has a warning for each secret that it cannot resolve."""
    plan = builders.plan_of(
        *updates(50), warnings=tuple(f"w{number}: " + "not compared " * 20 for number in range(500))
    )
    made = markdown.plan_markdown(plan)
    assert all(change.name in made for change in updates(50))
    assert made.index("Webhook 00049") < made.index("warning: w0")
    assert "lines left out here" in made
    assert len(made) <= markdown.LIMIT


def test_markdown_says_once_that_references_have_no_value_and_what_was_not_compared() -> None:
    notes = [
        UnresolvedWarning(f"hook.yaml:{number}: long", f"fromEnv: T{number}")
        for number in range(30)
    ]
    notes += [
        UnresolvedWarning("a: credential not compared: long", "fromEnv: T1", "credential of a")
    ]
    plan = builders.plan_of(warnings=(*notes, "another"))

    made = markdown.plan_markdown(plan)

    shown = ", ".join(f"`fromEnv: T{number}`" for number in range(20))
    assert [line for line in made.splitlines() if line.startswith("- warning")] == [
        (
            f"- warning: 30 references have no value in this run ({shown}, and 10 more); not "
            "compared: `credential of a`"
        ),
        "- warning: another",
    ]
    assert text.plan_text(plan).count("long") == 31


def test_markdown_of_one_reference_without_a_value_says_all_of_it() -> None:
    note = UnresolvedWarning("hook.yaml:1: does not resolve", "fromEnv: T")
    assert "does not resolve" in markdown.plan_markdown(builders.plan_of(warnings=(note,)))


def test_markdown_has_no_heading_of_changes_where_there_are_only_warnings() -> None:
    made = markdown.plan_markdown(builders.plan_of(warnings=("credential not compared",)))
    assert "**Changes**" not in made
    assert "\n\n- warning: credential not compared\n" in made


def test_markdown_never_cuts_a_delete() -> None:
    refusal = Violation(
        "delete-limit",
        "4000 of 4000 webhooks would be deleted",
        tuple(c.name for c in deletes(4000)),
    )
    made = markdown.plan_markdown(
        builders.plan_of(*updates(5), *deletes(4000), violations=(refusal,))
    )
    assert all(f"**`{change.name}`**" in made for change in deletes(4000))
    assert refusal.message in made
    assert "5 changes left out here" in made


def test_markdown_says_a_delete_once_even_if_a_violation_names_it() -> None:
    refusal = Violation("delete-limit", "too many", tuple(c.name for c in deletes(100)))
    made = markdown.plan_markdown(builders.plan_of(*deletes(100), violations=(refusal,)))
    assert made.count("Gone 00007") == 1
    assert "100 of the deletes listed below" in made


def test_taking_the_last_subscription_stands_among_the_deletes() -> None:
    made = markdown.plan_markdown(builders.plan_of(*updates(2000), taking_the_last("Silenced")))
    assert made.index("Silenced") < made.index("**Changes**")


def test_a_change_with_too_many_fields_keeps_its_name() -> None:
    events = tuple(Subscription(f"a:{number:05}", "v0", "info") for number in range(3000))
    large = builders.update("Large", FieldChange(("events",), added=events))
    made = markdown.plan_markdown(builders.plan_of(large, *updates(2)))
    assert "**`Large`**" in made
    assert "(fields left out)" in made
    assert "Webhook 00001" in made
    assert len(made) <= markdown.LIMIT


def test_markdown_of_a_report_says_failures_first_and_stays_within_the_limit() -> None:
    plan = builders.plan_of(*updates(5000))
    outcomes = [Outcome(Status.UPDATED, change) for change in plan.pending]
    outcomes[-1] = replace(
        builders.report_of(builders.mixed_plan()).outcomes[2], change=plan.pending[-1]
    )
    made = markdown.report_markdown(Report(plan, tuple(outcomes)))
    assert len(made) <= markdown.LIMIT
    assert "**failed** `Webhook 04999`: conflict" in made
    assert "outcomes left out here" in made


@pytest.mark.parametrize("kind", Kind)
def test_ten_thousand_changes_render_in_little_more_than_ten_times_a_thousand(kind: Kind) -> None:
    def count_calls(count: int) -> int:
        names = updates(count - count // 10) + deletes(count // 10)
        violation = Violation("update-limit", "many", tuple(change.name for change in names))
        plan = builders.plan_of(*names, violations=(violation,))
        calls = itertools.count()
        sys.setprofile(lambda *_: next(calls))
        try:
            render(plan, kind)
        finally:
            sys.setprofile(None)
        return next(calls)

    assert count_calls(10_000) < 12 * count_calls(1_000)


def test_a_violation_of_a_policy_has_its_position_and_a_thousand_violations_leave_room_in_a_comment() -> (
    None
):
    found = [
        Violation(
            "policy/https",
            f"Webhook {number}: {'https only ' * 9}",
            (f"Webhook {number}",),
            Origin("webhooks.yaml", number),
        )
        for number in range(1, 1_001)
    ]
    few, many = (builders.plan_of(violations=tuple(found[:count])) for count in (2, 1_000))

    assert "violation policy/https: webhooks.yaml:2:1: Webhook 2: https only" in text.plan_text(few)
    assert document.plan_document(few)["violations"][1]["file"] == "webhooks.yaml"
    assert document.plan_document(few)["violations"][1]["line"] == 2
    assert "- **policy/https**: `webhooks.yaml:2` Webhook 2: https only" in markdown.plan_markdown(
        few
    )
    assert len(markdown.plan_markdown(many)) < markdown.LIMIT
    assert "- **policy/https**: 980 more" in markdown.plan_markdown(many)
