"""A Tenant's patches: what comes of a webhook, what is refused and where, and what stands in which file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.model import ApiKeyAuth, BearerAuth, NoAuth, Subscription
from reconciler.core.problem import Problem
from reconciler.core.secret import Secret
from reconciler.manifests import Manifests, Request, load, unresolved

HOOK = """\
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: one, labels: {team: payments}}
spec:
  url: https://hooks.example.com/one
  description: for everybody
  auth:
    type: bearer
    token: {fromEnv: BASE_TOKEN}
    version: "1"
  events:
    - {type: "elastio:recovery-point:create:started", version: v0, severity: info}
"""
STARTED = Subscription("elastio:recovery-point:create:started", "v0", "info")
HEALTHY = Subscription("elastio:recovery-point:iscan:healthy", "v0", "info")
EVENT = '{type: "elastio:recovery-point:iscan:healthy", version: v0, severity: info}'


def tenant(*patches: str, name: str = "dev", match: str = "{name: one}", extra: str = "") -> str:
    """A Tenant whose first patch stands in line 9."""
    head = f"apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: {name}}}\nspec:\n  owner: payments\n"
    body = "".join(f"    - match: {match}\n      patch: {patch}\n" for patch in patches)
    return f"{head}  local: {name}.db{extra}\n" + (f"  patches:\n{body}" if patches else "")


def put(folder: Path, *tenants: str, hook: str = HOOK) -> None:
    (folder / "hooks").mkdir(exist_ok=True)
    (folder / "tenants").mkdir(exist_ok=True)
    (folder / "hooks" / "one.yaml").write_text(hook)
    for number, text in enumerate(tenants):
        (folder / "tenants" / f"t{number}.yaml").write_text(text)


def read(folder: Path, *tenants: str, hook: str = HOOK, **options: Any) -> Manifests:
    put(folder, *tenants, hook=hook)
    return load(Request(**{"paths": (str(folder),), **options}))


def problems(folder: Path, *tenants: str, hook: str = HOOK, **options: Any) -> tuple[Problem, ...]:
    try:
        return read(folder, *tenants, hook=hook, **options).problems
    except InvalidManifests as error:
        return error.problems


def only(folder: Path, *tenants: str, **options: Any) -> Problem:
    (found,) = problems(folder, *tenants, **options)
    return found


def test_a_patch_replaces_removes_and_leaves_fields_alone(tmp_path: Path) -> None:
    (item,) = read(
        tmp_path, tenant("{url: 'https://dev.example.com/', description: null, enabled: false, protected: true}")
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
    (item,) = read(tmp_path, tenant("{name: First, enabled: false}", "{name: Second}", "{enabled: null}")).declared
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
    told = [(p.rule, p.severity, p.origin.line, p.pointer) for p in found.problems]
    assert told == ([] if matches else [("patch/no-match", "warning", 8, "/spec/patches/0/match")])


def test_a_webhook_that_the_tenant_does_not_select_is_not_patched_and_the_hint_says_so(tmp_path: Path) -> None:
    text = tenant("{description: patched}", extra="\n  select: {matchLabels: {team: search}}")
    told = only(tmp_path, text)
    assert told.rule == "patch/no-match"
    assert "one is declared" in (told.hint or "")
    assert "did you mean one?" in (only(tmp_path, tenant("{description: x}", match="{name: onn}")).hint or "")


def test_a_patch_that_matches_nothing_is_an_error_with_strict(tmp_path: Path) -> None:
    assert only(tmp_path, tenant("{description: x}", match="{name: other}"), strict=True).severity == "error"


def test_whether_a_patch_matches_is_not_asked_while_a_webhook_cannot_be_read(tmp_path: Path) -> None:
    found = problems(tmp_path, tenant("{description: x}"), hook=HOOK.replace("url:", "urll:"))
    assert "patch/no-match" not in [p.rule for p in found]


WRONG = (
    ("{url: null}", 14, "schema/required", "lacks the field 'url'"),
    ("{auth: {type: basic}}", 15, "schema/additionalProperties", "unknown field 'token'"),
    ("{auth: {token: {fromFile: x}}}", 23, "schema/maxProperties", "exactly one of"),
    ("{url: {fromEnv: BASE_TOKEN, x: 1}}", 19, "schema/additionalProperties", "a field that it does not know"),
    ("{url: 'ftp://hooks.example.com'}", 20, "url/invalid", "http"),
    ("{name: ''}", 15, "schema/minLength", "must not be empty"),
    ("{events: [{type: a:b, version: v0}]}", 24, "subscription/incomplete", "needs a severity"),
    ("{events: [{types: a:b}]}", 24, "schema/additionalProperties", "unknown field 'types'"),
    ("{auth: {token: {fromEnv: RECONCILER_KEY}}}", 35, "secret/forbidden", "may not be referenced"),
    ("{auth: {token: {fromEnv: null, fromFile: ../x}}}", 47, "secret/forbidden", "may not contain"),
    ("{previously: [one]}", 20, "webhook/previously", "which is declared in"),
)


@pytest.mark.parametrize(("patch", "column", "rule", "message"), WRONG)
def test_what_a_patch_makes_wrong_is_told_at_the_patch_with_the_webhook_named(
    tmp_path: Path, patch: str, column: int, rule: str, message: str
) -> None:
    found = [p for p in problems(tmp_path, tenant(patch)) if p.severity == "error"]
    told = next(p for p in found if p.rule == rule and message in p.message)
    assert told.message.startswith("webhook one as patched: ")
    assert (told.origin.file.endswith("tenants/t0.yaml"), told.origin.line) == (True, 9)
    assert told.pointer.startswith("/spec/patches/0/patch")
    assert {p.origin.file for p in found} == {told.origin.file}
    assert told.origin.column >= column - 1


@pytest.mark.parametrize(
    ("patch", "rule"),
    [
        ("{bogus: 1}", "schema/additionalProperties"),
        ("{}", "schema/minProperties"),
        ("[]", "schema/type"),
        ("{auth: {token: hunter2}}", "schema/type"),
        ("{auth: {hunter2: x}}", "schema/additionalProperties"),
        ("{auth: {token: {hunter2: x}}}", "schema/additionalProperties"),
        ("{url: {hunter2: x}}", "schema/additionalProperties"),
        ("{enabled: 1}", "schema/type"),
        ("{labels: {team: x}}", "schema/additionalProperties"),
    ],
)
def test_a_patch_is_as_strict_as_a_manifest_and_quotes_no_credential(tmp_path: Path, patch: str, rule: str) -> None:
    found = problems(tmp_path, tenant(patch))
    assert rule in [p.rule for p in found if p.severity == "error"]
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    "text", ["wave: 0", "wave: -1", "wave: 1.5", "wave: '2'", "wave: null", "patches: {}", "patches: [{patch: {name: x}}]"]
)
def test_waves_are_whole_numbers_from_1_and_patches_have_a_match(tmp_path: Path, text: str) -> None:
    assert only(tmp_path, tenant(extra=f"\n  {text}")).rule.startswith("schema/")


@pytest.mark.parametrize("match", ["{}", "{name: ''}", "{labels: {a: b}}", "[one]", "{matchLabels: {a: 1}}"])
def test_a_match_says_a_name_or_labels_and_nothing_else(tmp_path: Path, match: str) -> None:
    assert problems(tmp_path, tenant("{name: x}", match=match))[0].rule.startswith("schema/")


def test_a_fault_of_the_manifest_itself_is_told_in_the_manifest(tmp_path: Path) -> None:
    told = only(tmp_path, tenant("{description: x}"), hook=HOOK.replace("https://hooks", "ftp://hooks"))
    assert told.origin.file.endswith("hooks/one.yaml")
    assert "patched" not in told.message


def test_a_webhook_that_a_patch_breaks_is_not_missed_by_its_subscriptions(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {name: s}\n"
        f"spec: {{webhook: one, events: [{EVENT}]}}\n"
    )
    assert only(tmp_path, tenant("{url: null}")).rule == "schema/required"


def test_events_are_replaced_as_a_whole_and_those_of_subscriptions_stay(tmp_path: Path) -> None:
    failed = EVENT.replace("healthy", "unhealthy")
    (tmp_path / "s.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {name: s}\n"
        f"spec: {{webhook: one, events: [{failed}]}}\n"
    )
    (item,) = read(tmp_path, tenant(f"{{events: [{EVENT}]}}")).declared
    unhealthy = Subscription("elastio:recovery-point:iscan:unhealthy", "v0", "info")
    assert item.spec.subscriptions == {HEALTHY, unhealthy}
    places = {event: origin.file.rpartition("/")[2] for event, origin in item.subscription_origins.items()}
    assert places == {HEALTHY: "t0.yaml", unhealthy: "s.yaml"}
    assert item.subscription_origins[HEALTHY].line == 9


def test_fields_of_a_patch_have_its_place_and_all_others_none(tmp_path: Path) -> None:
    text = tenant("{auth: {version: '2'}}", "{url: 'https://dev.example.com/', description: null}", "{auth: {version: '3'}}")
    (item,) = read(tmp_path, text).declared
    lines = {
        field: origin.line if origin is not None else None
        for field in (("url",), ("description",), ("name",), ("auth", "version"), ("auth", "header"))
        for origin in [item.patch_of(field)]
    }
    assert lines == {("url",): 11, ("description",): 11, ("name",): None, ("auth", "version"): 13, ("auth", "header"): None}
    assert item.origin.file.endswith("one.yaml")
    assert [Path(source).name for source in item.sources] == ["one.yaml"]


def test_references_of_a_patch_are_relative_to_its_own_file_and_others_to_theirs(tmp_path: Path) -> None:
    hook = HOOK.replace("{fromEnv: BASE_TOKEN}", "{fromFile: token}").replace(
        "url: https://hooks.example.com/one", "url: {fromFile: url}"
    )
    put(tmp_path)
    (tmp_path / "hooks" / "token").write_text("of-the-manifest\n")
    (tmp_path / "hooks" / "url").write_text("https://hooks.example.com/manifest\n")
    (tmp_path / "tenants" / "url").write_text("https://hooks.example.com/patch\n")
    (item,) = read(tmp_path, tenant("{url: {fromFile: url}}"), hook=hook, secrets="require").declared
    assert isinstance(item.spec.url, Secret)
    assert item.spec.url.reveal() == "https://hooks.example.com/patch"
    assert isinstance(item.spec.auth, BearerAuth)
    assert isinstance(item.spec.auth.token, Secret)
    assert item.spec.auth.token.reveal() == "of-the-manifest"
    (item,) = read(tmp_path, tenant("{description: x}"), hook=hook, secrets="require").declared
    assert isinstance(item.spec.url, Secret)
    assert item.spec.url.reveal() == "https://hooks.example.com/manifest"


def test_a_sops_file_that_a_patch_names_is_looked_for_beside_the_patch(tmp_path: Path) -> None:
    hook = HOOK.replace("{fromEnv: BASE_TOKEN}", "{fromSops: {file: a.enc.yaml, key: token}}")
    text = tenant("{auth: {token: {fromSops: {file: b.enc.yaml}}}}", extra="\n  secrets: {sops: ['*.enc.yaml']}")
    found = read(tmp_path, text, hook=hook, secrets="require")
    (told,) = unresolved(found, found.declared)
    assert "b.enc.yaml" in told.message
    put(tmp_path)
    (tmp_path / "tenants" / "b.enc.yaml").write_text("token: x\n")
    found = read(tmp_path, text, hook=hook, secrets="require")
    (told,) = unresolved(found, found.declared)
    assert "no such file" not in told.message.lower()


def test_the_lists_of_what_may_be_referenced_hold_for_patches_too(tmp_path: Path) -> None:
    text = tenant("{auth: {token: {fromEnv: OTHER}}}", extra="\n  secrets: {env: [BASE_*]}")
    told = only(tmp_path, text)
    assert (told.rule, told.origin.line) == ("secret/forbidden", 10)
    assert problems(tmp_path, text.replace("OTHER", "BASE_DEV")) == ()


def test_a_reference_that_a_patch_replaces_is_never_looked_up(tmp_path: Path) -> None:
    found = read(tmp_path, tenant("{auth: {token: {fromEnv: DEV_TOKEN}}}"), secrets="require", env={"DEV_TOKEN": "x"})
    assert unresolved(found, found.declared) == ()


def test_a_patch_changes_the_type_of_authentication_when_it_removes_what_the_other_had(tmp_path: Path) -> None:
    patch = "{auth: {type: apiKey, header: X-Key, value: {fromEnv: K}, token: null, version: null}}"
    (item,) = read(tmp_path, tenant(patch)).declared
    assert isinstance(item.spec.auth, ApiKeyAuth)
    (item,) = read(tmp_path, tenant("{auth: null}")).declared
    assert isinstance(item.spec.auth, NoAuth)


def test_names_are_compared_after_patching(tmp_path: Path) -> None:
    second = HOOK.replace("name: one", "name: two") + "---\n" + HOOK
    told = only(tmp_path, tenant("{name: Same}", match="{matchLabels: {}}"), hook=second)
    assert (told.rule, told.origin.line) == ("webhook/duplicate-name", 9)
    clashing = second.replace("spec:\n", "spec:\n  name: Same\n")
    assert [p.rule for p in problems(tmp_path, tenant("{description: x}"), hook=clashing)] == ["webhook/duplicate-name"]
    assert problems(tmp_path, tenant("{name: null}"), hook=clashing) == ()


def test_of_several_tenants_the_chosen_ones_patches_apply_and_no_others(tmp_path: Path) -> None:
    pair = (tenant("{name: Dev}"), tenant("{name: Other, url: null}", name="other"))
    (item,) = read(tmp_path, *pair, tenant="dev").declared
    assert item.spec.name == "Dev"
    assert [p.rule for p in problems(tmp_path, *pair, tenant="other")] == ["schema/required"]


def test_where_no_tenant_manifest_is_used_no_patch_applies(tmp_path: Path) -> None:
    (item,) = read(tmp_path, tenant("{url: null}"), use_tenant=False).declared
    assert item.spec.url == "https://hooks.example.com/one"


def test_each_tenant_is_checked_with_its_own_patches_and_lists(tmp_path: Path) -> None:
    listed = "\n  secrets: {env: [PROD_*]}"
    good = tenant("{auth: {token: {fromEnv: PROD_TOKEN}}}", name="prod", extra=listed)
    each = {"all_tenants": True, "each_tenant": True}
    assert problems(tmp_path, tenant("{name: Dev}"), good, **each) == ()
    bad = tenant("{url: null}", name="bad")
    told = only(tmp_path, tenant("{name: Dev}"), good, bad, **each)
    assert (told.rule, told.origin.file.endswith("t2.yaml")) == ("schema/required", True)
    unlisted = tenant("{name: X}", name="prod", extra=listed)
    told = only(tmp_path, tenant("{name: Dev}"), unlisted, tenant("{name: Z}", name="bad"), **each)
    assert told.rule == "secret/forbidden"


def test_patches_beyond_all_measure_are_a_problem_and_cost_little(tmp_path: Path) -> None:
    short = "apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {{name: w{}}}\nspec: {{url: 'https://a.example'}}\n"
    hooks = "---\n".join(short.format(number) for number in range(5_000))
    many = tenant(*["{enabled: true}"] * 999, match="{matchLabels: {}}")
    before = time.process_time()
    told = only(tmp_path, many, hook=hooks)
    assert told.rule == "patch/limit"
    assert time.process_time() - before < 5
    text = "---\n".join(tenant("{url: null}", name=f"t{number}", match="{matchLabels: {}}") for number in range(100))
    each = {"all_tenants": True, "each_tenant": True}
    before = time.process_time()
    found = problems(tmp_path, text, hook=hooks, **each)
    assert ("patch/limit", "warning") in [(p.rule, p.severity) for p in found]
    assert len([p for p in found if p.rule == "schema/required"]) == 50
    assert time.process_time() - before < 15
    broken = problems(tmp_path, tenant("{url: null}", match="{matchLabels: {}}"), hook=hooks)
    assert {p.rule for p in broken} == {"schema/required"}
    assert len(broken) <= 50
