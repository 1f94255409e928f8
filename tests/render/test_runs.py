"""One comment over all tenants."""

from __future__ import annotations

from reconciler.core.results.reports import Failure
from reconciler.core.results.runs import Runs, TenantRun
from reconciler.rendering import runs
from tests.render import builders

PLAN = builders.plan_of(builders.update("Payments"))
REFUSED = TenantRun(
    "production", 1, 5, plan=PLAN, error=Failure("stale-plan", "not the plans that were approved")
)


def test_a_plan_that_was_refused_and_why_stand_under_one_title_and_the_digest_of_all_stands_first() -> (
    None
):
    shown = Runs((REFUSED,), 5)
    lines = runs.runs_markdown(shown).splitlines()
    assert len([line for line in lines if line.startswith("### ")]) == 1
    assert next(line for line in lines if "digest" in line) == f"`digest {shown.digest}`"
    assert lines[-1] == "**error**: not the plans that were approved"


def test_a_tenant_of_which_there_is_nothing_but_a_reason_has_a_title_of_its_own() -> None:
    away = TenantRun(
        "away", 1, 1, error=Failure("unreachable", "no answer"), note="its turn is over"
    )
    late = TenantRun("late", 2, None, note="not started")
    text = runs.runs_markdown(Runs((away, late), 1))
    assert (
        "### `away`\n\n**error**: no answer\n\nits turn is over\n\n### `late`\n\nnot started"
        in text
    )
    assert "digest" not in text
