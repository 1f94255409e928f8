"""Saved plans of the values that tests of core build, as `plan --out` writes and reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.cli.run.plan_file import decoded
from reconciler.core.change import Plan
from reconciler.core.model.auth import (
    get_auth_type,
    get_credential,
    get_credential_field,
    get_header,
    get_username,
)
from reconciler.core.model.fields import list_attributes
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.saved.plan_file import saved_plan, sealed
from reconciler.core.saved.plan_reading import Saved
from reconciler.manifests import Manifests
from reconciler.manifests.decode.saved_webhooks import saved_webhooks
from reconciler.rendering import document

Json = dict[str, Any]


def body_of(plan: Plan, allowed: RunPolicy, wanted: Iterable[Declared]) -> Json:
    """The file's content, not sealed; `wanted` is what the plan was made of."""
    items = tuple(wanted)
    manifests = Manifests(
        declared=items,
        tenant=None,
        tenants=(),
        problems=(),
        documents=len(items),
        skipped=0,
        folders=(".",),
        files=(),
        root="/",
        literal_urls=frozenset(),
        values={item.key: _manifest(item) for item in items},
    )
    return saved_plan(
        plan,
        allowed,
        document=document.plan_document(plan),
        manifests=saved_webhooks(plan.pending, manifests),
        program="1.2.3",
    )


def format_plan(plan: Plan, allowed: RunPolicy, wanted: Iterable[Declared]) -> str:
    """The text of the file."""
    return document.to_json(sealed(body_of(plan, allowed, wanted), plan.fingerprint_key))


def read(text: str, key: Secret | None = None) -> Saved:
    """The saved plan of a file's text; raises InvalidPlanFile."""
    return decoded(text.encode(), key, apply=True)


def list_touched(plan: Plan, wanted: Iterable[Declared]) -> list[Declared]:
    """Those of `wanted` that the plan creates or updates, as they were declared."""
    keys = {change.key for change in plan.pending if change.declared is not None}
    return [item for item in wanted if item.key in keys]


def _manifest(item: Declared) -> Json:
    spec = item.spec
    auth: Json = {"type": get_auth_type(spec.auth)}
    secret = get_credential(spec.auth)
    for name, value in (
        ("username", get_username(spec.auth)),
        ("header", get_header(spec.auth)),
        (get_credential_field(spec.auth), secret),
    ):
        if value:
            auth[name] = _reference(value)
    values = {row.name: row.read(spec) for row in list_attributes()}
    body = {name: value for name, value in values.items() if value is not None}
    return {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": "Webhook",
        "metadata": {"name": item.key, "labels": dict(item.labels)},
        "spec": {**body, "url": _reference(spec.url), "auth": auth},
    }


def _reference(value: Any) -> Any:
    if not isinstance(value, Secret):
        return value
    source, _, name = value.reference.partition(": ")
    return {source: name}
