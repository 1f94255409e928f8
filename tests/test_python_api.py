"""`import reconciler`: the exported names, and that its functions are as strict as the command
line.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import subprocess
import sys
import typing
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import reconciler
from tests.support.processes import ROOT, environment, run, tenant_manifest, webhook, write

NAMES = [
    "BadRequest",
    "Connection",
    "GitFailed",
    "InvalidManifests",
    "Manifests",
    "OpenTenant",
    "Permissions",
    "Plan",
    "PlanRefused",
    "ProviderError",
    "ReconcilerError",
    "Report",
    "StalePlan",
    "StoreError",
    "__version__",
    "load",
    "open_tenant",
    "render",
]
VALUES = [name for name in NAMES if name != "__version__"]
LOCAL = """\
apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {name: production}
spec: {provider: tenant, local: ../tenant.db, owner: payments}
"""
WITH_SECRET = """\
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: oncall}
spec:
  url: https://hooks.example.com/oncall
  auth: {type: bearer, token: {fromEnv: ONCALL_TOKEN}}
"""
EVERY_MODULE = """
import importlib, pathlib, reconciler
root = pathlib.Path(reconciler.__file__).parent
for path in sorted(root.rglob("*.py")):
    name = ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(all(callable(getattr(reconciler, name)) for name in reconciler.__all__ if name[0] != "_"))
