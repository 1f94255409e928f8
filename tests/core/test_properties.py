"""What holds for any manifests and any tenant: properties of planning, executing and the codec."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.core.change import Plan
from reconciler.core.model.auth import ApiKeyAuth, BasicAuth, BearerAuth, NoAuth
from reconciler.core.model.limits import normalize_name
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import Declared, Live, ManagedBy, Subscription, Use, Webhook
from reconciler.core.results.reports import Status
from reconciler.core.safety.run_policy import Limits, RunPolicy, Scope
from reconciler.core.wire import webhooks as codec
from reconciler.execute import Execution, Options
from reconciler.providers.memory import MemoryProvider
from reconciler.rendering.document import plan_document, to_json
from reconciler.rendering.markdown import plan_markdown
from reconciler.rendering.text import plan_text
from tests.support.builders import (
    OWNER,
    as_stored,
    carry_out,
    declared,
    plan_of,
    policy,
    rules,
    secret,
)

SETTINGS = settings(derandomize=True, max_examples=100, deadline=None)
ALLOWED = policy(adopt=True, limits=Limits(max_deletes=999, max_updates=999))
MARK = "Zq7!"  # in every generated secret, and in nothing else

keys = st.sampled_from("abcdefgh")
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
names = st.sampled_from(
    [f"Name {number}" for number in range(8)] + ["Cafe\u0301", "Caf\u00e9", "\u00c5ngstr\u00f6m"]
)
urls = st.sampled_from(
    [f"https://h{number}.example.com/{path}" for number in range(3) for path in ("a", "b?c=d")]
)
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=10).map(
    lambda text: f"{MARK}{text}"
)
versions = st.none() | st.sampled_from(["1", "2"])
files = st.sets(st.sampled_from(["a.yaml", "t/b.yaml", "t/c.yaml"]), min_size=1).map(
    lambda found: tuple(sorted(found))
)
events = st.frozensets(
    st.builds(
        Subscription,
        st.sampled_from(["one", "two", "three"]),
        st.none() | st.sampled_from(["v0", "v1"]),
        st.none() | st.sampled_from(["info", "critical"]),
    ),
    max_size=4,
)
secrets = st.builds(
    lambda value, version: Secret(value, "fromEnv: X", version=version), values, versions
)
withheld = st.builds(Withheld, versions)
secret_urls = st.builds(
    lambda url, value: hidden_url(f"{url}/{value}", "fromEnv: U"),
    urls,
    st.uuids().map(lambda u: f"{MARK}{u}"),
)
headers = st.sampled_from(["X-Key", "x-key", "X-Other"])


def auths(inner: st.SearchStrategy[Any], user: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.just(NoAuth()),
        st.builds(BearerAuth, inner),
        st.builds(BasicAuth, user, inner),
        st.builds(ApiKeyAuth, headers, inner),
    )


wanted_specs = st.builds(
    Webhook,
    names,
    urls | secret_urls,
    texts,
    st.none() | st.booleans(),
    auths(secrets, st.sampled_from(["bob", "eve"]) | values.map(Secret)),
    events,
)
held_specs = st.builds(
    Webhook,
    names.map(normalize_name),
    (urls.map(hidden_url) | secret_urls),
    texts,
    st.booleans(),
    auths(withheld, values.map(Secret)),
    events,
)
wanted_items = st.builds(
    lambda spec, key, protected, sources, previously: replace(
        declared(key), spec=spec, protected=protected, sources=sources, previously=previously
    ),
    wanted_specs,
    keys,
    st.none() | st.booleans(),
    files,
    st.lists(keys, max_size=1).map(tuple),
)
wanted_lists = st.lists(
    wanted_items,
    max_size=6,
    unique_by=(lambda item: item.key, lambda item: normalize_name(item.spec.name)),
)
marks = st.none() | st.builds(
    ManagedBy,
    st.sampled_from(["payments", "payments", "search"]),
    keys,
    files,
    st.none() | st.just("c"),
)
held_items = st.builds(
    Live,
    held_specs,
    st.uuids().map(str),
    st.sampled_from(["x1", "x2"]),
    marks,
    st.booleans(),
    st.just(Use()),
)
held_lists = st.lists(
    held_items, max_size=6, unique_by=(lambda item: item.id, lambda item: item.spec.name)
)


def unique_marks(held: list[Live]) -> bool:
    ours = [
        item.managed_by.key
        for item in held
        if item.managed_by is not None and item.managed_by.owner == "payments"
    ]
    return len(ours) == len(set(ours))


def carried_out(plan: Plan, tenant: MemoryProvider) -> None:
    execution = Execution(plan, tenant, OWNER, Options())
    asyncio.run(execution.run())
    report = execution.report()
    assert [outcome.change for outcome in report.outcomes] == list(plan.pending)
    assert report.complete, [
        outcome.error for outcome in report.outcomes if outcome.status is Status.FAILED
    ]


@SETTINGS
@given(wanted_lists)
def test_rule_02_a_state_against_itself_plans_empty(wanted: list[Declared]) -> None:
    there = [as_stored(item, number) for number, item in enumerate(wanted)]
    plan = plan_of(wanted, there)
    assert (plan.pending, plan.violations, plan.counts.keep) == ((), (), len(wanted))


@SETTINGS
@given(wanted_lists)
def test_rule_02_after_the_first_execution_the_next_plan_is_empty(wanted: list[Declared]) -> None:
    tenant = MemoryProvider()
    carried_out(plan_of(wanted, [], ALLOWED), tenant)
    assert plan_of(wanted, asyncio.run(tenant.list()), ALLOWED).pending == ()
    assert len(tenant.webhooks) == len(wanted)


@SETTINGS
@given(wanted_lists, held_lists, st.booleans())
def test_rule_02_after_any_execution_the_next_plan_is_empty(
    wanted: list[Declared], held: list[Live], everything: bool
) -> None:
    """`everything` is ownership: all, under which unowned webhooks are ours."""
    allowed = replace(ALLOWED, ownership="all") if everything else ALLOWED
    plan = plan_of(wanted, held, allowed)
    assume(unique_marks(held) and not plan.violations)
    tenant = MemoryProvider(held)
    carried_out(plan, tenant)
    again = plan_of(wanted, asyncio.run(tenant.list()), allowed)
    assert (again.pending, again.violations) == ((), ())


@SETTINGS
@given(wanted_lists, held_lists)
def test_rule_04_a_webhook_of_another_owner_or_unowned_and_undeclared_is_never_touched(
    wanted: list[Declared], held: list[Live]
) -> None:
    for change in plan_of(wanted, held, replace(ALLOWED, adopt=False)).pending:
        mark = change.live.managed_by if change.live is not None else None
        if change.action == "delete":
            assert mark is not None
            assert mark.owner == "payments"


@SETTINGS
@given(wanted_lists, held_lists, st.randoms(use_true_random=False))
def test_rule_13_the_order_of_the_input_does_not_matter(
    wanted: list[Declared], held: list[Live], random: object
) -> None:
    first = plan_of(wanted, held)
    shuffled_wanted, shuffled_held = list(wanted), list(held)
    random.shuffle(shuffled_wanted)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    random.shuffle(shuffled_held)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    second = plan_of(shuffled_wanted, shuffled_held)
    assert first == second
    assert first.digest == second.digest


@SETTINGS
@given(wanted_lists, held_lists)
def test_every_webhook_is_counted_once(wanted: list[Declared], held: list[Live]) -> None:
    plan = plan_of(wanted, held)
    counts = plan.counts
    assert counts.create + counts.update + counts.keep == len(wanted)
    assert len(plan.pending) == counts.create + counts.update + counts.delete
    if not plan.clashes:
        assert (
            counts.update + counts.keep + counts.delete + counts.unmanaged + counts.out_of_scope
            == len(held)
        )


@SETTINGS
@given(wanted_items)
def test_what_is_sent_comes_back_as_the_same_webhook(item: Declared) -> None:
    sent = json.loads(json.dumps(codec.make_create_body(item, OWNER)))
    back = codec.live_from_wire({**sent, "id": "wh-1", "revision": "r1"})
    stored = as_stored(item)
    assert replace(back.spec, name=normalize_name(back.spec.name)) == stored.spec
    assert back.managed_by == ManagedBy("payments", item.key, item.sources, OWNER.revision)
    assert back.protected == bool(item.protected)


@SETTINGS
@given(wanted_items, held_items)
def test_a_patch_applied_to_the_live_webhook_makes_the_declared_one(
    item: Declared, there: Live
) -> None:
    plan = plan_of([item], [replace(there, managed_by=ManagedBy("payments", item.key))], ALLOWED)
    [change] = plan.pending
    assert change.declared is not None
    assert change.live is not None
    patch = codec.make_patch_body(change.live, change.declared, OWNER)
    assert set(patch) <= {
        "name",
        "url",
        "description",
        "enabled",
        "auth",
        "events",
        "managed_by",
        "protected",
    }
    assert ("url" in patch) == (change.live.spec.url != item.spec.url)
    if "url" in patch and not isinstance(item.spec.auth, NoAuth):
        assert set(patch["auth"]) & {"password", "token", "value"}


@SETTINGS
@given(wanted_lists, held_lists)
def test_section_6_no_generated_secret_shows_in_anything_made_of_a_plan(
    wanted: list[Declared], held: list[Live]
) -> None:
    plan = plan_of(wanted, held, RunPolicy(OWNER), fingerprint_key=secret(f"{MARK} key"))
    shown = [repr(plan), str(plan), plan.digest, repr(wanted), repr(held)]
    shown += [str(violation) for violation in plan.violations]
    shown += [repr(field) for change in plan.pending for field in change.fields]
    shown += [plan_text(plan), plan_markdown(plan), to_json(plan_document(plan))]
    assert not [text for text in shown if MARK in text]


def writes(plan: Plan) -> list[object]:
    """What carrying out sends, credentials by their versions only: of their values a digest knows
    nothing.
    """
    sent: list[object] = []
    for change in plan.pending:
        held = change.live and (change.live.id, change.live.revision)
        body = (
            change.declared
            and change.live
            and codec.make_patch_body(change.live, change.declared, OWNER)
        )
        if change.declared is not None and change.live is None:
            body = codec.make_create_body(change.declared, OWNER)
        if isinstance(body, dict) and "auth" in body:
            body["auth"] = {
                field: value
                for field, value in body["auth"].items()
                if field not in {"password", "token", "value"}
            }
        sent.append((change.action.value, held, json.dumps(body, sort_keys=True)))
    return sent


@SETTINGS
@given(
    wanted_lists.filter(bool),
    wanted_items,
    held_lists,
    st.sampled_from(Webhook.__slots__),
    st.data(),
)
def test_rule_13_equal_digests_write_the_same(
    wanted: list[Declared], other: Declared, held: list[Live], field: str, data: st.DataObject
) -> None:
    """Two plans that differ by one field of one webhook, or by its mark."""
    at = data.draw(st.integers(0, len(wanted) - 1))
    spec = (
        wanted[at].spec
        if field == "name"
        else replace(wanted[at].spec, **{field: getattr(other.spec, field)})
    )
    changed = replace(wanted[at], spec=spec, protected=other.protected)
    if field == "name":
        changed = replace(wanted[at], sources=other.sources)
    plans = [
        plan_of(items, held, ALLOWED, fingerprint_key=secret("k"))
        for items in (wanted, [*wanted[:at], changed, *wanted[at + 1 :]])
    ]
    if plans[0].digest == plans[1].digest:
        assert writes(plans[0]) == writes(plans[1])


scopes = st.builds(
    lambda folders, named, selected: Scope(tuple(folders), tuple(named), selected),
    st.lists(st.sampled_from([".", "..", "t", "u"]), max_size=2),
    st.lists(st.sampled_from(["a.yaml", "t/b.yaml"]), max_size=2),
    st.none() | st.frozensets(keys, max_size=4),
)
policies = st.builds(
    lambda scope, ownership, prune, adopt: replace(
        ALLOWED, scope=scope, ownership=ownership, prune=prune, adopt=adopt
    ),
    scopes,
    st.sampled_from(["marked", "all"]),
    st.booleans(),
    st.booleans(),
)


@SETTINGS
@given(wanted_lists, held_lists, policies)
def test_rule_05_whatever_the_run_only_what_it_may_delete_is_removed(
    wanted: list[Declared], held: list[Live], allowed: RunPolicy
) -> None:
    plan = plan_of(wanted, held, allowed)
    matched = [change.live.id for change in plan.pending if change.live is not None]
    assert len(matched) == len(set(matched))
    refused = {name for violation in plan.violations for name in violation.names}
    for change in plan.pending:
        assert allowed.scope.selected_keys is None or change.key in allowed.scope.selected_keys
        if change.is_removal and change.live is not None:
            mark = change.live.managed_by
            assert change.name in refused or (mark is None or mark.owner == "payments")
            assert change.name in refused or allowed.may_delete(mark.sources if mark else ())
            assert not change.live.protected or "protected" in rules(plan)


@SETTINGS
@given(wanted_lists, held_lists, policies)
def test_rule_02_after_any_run_of_any_part_the_next_plan_is_empty(
    wanted: list[Declared], held: list[Live], allowed: RunPolicy
) -> None:
    """Apart from a name that what the run leaves out would have to give up first."""
    plan = plan_of(wanted, held, allowed)
    assume(unique_marks(held) and not plan.violations)
    tenant = MemoryProvider(held)
    report = carry_out(plan, tenant)
    if allowed.scope.selected_keys is None:
        assert report.complete
    if report.complete:
        again = plan_of(wanted, asyncio.run(tenant.list()), allowed)
        assert (again.pending, again.violations) == ((), ())
