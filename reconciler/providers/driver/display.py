"""A product's webhook under the name by which plans show it."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.secret import Secret, hidden_url, shown
from reconciler.core.model.webhook import Webhook
from reconciler.providers.driver.marks import Mark
from reconciler.providers.plugin import Held


def make_shown_spec(capabilities: Capabilities, held: Held, mark: Mark | None) -> Webhook:
    """The spec with its url hidden and, if the product has no names, with a name for people."""
    url = held.spec.url if isinstance(held.spec.url, Secret) else hidden_url(held.spec.url)
    has_names = "name" in capabilities.fields
    if has_names and held.spec.name:
        return replace(held.spec, url=url)
    own = mark.managed_by.key if mark is not None and not has_names else None
    name = own or f"#{held.id} {shown(url)}"
    return replace(held.spec, url=url, name=name)
