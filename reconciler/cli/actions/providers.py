"""What `reconciler providers` lists: the providers that are installed, or one of them."""

from __future__ import annotations

from reconciler.manifests.decode.products import list_built_in, read_built_in
from reconciler.providers import registry
from reconciler.rendering.providers import Listed


def list_providers(name: str) -> tuple[Listed, ...]:
    """A provider or built-in product file by its name, all of them for ""; raises BadRequest."""
    product = read_built_in(name)
    if product is not None:
        return (Listed(product.capabilities, is_product_file=True),)
    found = [
        Listed(registry.load(item).capabilities) for item in ([name] if name else registry.names())
    ]
    files = () if name else map(read_built_in, list_built_in())
    listed = (
        Listed(product.capabilities, is_product_file=True)
        for product in files
        if product is not None
    )
    return (*found, *listed)
