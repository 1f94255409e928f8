"""What `reconciler providers` lists: the providers that are installed, or one of them."""

from __future__ import annotations

from reconciler.core.model.capabilities import Capabilities
from reconciler.providers import registry


def list_capabilities(name: str) -> tuple[Capabilities, ...]:
    """The capabilities of a provider by its name, of all of them for ""; raises BadRequest."""
    return tuple(
        registry.load(item).capabilities for item in ([name] if name else registry.names())
    )
