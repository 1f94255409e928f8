"""`spec.ignore` and `spec.suspend` of a Webhook, as its manifest says them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Declared
from reconciler.manifests import load
from tests.support.requests import make_request

EVENT = "{type: elastio:recovery-point:create:started, version: v0, severity: info}"
WEBHOOK = f"""apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {{name: one}}
spec:
  url: https://hooks.example.com/x
  events: [{EVENT}]
"""
TENANT = """---
apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {name: main}
spec:
  owner: me
  local: a.db
"""


def read_webhook(folder: Path, more: str = "", tenant: str = "") -> Declared:
    (folder / "a.yaml").write_text(WEBHOOK + more + tenant)
    [declared] = load(make_request(paths=(str(folder),))).declared
    return declared


def find_problems(folder: Path, more: str, tenant: str = "") -> tuple[Problem, ...]:
    with pytest.raises(InvalidManifests) as caught:
        read_webhook(folder, more, tenant)
    return caught.value.problems


def test_a_webhook_ignores_nothing_and_is_not_suspended_by_default(tmp_path: Path) -> None:
    declared = read_webhook(tmp_path)
    assert (declared.ignored, declared.suspended) == (frozenset(), False)


def test_pointers_become_paths_of_fields(tmp_path: Path) -> None:
    declared = read_webhook(
        tmp_path, "  ignore: [/spec/enabled, /spec/events, /spec/options/a~1b]\n  suspend: true\n"
    )
    assert declared.ignored == {("enabled",), ("events",), ("options", "a/b")}
    assert declared.suspended


@pytest.mark.parametrize(
    ("pointer", "message", "hint"),
    [
        ("/spec/url", "a plan always compares url", "remove the pointer: events and credentials"),
        ("/spec/auth", "a plan always compares auth", "a change of the url has to send"),
        ("/spec/auth/token", "a plan always compares auth", "a change of the url has to send"),
        ("/spec/name", "a plan always compares name", "it identifies"),
        ("/spec/protected", "a plan always compares protected", "without it in the manifest"),
        ("/spec/enabeld", "no field that a plan can leave out", "did you mean enabled?"),
        ("/spec/labels", "no field that a plan can leave out", "known here: /spec/description"),
        ("/spec/options", "no field that a plan can leave out", "/spec/options/NAME"),
        ("/spec/events/0", "no field that a plan can leave out", "did you mean events?"),
        ("/spec/options/secret", "send a secret option again", "remove the pointer"),
    ],
)
def test_a_pointer_to_another_field_is_a_problem_at_its_place(
    tmp_path: Path, pointer: str, message: str, hint: str
) -> None:
    options = "  options: {secret: {fromEnv: X}}\n" if "options" in pointer else ""
    problems = find_problems(tmp_path, f"{options}  ignore: [/spec/enabled, {pointer}]\n")
    [problem] = [item for item in problems if item.rule == "webhook/ignore"]
    assert (problem.pointer, problem.origin.line) == ("/spec/ignore/1", 8 if options else 7)
    assert message in problem.message
    assert hint in (problem.hint or "")


def test_a_pointer_is_below_spec(tmp_path: Path) -> None:
    [problem] = find_problems(tmp_path, "  ignore: [enabled]\n")
    assert (problem.rule, problem.pointer) == ("schema/pattern", "/spec/ignore/0")
    assert problem.hint == "a JSON pointer, such as /spec/enabled"


def test_a_patch_of_the_tenant_ignores_and_suspends(tmp_path: Path) -> None:
    patch = "  patches: [{match: {name: one}, patch: {ignore: [/spec/enabled], suspend: true}}]\n"
    declared = read_webhook(tmp_path, "  ignore: [/spec/events]\n", TENANT + patch)
    assert (declared.ignored, declared.suspended) == ({("enabled",)}, True)
