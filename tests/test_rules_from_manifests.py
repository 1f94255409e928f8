"""docs/plan-rules.md and docs/security.md from files on: what manifests, options and policy make of
a plan together.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path

import pytest

from reconciler import workflow
from reconciler.core.change import Plan
from reconciler.core.errors import BadRequest, InvalidManifests
from reconciler.core.model.auth import BasicAuth, get_credential
from reconciler.core.model.secret import Secret
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.manifests import Manifests, load
from reconciler.providers.memory import MemoryProvider
from reconciler.rendering.text import plan_text
from reconciler.workflow import Narrow
from tests.support.builders import OWNER, TENANT, carry_out, errors, list_changes, rules
from tests.support.requests import make_request

EVENT = '{type: "elastio:recovery-point:create:started", version: v0, severity: info}'
OTHER = '{type: "elastio:recovery-point:iscan:unhealthy", version: v0, severity: critical}'
BASIC = "{type: basic, username: {fromEnv: HOOK_USER}, password: {fromEnv: HOOK_PASSWORD}}"
ENV = {
    "HOOK_URL": "https://hooks.example.com/T0KEN",
    "HOOK_USER": "alice",
    "HOOK_PASSWORD": "0123",
    "HOOK_TOKEN": "true",
}
KEY = Secret("the key")


def document(kind: str, key: str, labels: str = "{}", **spec: str) -> str:
    head = (
        f"apiVersion: webhooks.reconciler/v1\nkind: {kind}\nmetadata: {{name: {key}, labels: "
        f"{labels}}}\nspec:\n"
    )
    return head + "".join(f"  {field}: {value}\n" for field, value in spec.items())


def hook(key: str, labels: str = "{}", **spec: str) -> str:
    return document(
        "Webhook",
        key,
        labels,
        **{"url": f"https://hooks.example.com/{key}", "events": f"[{EVENT}]", **spec},
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, which is also the root of sources."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def read(*paths: str, **options: object) -> Manifests:
    return load(make_request(**{"paths": paths or (".",), "env": {}, "secrets": "warn", **options}))


def plan(
    manifests: Manifests,
    tenant: MemoryProvider,
    narrow: Narrow | None = None,
    policy: RunPolicy | None = None,
) -> Plan:
    allowed = workflow.narrow_policy(manifests, narrow or Narrow(), policy or RunPolicy(OWNER))
    return asyncio.run(workflow.plan(manifests, tenant, allowed, TENANT))


def reconciled(manifests: Manifests) -> MemoryProvider:
    tenant = MemoryProvider()
    assert carry_out(plan(manifests, tenant), tenant).complete
    assert plan(manifests, tenant).pending == ()
    return tenant


@pytest.mark.parametrize(
    ("paths", "deleted", "out_of_scope"),
    [
        ((".",), ["b", "c"], 0),
        (("one", "two"), ["b", "c"], 0),
        (("one",), ["b"], 1),
        (("one/a.yaml",), [], 2),
        (("one/a.yaml", "two"), ["c"], 1),
    ],
)
def test_rule_05_only_what_came_from_a_folder_of_this_run_is_deleted(
    folder: Path, paths: tuple[str, ...], deleted: list[str], out_of_scope: int
) -> None:
    write(
        folder,
        {
            "one/a.yaml": hook("a"),
            "one/b.yaml": hook("b"),
            "two/c.yaml": hook("c"),
            "two/d.yaml": hook("d"),
        },
    )
    tenant = reconciled(read())
    (folder / "one/b.yaml").unlink()
    (folder / "two/c.yaml").unlink()
    made = plan(read(*paths), tenant)
    kept_out = 0 if "two" in paths or "." in paths else 1  # d, which this run does not read
    assert list_changes(made) == [("delete", name) for name in deleted]
    assert made.counts.out_of_scope == out_of_scope + kept_out


@pytest.mark.parametrize(
    "narrow",
    [
        Narrow(only=("a",)),
        Narrow(exclude=("c",)),
        Narrow(select=(("team", "x"),)),
        Narrow(only=("a", "c")),
    ],
)
def test_rule_05_only_select_and_exclude_delete_nothing(folder: Path, narrow: Narrow) -> None:
    write(folder, {"a.yaml": hook("a", "{team: x}"), "b.yaml": hook("b"), "c.yaml": hook("c")})
    tenant = reconciled(read())
    (folder / "b.yaml").unlink()
    made = plan(read(), tenant, narrow)
    assert (made.pending, made.violations) == ((), ())
    assert made.counts.keep + made.counts.out_of_scope == 3


@pytest.mark.parametrize(
    "narrow",
    [
        Narrow(only=("missing",)),
        Narrow(exclude=("missing",)),
        Narrow(select=(("team", "y"),)),
        Narrow(("a",), ("a",)),
    ],
)
def test_narrowing_to_nothing_is_a_usage_error(folder: Path, narrow: Narrow) -> None:
    write(folder, {"a.yaml": hook("a")})
    with pytest.raises(BadRequest):
        plan(read(), MemoryProvider(), narrow)


def test_rule_06_leaving_out_the_folder_of_another_team_removes_none_of_its_subscriptions(
    folder: Path,
) -> None:
    more = document("EventSubscription", "more", webhook="a", events=f"[{OTHER}]")
    write(folder, {"hooks/a.yaml": hook("a"), "team/more.yaml": more})
    tenant = reconciled(read())
    made = plan(read("hooks"), tenant)
    assert made.pending == ()
    assert [
        warning for warning in made.warnings if "team/more.yaml is not under the paths" in warning
    ]
    (folder / "team/more.yaml").unlink()
    [change] = plan(read(), tenant).pending
    assert [str(item) for field in change.fields for item in field.removed] == [
        "elastio:recovery-point:iscan:unhealthy v0 critical"
    ]


def test_a_plan_names_the_file_and_line_of_each_subscription_that_it_adds(folder: Path) -> None:
    write(folder, {"hooks/a.yaml": hook("a")})
    tenant = reconciled(read())
    more = document("EventSubscription", "more", webhook="a", events=f"\n    - {OTHER}")
    write(folder, {"team/more.yaml": more})
    assert (
        "event: elastio:recovery-point:iscan:unhealthy v0 critical  team/more.yaml:7"
        in plan_text(plan(read(), tenant))
    )


def test_rule_08_what_the_tenants_select_leaves_of_the_manifests_counts(folder: Path) -> None:
    tenant_of = {"local": "t.db", "owner": OWNER.name}
    write(
        folder,
        {
            "t.yaml": document("Tenant", "main", **tenant_of),
            "a.yaml": hook("a", "{environment: test}"),
        },
    )
    tenant = reconciled(read())
    chosen = {**tenant_of, "select": "{matchLabels: {environment: production}}"}
    write(folder, {"t.yaml": document("Tenant", "main", **chosen)})
    assert "empty-set" in rules(plan(read(), tenant))


def test_section_6_a_pull_request_from_a_fork_is_validated_and_planned_without_the_values(
    folder: Path,
) -> None:
    write(
        folder,
        {
            "a.yaml": hook("a", url="{fromEnv: HOOK_URL}", auth=BASIC),
            "b.yaml": hook("b", auth=BASIC),
        },
    )
    tenant = reconciled(read(env=ENV))
    manifests = read()
    assert {problem.severity for problem in manifests.problems} == {"warning"}
    made = plan(manifests, tenant)
    assert (made.pending, made.counts.keep) == ((), 2)
    assert [
        warning
        for warning in made.warnings
        if warning.startswith("a: url was not compared: fromEnv: HOOK_URL")
    ]


def test_section_6_reconcile_needs_the_values_of_what_is_selected_all_at_once(folder: Path) -> None:
    write(
        folder,
        {
            "a.yaml": hook("a", url="{fromEnv: HOOK_URL}", auth=BASIC),
            "b.yaml": hook("b", auth=BASIC),
        },
    )
    manifests = read(secrets="require")
    with pytest.raises(InvalidManifests) as caught:
        workflow.require_secrets(manifests, None)
    files = [
        problem.origin.file for problem in caught.value.problems if problem.severity == "error"
    ]
    assert files == ["a.yaml"] * 3 + ["b.yaml"] * 2
    write(folder, {"c.yaml": hook("c")})
    assert len(workflow.require_secrets(read(secrets="require"), frozenset({"c"}))) == 1


def test_section_6_a_value_is_text_whatever_it_looks_like(folder: Path) -> None:
    bearer = "{type: bearer, token: {fromEnv: HOOK_TOKEN}}"
    write(folder, {"a.yaml": hook("a", auth=BASIC), "b.yaml": hook("b", auth=bearer)})
    found = [get_credential(item.spec.auth) for item in read(env=ENV).declared]
    assert found == ["0123", "true"]


@pytest.mark.parametrize(
    ("auth", "version"),
    [
        (BASIC, b"password\x000123"),
        ("{type: bearer, token: {fromEnv: HOOK_TOKEN}}", b"token\x00true"),
        ("{type: apiKey, header: X-Key, value: {fromEnv: HOOK_TOKEN}}", b"value\x00true"),
    ],
)
def test_section_6_the_version_is_the_manifests_else_a_fingerprint_else_unknown(
    folder: Path, auth: str, version: bytes
) -> None:
    def known(text: str, key: Secret | None, env: dict[str, str]) -> str | None:
        write(folder, {"a.yaml": hook("a", auth=text)})
        found = get_credential(read(env=env, fingerprint_key=key).declared[0].spec.auth)
        return found.version if found is not None else None

    made = hmac.new(b"the key", version, hashlib.sha256).hexdigest()[:32]
    assert known(auth, KEY, ENV) == f"hmac-sha256:{made}"
    assert known(auth.replace("}}", '}, version: "7"}'), KEY, ENV) == "7"
    assert known(auth, None, ENV) is None
    assert known(auth, KEY, {}) is None


def test_section_6_a_rotated_value_is_an_update_where_there_is_a_fingerprint(folder: Path) -> None:
    write(folder, {"a.yaml": hook("a", auth=BASIC)})
    tenant = reconciled(read(env=ENV, fingerprint_key=KEY))
    rotated = {**ENV, "HOOK_PASSWORD": "4567"}
    made = plan(read(env=rotated, fingerprint_key=KEY), tenant)
    assert [field.dotted for change in made.pending for field in change.fields] == ["auth.password"]
    assert plan(read(env=rotated), tenant).pending == ()


def test_section_6_a_user_name_from_a_reference_is_compared_and_not_shown(folder: Path) -> None:
    write(folder, {"a.yaml": hook("a", auth=BASIC)})
    tenant = reconciled(read(env=ENV))
    made = plan(read(env={**ENV, "HOOK_USER": "mallory"}), tenant)
    [change] = made.pending
    assert [field.dotted for field in change.fields] == ["auth.password", "auth.username"]
    assert change.declared is not None
    assert isinstance(change.declared.spec.auth, BasicAuth)
    assert not [name for name in ("alice", "mallory") if name in plan_text(made)]


def test_a_write_of_a_name_that_the_run_leaves_with_another_is_a_failure_and_nothing_is_lost(
    folder: Path,
) -> None:
    """`--only` of the one that wants a name, without the one that would give it up."""
    write(folder, {"a.yaml": hook("a", name="One"), "b.yaml": hook("b", name="Two")})
    tenant = reconciled(read())
    write(folder, {"a.yaml": hook("a", name="Two"), "b.yaml": hook("b", name="Three")})
    manifests = read()
    assert errors(carry_out(plan(manifests, tenant, Narrow(only=("a",))), tenant)) == {
        "Two": "conflict"
    }
    assert sorted(live.spec.name for live in tenant.webhooks.values()) == ["One", "Two"]
    assert carry_out(plan(manifests, tenant), tenant).complete
    assert sorted(live.spec.name for live in tenant.webhooks.values()) == ["Three", "Two"]
