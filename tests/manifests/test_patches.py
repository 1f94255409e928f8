"""A Tenant's patches: which webhooks they apply to, what comes of these, and what stands in which
file.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.model.auth import BearerAuth
from reconciler.core.model.webhook import Subscription
from tests.manifests.patching import EVENT, HEALTHY, HOOK, STARTED, only, problems, read, tenant


def test_a_patch_replaces_removes_and_leaves_fields_alone(tmp_path: Path) -> None:
    (item,) = read(
        tmp_path,
        tenant(
            "{url: 'https://dev.example.com/', description: null, enabled: false, protected: true}"
        ),
    ).declared
    assert (item.spec.url, item.spec.description, item.spec.enabled, item.protected) == (
        "https://dev.example.com/",
        "",
        False,
        True,
    )
    assert isinstance(item.spec.auth, BearerAuth)
    assert item.spec.subscriptions == {STARTED}


def test_several_patches_apply_in_their_order(tmp_path: Path) -> None:
    (item,) = read(
        tmp_path, tenant("{name: First, enabled: false}", "{name: Second}", "{enabled: null}")
    ).declared
    assert (item.spec.name, item.spec.enabled) == ("Second", None)


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ("{name: one}", True),
        ("{name: two}", False),
        ("{matchLabels: {team: payments}}", True),
        ("{matchLabels: {team: search}}", False),
        ("{matchLabels: {}}", True),
        ("{name: one, matchLabels: {team: payments}}", True),
        ("{name: one, matchLabels: {team: search}}", False),
        ("{name: two, matchLabels: {team: payments}}", False),
    ],
)
def test_a_patch_applies_where_name_and_labels_both_match_and_a_patch_that_matches_nothing_is_a_warning(
    tmp_path: Path, match: str, *, matches: bool
) -> None:
    found = read(tmp_path, tenant("{description: patched}", match=match))
    assert (found.declared[0].spec.description == "patched") is matches
    reported = [(p.rule, p.severity, p.origin.line, p.pointer) for p in found.problems]
    assert reported == (
        [] if matches else [("patch/no-match", "warning", 8, "/spec/patches/0/match")]
    )


def test_a_webhook_that_the_tenant_does_not_select_is_not_patched_and_the_hint_says_so(
    tmp_path: Path,
) -> None:
    text = tenant("{description: patched}", extra="\n  select: {matchLabels: {team: search}}")
    problem = only(tmp_path, text)
    assert problem.rule == "patch/no-match"
    assert "one is declared" in (problem.hint or "")
    assert "did you mean one?" in (
        only(tmp_path, tenant("{description: x}", match="{name: onn}")).hint or ""
    )


def test_a_patch_that_matches_nothing_is_an_error_with_strict(tmp_path: Path) -> None:
    assert (
        only(tmp_path, tenant("{description: x}", match="{name: other}"), strict=True).severity
        == "error"
    )


def test_whether_a_patch_matches_is_not_asked_while_a_webhook_cannot_be_read(
    tmp_path: Path,
) -> None:
    found = problems(tmp_path, tenant("{description: x}"), hook=HOOK.replace("url:", "urll:"))
    assert "patch/no-match" not in [p.rule for p in found]


def test_events_are_replaced_as_a_whole_and_those_of_subscriptions_stay(tmp_path: Path) -> None:
    failed = EVENT.replace("healthy", "unhealthy")
    (tmp_path / "s.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {name: s}\n"
        f"spec: {{webhook: one, events: [{failed}]}}\n"
    )
    (item,) = read(tmp_path, tenant(f"{{events: [{EVENT}]}}")).declared
    unhealthy = Subscription("elastio:recovery-point:iscan:unhealthy", "v0", "info")
    assert item.spec.subscriptions == {HEALTHY, unhealthy}
    places = {
        event: origin.file.rpartition("/")[2] for event, origin in item.subscription_origins.items()
    }
    assert places == {HEALTHY: "t0.yaml", unhealthy: "s.yaml"}
    assert item.subscription_origins[HEALTHY].line == 9


def test_fields_of_a_patch_have_its_place_and_all_others_none(tmp_path: Path) -> None:
    text = tenant(
        "{auth: {version: '2'}}",
        "{url: 'https://dev.example.com/', description: null}",
        "{auth: {version: '3'}}",
    )
    (item,) = read(tmp_path, text).declared
    lines = {
        field: origin.line if origin is not None else None
        for field in (
            ("url",),
            ("description",),
            ("name",),
            ("auth", "version"),
            ("auth", "header"),
        )
        for origin in [item.patch_of(field)]
    }
    assert lines == {
        ("url",): 11,
        ("description",): 11,
        ("name",): None,
        ("auth", "version"): 13,
        ("auth", "header"): None,
    }
    assert item.origin.file.endswith("one.yaml")
    assert [Path(source).name for source in item.sources] == ["one.yaml"]


def test_names_are_compared_after_patching(tmp_path: Path) -> None:
    second = HOOK.replace("name: one", "name: two") + "---\n" + HOOK
    problem = only(tmp_path, tenant("{name: Same}", match="{matchLabels: {}}"), hook=second)
    assert (problem.rule, problem.origin.line) == ("webhook/duplicate-name", 9)
    clashing = second.replace("spec:\n", "spec:\n  name: Same\n")
    assert [p.rule for p in problems(tmp_path, tenant("{description: x}"), hook=clashing)] == [
        "webhook/duplicate-name"
    ]
    assert problems(tmp_path, tenant("{name: null}"), hook=clashing) == ()


def test_of_several_tenants_the_chosen_ones_patches_apply_and_no_others(tmp_path: Path) -> None:
    pair = (tenant("{name: Dev}"), tenant("{name: Other, url: null}", name="other"))
    (item,) = read(tmp_path, *pair, tenant="dev").declared
    assert item.spec.name == "Dev"
    assert [p.rule for p in problems(tmp_path, *pair, tenant="other")] == ["schema/required"]


def test_where_no_tenant_manifest_is_used_no_patch_applies(tmp_path: Path) -> None:
    (item,) = read(tmp_path, tenant("{url: null}"), by_manifest=False).declared
    assert item.spec.url == "https://hooks.example.com/one"


def test_each_tenant_is_checked_with_its_own_patches_and_lists(tmp_path: Path) -> None:
    listed = "\n  secrets: {env: [PROD_*]}"
    good = tenant("{auth: {token: {fromEnv: PROD_TOKEN}}}", name="prod", extra=listed)
    each = {"lenient": True, "check_each": True}
    assert problems(tmp_path, tenant("{name: Dev}"), good, **each) == ()
    bad = tenant("{url: null}", name="bad")
    problem = only(tmp_path, tenant("{name: Dev}"), good, bad, **each)
    assert (problem.rule, problem.origin.file.endswith("t2.yaml")) == ("schema/required", True)
    unlisted = tenant("{name: X}", name="prod", extra=listed)
    problem = only(
        tmp_path, tenant("{name: Dev}"), unlisted, tenant("{name: Z}", name="bad"), **each
    )
    assert problem.rule == "secret/forbidden"
