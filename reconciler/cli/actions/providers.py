"""What `reconciler providers` lists: the providers that are installed, or one of them."""

from __future__ import annotations

from reconciler.core.model.capabilities import Capabilities
from reconciler.manifests.decode.products import list_built_in, read_built_in
from reconciler.providers import registry


def list_capabilities(name: str) -> tuple[Capabilities, ...]:
    """The capabilities of a provider by its name, of all of them for ""; raises BadRequest."""
    product = read_built_in(name)
    if product is not None:
        return (product.capabilities,)
    found = [registry.load(item).capabilities for item in ([name] if name else registry.names())]
    files = () if name else map(read_built_in, list_built_in())
    return (*found, *(product.capabilities for product in files if product is not None))
