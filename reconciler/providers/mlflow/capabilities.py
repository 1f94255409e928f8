"""What MLflow's webhooks can hold and do.

Source: MLflow's documentation of webhooks, and the server of MLflow 3.17, which tests/products
runs: names of up to 62 characters, at least one event, events that never change their order back,
an unknown entity that is answered by an HTML page with status 500.
"""

from __future__ import annotations

from typing import Final

from reconciler.core.model.capabilities import Capabilities, SecretRules

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
)
