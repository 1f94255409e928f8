"""What MLflow's webhooks can hold and do.

Source: MLflow's documentation of webhooks, and the server of MLflow 3.17, which tests/products
runs: names of up to 62 characters, at least one event, events that never change their order back,
an unknown entity that is answered by an HTML page with status 500. What a delivery has, as in
`mlflow/webhooks/delivery.py`, `constants.py` and `types.py` (the members of `data` per event;
`budget_policy.exceeded` is newer than what was read).
"""

from __future__ import annotations

from typing import Final

from reconciler.core.model.capabilities import Capabilities, Envelope, SecretRules, Signature

EVENTS: Final = (
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
    "budget_policy.exceeded",
)
"""Entity and action, as MLflow's own client writes them."""

_MEMBERS: Final = {
    "registered_model.created": "name tags description",
    "model_version.created": "name version source run_id tags description",
    "model_version_tag.set": "name version key value",
    "model_version_tag.deleted": "name version key",
    "model_version_alias.created": "name alias version",
    "model_version_alias.deleted": "name alias",
    "prompt.created": "name tags description",
    "prompt_version.created": "name version template tags description",
    "prompt_tag.set": "name key value",
    "prompt_tag.deleted": "name key",
    "prompt_version_tag.set": "name version key value",
    "prompt_version_tag.deleted": "name version key",
    "prompt_alias.created": "name alias version",
    "prompt_alias.deleted": "name alias",
}
_VALUES: Final[dict[str, object]] = {
    "name": "reconciler-test",
    "version": "1",
    "source": "models:/reconciler-test/1",
    "run_id": "reconciler-test",
    "template": "A test of the reconciler.",
    "alias": "reconciler-test",
    "key": "reconciler-test",
    "value": "reconciler-test",
    "tags": {},
    "description": "A test of the reconciler.",
}

RIGHTS: Final = "only an administrator of MLflow may read and change webhooks"
MISSING: Final = (
    "this server has no webhooks: spec.url is another address, or its MLflow is too old for them"
)

ENVELOPE: Final = Envelope(
    headers={"X-MLflow-Delivery-Id": "{id}", "X-MLflow-Timestamp": "{timestamp}"},
    words={
        event: dict(zip(("entity", "action"), event.split("."), strict=True)) for event in EVENTS
    },
    sample={"entity": "{entity}", "action": "{action}", "timestamp": "{time}", "data": {}},
    samples={
        event: {"data": {name: _VALUES[name] for name in members.split()}}
        for event, members in _MEMBERS.items()
    },
    signatures=(Signature("X-MLflow-Signature", "v1,", encoding="base64", signed="message"),),
)

CAPABILITIES: Final = Capabilities(
    provider="mlflow",
    fields=frozenset({"name", "description", "enabled"}),
    name_pattern=r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,60}[A-Za-z0-9])?",
    description_length=1000,
    auths=frozenset({"none", "signature"}),
    schemes=("product",),
    events=EVENTS,
    needs_events=True,
    mark="field",
    secrets=SecretRules(kept=True, visible=False, type_visible=False),
    test="saved",
    envelope=ENVELOPE,
)
