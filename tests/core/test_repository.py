"""Rule 15: whose repository a webhook is, what a plan may do with another one's, and what of the
mark is repaired.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from reconciler.core.change import Label, Plan, Violation
from reconciler.core.export.adopt import AdoptionRequest, make_adoption
from reconciler.core.export.exported import make_export
from reconciler.core.model.secret import Secret, hidden_url
from reconciler.core.model.webhook import Live
from reconciler.core.results.drift import find_drift
from reconciler.core.safety.run_policy import Scope
from reconciler.core.saved.since import Base, labelled
from reconciler.providers.memory import MemoryProvider
from tests.support.builders import (
    TENANT,
    bearer,
    declared,
    list_changes,
    live,
    normalize,
    only,
    paths,
    plan_of,
    policy,
    rules,
    withheld_bearer,
)
from tests.support.saved_plans import format_plan

OURS, OTHER = "forge.example/acme/webhooks", "forge.example/search/webhooks"
SUSPECTED = "another-repository-suspected"


def violation(plan: Plan) -> Violation:
    [found] = plan.violations
    return found


def list_moved(*keys: str, repository: str | None = None) -> list[Live]:
    return [live(key, url=f"https://old.example/{key}", repository=repository) for key in keys]


def test_rule_15_a_change_of_another_repositorys_webhook_is_refused_and_both_are_named() -> None:
    for wanted, verb in ((declared("a", description="new"), "update"), (declared("b"), "delete")):
        plan = plan_of([wanted], [live("a", repository=OTHER)], policy(repository=OURS))
        found = violation(plan)
        assert (found.rule, found.names, found.is_acceptable) == ("other-repository", ("a",), True)
        for word in (OURS, OTHER, verb, f"--moved-from {OTHER}"):
            assert word in found.message


def test_the_taking_of_sources_or_key_is_refused_too() -> None:
    there = live("a", repository=OTHER)
    assert rules(
        plan_of([declared("a", sources=("x.yaml",))], [there], policy(repository=OURS))
    ) == ["other-repository"]
    assert rules(plan_of([declared("b", name="a")], [there], policy(repository=OURS))) == [
        "other-repository"
    ]


def test_where_nothing_else_differs_the_mark_stays_and_a_warning_says_whose_it_is() -> None:
    plan = plan_of([declared("a")], [live("a", repository=OTHER)], policy(repository=OURS))
    assert (plan.pending, plan.violations, plan.counts.keep) == ((), (), 1)
    [warning] = plan.warnings
    assert OURS in warning
    assert f"--moved-from {OTHER}" in warning


def test_rule_15_after_a_move_the_former_address_counts_as_ours_and_the_mark_is_rewritten() -> None:
    allowed = policy(repository=OURS, moved_from=frozenset({OTHER, "old.example/x"}))
    change = only(plan_of([declared("a")], [live("a", repository=OTHER)], allowed))
    assert (paths(change), change.is_ownership_only) == (["managed_by.repository"], True)
    assert (change.fields[0].before, change.fields[0].after) == (OTHER, OURS)
    plan = plan_of(
        [declared("b")], [live("a", repository=OTHER), live("b", repository=OURS)], allowed
    )
    assert (list_changes(plan), plan.violations) == ([("delete", "a")], ())


def test_a_mark_without_a_repository_gets_ours_once_beside_the_limits() -> None:
    async def story() -> None:
        wanted, allowed = [declared(f"w{number}") for number in range(20)], policy(repository=OURS)
        provider = MemoryProvider(live(item.key) for item in wanted)
        plan = plan_of(wanted, await provider.list(), allowed)
        assert (plan.counts.update, plan.violations) == (20, ())
        for change in plan.pending:
            assert (paths(change), change.reason) == (["managed_by.repository"], "ownership only")
            assert change.live is not None and change.declared is not None  # noqa: PT018  for the types
            await provider.update(change.live, change.declared, allowed.owner)
        assert {
            item.managed_by.repository for item in await provider.list() if item.managed_by
        } == {OURS}
        assert plan_of(wanted, await provider.list(), allowed).pending == ()

    asyncio.run(story())


def test_a_run_of_no_known_repository_changes_none_and_erases_none() -> None:
    async def story() -> None:
        allowed = policy()
        provider = MemoryProvider([live("a", repository=OTHER)])
        assert plan_of([declared("a")], await provider.list(), allowed).pending == ()
        change = only(plan_of([declared("a", description="new")], await provider.list(), allowed))
        assert paths(change) == ["description"]
        assert change.live is not None and change.declared is not None  # noqa: PT018  for the types
        after = await provider.update(change.live, change.declared, allowed.owner)
        assert after.managed_by is not None
        assert after.managed_by.repository == OTHER
        assert plan_of([declared("a", description="new")], [after], allowed).pending == ()

    asyncio.run(story())


def test_another_owners_repository_is_not_kept() -> None:
    adopted = live("a", owner="search", repository=OTHER).managed_by
    assert policy().owner.repository_for(adopted) is None
    assert policy(repository=OURS).owner.repository_for(adopted) == OURS


@pytest.mark.parametrize(("ours", "marked"), [(None, None), (None, OTHER), (OURS, None)])
def test_rule_15_the_first_run_of_another_repository_does_not_delete_the_only_webhook(
    ours: str | None, marked: str | None
) -> None:
    plan = plan_of([declared("b")], [live("a", repository=marked)], policy(repository=ours))
    found = violation(plan)
    assert (found.rule, found.names, found.is_acceptable) == (SUSPECTED, ("a",), True)
    assert "another repository may use owner payments" in found.message
    assert found.message.index("reconciler export DIR --dry-run") < found.message.index("--accept")


def test_rule_15_equal_names_under_other_keys_are_suspect() -> None:
    plan = plan_of([declared("b", name="a", url="https://b.example/")], [live("a")])
    assert rules(plan) == [SUSPECTED]


def test_rule_15_all_of_two_or_more_that_change_their_host_are_suspect() -> None:
    wanted = [declared(key, url=f"https://new.example/{key}") for key in ("a", "b", "c")]
    assert rules(plan_of(wanted[:2], list_moved("a", "b"))) == [SUSPECTED]
    assert violation(plan_of(wanted, list_moved("a", "b", "c"))).names == ("a", "b", "c")
    assert rules(plan_of(wanted[:2], list_moved("a", "b"), policy(repository=OURS))) == [SUSPECTED]


def test_hosts_count_without_port_path_and_case_and_hidden_urls_too() -> None:
    hidden = [
        declared(key, url=hidden_url(f"https://new.example/{key}", "fromEnv: URL"))
        for key in ("a", "b")
    ]
    assert rules(plan_of(hidden, list_moved("a", "b"))) == [SUSPECTED]
    same = [declared(key, url=f"https://OLD.example:8443/x/{key}") for key in ("a", "b")]
    assert plan_of(same, list_moved("a", "b")).violations == ()
    unknown = [declared(key, url=Secret(None, "fromEnv: URL")) for key in ("a", "b")]
    assert plan_of(unknown, list_moved("a", "b")).violations == ()


def test_what_a_single_repository_does_every_day_is_not_suspect() -> None:
    a, b = declared("a"), declared("b")
    new = {"url": "https://new.example/"}
    assert plan_of([a, b], []).violations == ()
    assert plan_of([a], [live("a"), live("b")]).violations == ()  # one deleted
    assert plan_of([declared("a", **new)], list_moved("a")).violations == ()  # the only one moved
    assert (
        plan_of([declared("a", **new), b], [*list_moved("a"), live("b")]).violations == ()
    )  # one of two moved
    assert (
        plan_of([declared("c", previously=("a",))], [live("a")]).violations == ()
    )  # the key changed, as it says
    assert (
        plan_of([b], [live("a")], policy(scope=Scope((), ("webhooks/b.yaml",)))).violations == ()
    )  # nothing of it is touched
    assert plan_of([b], [live("a", owner="search")]).violations == ()
    assert rules(plan_of([], [live("a")])) == ["empty-set"]


def test_where_both_sides_are_known_to_be_ours_nothing_is_suspect() -> None:
    allowed = policy(repository=OURS)
    assert plan_of([declared("b")], [live("a", repository=OURS)], allowed).violations == ()
    wanted = [declared(key, url=f"https://new.example/{key}") for key in ("a", "b")]
    assert plan_of(wanted, list_moved("a", "b", repository=OURS), allowed).violations == ()


def test_one_unknown_webhook_beside_known_ones_is_not_lost() -> None:
    there = [live("mine", repository=OURS), live("a")]
    assert rules(plan_of([declared("mine")], there, policy(repository=OURS))) == [SUSPECTED]


def test_the_refusals_of_deletes_say_that_another_repository_may_use_the_owner_before_any_option() -> (
    None
):
    many = [live(f"w{number}") for number in range(10)]
    for plan in (
        plan_of([declared("w0")], many),
        plan_of([declared("w0")], many, policy(limits=replace(policy().limits, max_deletes=1))),
    ):
        [found] = plan.violations
        assert found.rule == "delete-limit"
        assert found.message.index(
            "another repository may use owner payments"
        ) < found.message.index("--")
    found = violation(plan_of([], many[:1]))
    assert found.rule == "empty-set"
    assert (
        "another repository may use owner payments: reconciler export DIR --dry-run"
        in found.message
    )


def test_the_digest_covers_our_repository_and_its_former_addresses() -> None:
    there, wanted = [live("a"), live("b")], [declared("a")]
    digests = {
        plan_of(wanted, there, allowed).digest
        for allowed in (
            policy(),
            policy(repository=OURS),
            policy(repository=OTHER),
            policy(repository=OURS, moved_from=frozenset({OTHER})),
            policy(moved_from=frozenset({OTHER})),
        )
    }
    assert len(digests) == 5


def test_recording_the_repository_is_pending_and_no_drift() -> None:
    allowed = policy(repository=OURS)
    found = find_drift(plan_of([declared("a")], [live("a")], allowed))
    assert (found.has_drift, found.count(Label.PENDING)) == (False, 1)
    assert find_drift(plan_of([declared("a", description="x")], [live("a")], allowed)).has_drift


@pytest.mark.parametrize(
    ("marked", "former", "label"),
    [(None, (), "pending"), (OTHER, (OTHER,), "pending"), (OTHER, (), "drift")],
)
def test_since_a_revision_the_tenant_moved_only_if_another_repository_wrote(
    marked: str | None, former: tuple[str, ...], label: str
) -> None:
    allowed = policy(repository=OURS, moved_from=frozenset(former))
    wanted = declared("a", description="new")
    plan = plan_of([wanted], [live("a", repository=marked)], allowed)
    change = only(labelled(plan, Base("then", "0" * 40, (wanted,)), allowed, normalize))
    assert {field.dotted: field.label for field in change.fields}["managed_by.repository"] == label


def test_adopt_marks_with_our_repository_and_takes_none_from_another() -> None:
    allowed = policy(repository=OURS)
    there = [
        live("a", owner=None),
        live("b", owner="search", repository=OTHER),
        live("c", repository=OTHER),
        live("d"),
    ]
    wanted = [declared(key) for key in "abcd"]
    plan = make_adoption(
        wanted, there, allowed, AdoptionRequest(None, "search"), tenant=TENANT, normalize=normalize
    )
    assert {change.name: paths(change)[-1] for change in plan.pending} == dict.fromkeys(
        "abd", "managed_by.repository"
    )
    [warning] = plan.warnings
    assert "c: repository" in warning
    named = make_adoption(
        wanted, there, allowed, AdoptionRequest(frozenset("c")), tenant=TENANT, normalize=normalize
    )
    assert rules(named) == ["other-repository"]
    after = make_adoption(
        wanted,
        there,
        policy(repository=OURS, moved_from=frozenset({OTHER})),
        AdoptionRequest(frozenset("c")),
        tenant=TENANT,
        normalize=normalize,
    )
    assert rules(after) == []


def test_an_export_warns_of_another_repositorys_webhook() -> None:
    made = make_export(
        [],
        [live("a", repository=OTHER), live("b", repository=OURS), live("c")],
        policy(repository=OURS),
        normalize=normalize,
    )
    [warning] = made.warnings
    assert warning.startswith(f"a: repository {OTHER}")


def test_a_saved_plan_holds_repository_mark_and_former_addresses() -> None:
    allowed = policy(repository=OURS, moved_from=frozenset({OTHER}))
    wanted = [declared("a", auth=bearer("1"))]
    plan = plan_of(wanted, [live("a", auth=withheld_bearer("1"), repository=OTHER)], allowed)
    file = json.loads(format_plan(plan, allowed, wanted))
    assert (file["policy"]["repository"], file["policy"]["moved_from"]) == (OURS, [OTHER])
    assert file["live"][0]["values"]["managed_by"]["repository"] == OTHER
