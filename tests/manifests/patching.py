"""A Webhook, and Tenants that patch it. Used by the tests of patches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Subscription
from reconciler.manifests import Manifests, load
from tests.support.requests import make_request

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
    head = (
        f"apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: "
        f"{name}}}\nspec:\n  owner: payments\n"
    )
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
    return load(make_request(**{"paths": (str(folder),), **options}))


def problems(folder: Path, *tenants: str, hook: str = HOOK, **options: Any) -> tuple[Problem, ...]:
    try:
        return read(folder, *tenants, hook=hook, **options).problems
    except InvalidManifests as error:
        return error.problems


def only(folder: Path, *tenants: str, **options: Any) -> Problem:
    (found,) = problems(folder, *tenants, **options)
    return found