"""


def modules_after(code: str) -> set[str]:
    """The modules of this package that a fresh interpreter has imported after some code."""
    show = "import json, sys; print(json.dumps([m for m in sys.modules if 'reconciler' in m]))"
    return set(json.loads(interpreted(f"{code}\n{show}")))


def interpreted(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_exported_names_are_these_and_stand_on_the_page() -> None:
    assert reconciler.__all__ == NAMES
    assert set(NAMES) <= set(dir(reconciler))
    page = (ROOT / "docs/python-api.md").read_text()
    assert [name for name in VALUES if name not in page] == []
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        getattr(reconciler, "lode")  # noqa: B009  type checkers refuse the plain attribute


@pytest.mark.parametrize("name", VALUES)
def test_an_exported_name_resolves_with_a_docstring_and_types(name: str) -> None:
    value = getattr(reconciler, name)
    assert inspect.getdoc(value)
    members = vars(value).values() if inspect.isclass(value) else [value]
    for member in filter(inspect.isfunction, members):
        function = inspect.unwrap(member)
        annotated = {*function.__annotations__, "self", "cls"}
        if function.__doc__ and function.__module__.startswith("reconciler."):
            assert set(inspect.signature(function).parameters) <= annotated, function
            assert "return" in annotated, function


def test_type_checkers_see_what_a_program_sees() -> None:
    """The imports under TYPE_CHECKING, the table and `__all__` are the same names and modules."""
    tree = ast.parse((ROOT / "reconciler/__init__.py").read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in blocks[0].body if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: node.module for node in imports for alias in node.names}
    table = vars(reconciler)["_MODULES"]
    assert seen == {name: f"reconciler.{module}" for name, module in table.items()}
    assert sorted([*table, "__version__"]) == NAMES
    assert (ROOT / "reconciler/py.typed").exists()


def test_importing_the_package_imports_none_of_its_modules() -> None:
    assert modules_after("import reconciler") == {"reconciler"}
    loads = modules_after("import reconciler; reconciler.load, reconciler.render")
    assert "reconciler.connect" not in loads
    assert not {name for name in loads if name.startswith(("reconciler.cli", "reconciler.tenant"))}


def test_no_module_of_the_package_hides_an_exported_name() -> None:
    """An import of `package.name` sets the attribute `name` of the package."""
    assert interpreted(EVERY_MODULE) == "True\n"


@pytest.fixture
def manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `webhooks` with a webhook and an embedded tenant, below the current folder."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "webhooks", 1)
    (tmp_path / "webhooks" / "tenant.yaml").write_text(LOCAL)
    return tmp_path / "webhooks"


def opened(
    use: Callable[[reconciler.OpenTenant], Awaitable[Any]],
    permissions: reconciler.Permissions | None = None,
) -> Any:
    """What a function makes of the open tenant of the folder `webhooks`."""

    async def main() -> Any:
        loaded = reconciler.load("webhooks")
        async with reconciler.open_tenant(loaded, permissions=permissions) as tenant:
            return await use(tenant)

    return asyncio.run(main())


async def plan(tenant: reconciler.OpenTenant) -> reconciler.Plan:
    return await tenant.plan()


async def reconcile(tenant: reconciler.OpenTenant) -> reconciler.Report:
    return await tenant.reconcile(await tenant.plan())


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_plan_is_the_one_that_the_command_line_prints(manifests: Path, form: Any) -> None:
    (manifests / "oncall.yaml").write_text(WITH_SECRET)  # its reference is a warning
    made = opened(plan)
    assert len(made.warnings) == 2  # no event, no value
    typed = run("plan", "webhooks", "-o", form, cwd=manifests.parent)
    assert reconciler.render(made, form).removesuffix("\n") == typed.out.removesuffix("\n")


def test_a_reference_without_a_value_is_refused_before_the_first_write(manifests: Path) -> None:
    (manifests / "oncall.yaml").write_text(WITH_SECRET)
    with pytest.raises(reconciler.InvalidManifests) as refused:
        opened(reconcile)
    assert "ONCALL_TOKEN" in reconciler.render(refused.value)
    assert len(opened(plan).pending) == 2


def test_an_unsafe_plan_is_refused_before_the_first_write(manifests: Path) -> None:
    write(manifests, 4)
    assert opened(reconcile).complete
    for number in range(3):
        (manifests / f"hook-000{number}.yaml").unlink()
    assert [violation.rule for violation in opened(plan).violations] == ["delete-limit"]
    with pytest.raises(reconciler.PlanRefused, match="would be deleted, more than 30%"):
        opened(reconcile)
    assert opened(plan, reconciler.Permissions(prune=False)).pending == ()
    allowed = reconciler.Permissions(max_deletes=3)
    assert len(opened(plan, allowed).pending) == 3
    assert opened(reconcile, allowed).complete


def test_a_plan_is_carried_out_once_and_only_by_the_tenant_that_made_it(manifests: Path) -> None:
    async def again(tenant: reconciler.OpenTenant) -> None:
        made = await tenant.plan()
        await tenant.reconcile(made)
        await tenant.reconcile(made)

    async def older(tenant: reconciler.OpenTenant) -> None:
        made = await tenant.plan()
        await tenant.plan()
        await tenant.reconcile(made)

    foreign = opened(plan)
    for use in (again, older, lambda tenant: tenant.reconcile(foreign)):
        with pytest.raises(reconciler.StalePlan, match="plan again"):
            opened(use)
    assert opened(plan).pending == ()  # `again` carried its plan out, once


def test_a_plan_with_another_digest_than_the_approved_one_is_stale(manifests: Path) -> None:
    approved = opened(plan).digest
    (manifests / "hook-0001.yaml").write_text(webhook("hook-0001"))

    async def carry_out(tenant: reconciler.OpenTenant) -> reconciler.Report:
        return await tenant.reconcile(await tenant.plan(), expect_digest=approved)

    with pytest.raises(reconciler.StalePlan, match="not the plan that was approved"):
        opened(carry_out)
    (manifests / "hook-0001.yaml").unlink()
    assert opened(carry_out).complete


def test_every_problem_of_the_manifests_is_raised_at_once(manifests: Path) -> None:
    (manifests / "hook-0000.yaml").write_text(webhook("hook-0000").replace("url:", "urll:"))
    (manifests / "two.yaml").write_text(webhook("two").replace("url:", "urll:"))
    with pytest.raises(reconciler.InvalidManifests) as invalid:
        reconciler.load(manifests)
    places = {problem.origin.file for problem in invalid.value.problems}
    assert places == {"webhooks/hook-0000.yaml", "webhooks/two.yaml"}
    assert json.loads(reconciler.render(invalid.value, "json"))["problems"]


def test_of_several_tenants_one_is_named(manifests: Path) -> None:
    (manifests / "staging.yaml").write_text(
        LOCAL.replace("production", "staging").replace("tenant.db", "s.db")
    )
    with pytest.raises(reconciler.BadRequest, match=r"production, staging; .* tenant=NAME"):
        reconciler.load("webhooks")
    with pytest.raises(reconciler.BadRequest, match=r"has the name stagin; .*staging"):
        reconciler.load("webhooks", tenant="stagin")
    chosen = reconciler.load("webhooks", tenant="staging").tenant
    assert chosen is not None
    assert chosen.name == "staging"


def test_without_a_tenant_manifest_nothing_is_opened(manifests: Path) -> None:
    (manifests / "tenant.yaml").unlink()
    with pytest.raises(reconciler.BadRequest, match="Give a Tenant manifest"):
        opened(plan)


def test_a_token_that_does_not_resolve_is_a_problem_with_its_place(manifests: Path) -> None:
    (manifests / "tenant.yaml").write_text(tenant_manifest("https://tenant.invalid/public-api/v1"))
    with pytest.raises(reconciler.InvalidManifests) as invalid:
        opened(plan)
    (problem,) = invalid.value.problems
    assert problem.message == "the tenant's token does not resolve: fromEnv: TENANT_TOKEN"
    assert (problem.origin.file, problem.pointer) == ("webhooks/tenant.yaml", "/spec/token")


def test_a_tenant_that_is_unreachable_is_a_provider_error_without_the_token(
    manifests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENANT_TOKEN", "made-up-token")
    (manifests / "tenant.yaml").write_text(tenant_manifest("http://127.0.0.1:1/public-api/v1"))
    brief = reconciler.Connection(timeout=1, deadline=2)

    async def main() -> None:
        async with reconciler.open_tenant(reconciler.load("webhooks"), connection=brief) as tenant:
            await tenant.plan()

    with pytest.raises(reconciler.ProviderError) as away:
        asyncio.run(main())
    assert (away.value.kind, away.value.temporary) == ("unreachable", True)
    assert "made-up-token" not in str(away.value)


WRONG: dict[str, Callable[[], object]] = {
    "standard input": lambda: reconciler.load("-"),
    "policies: is no folder": lambda: reconciler.load("webhooks", policies=""),
    "secrets_dir: is no folder": lambda: reconciler.load("webhooks", secrets_dir="\0"),
    "timeout: 0 is not": lambda: reconciler.load(
        "webhooks", connection=reconciler.Connection(timeout=0)
    ),
    "moved_from: is no repository": lambda: opened(
        plan, reconciler.Permissions(moved_from=("https://user:made-up@",))
    ),
    "'yaml' is unknown; there are: text, json, markdown": lambda: reconciler.render(
        opened(plan), typing.cast("Any", "yaml")
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments_are_refused_with_their_name(manifests: Path, message: str) -> None:
    with pytest.raises(reconciler.BadRequest, match=message) as refused:
        WRONG[message]()
    assert "made-up" not in str(refused.value)
