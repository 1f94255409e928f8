"""Finds a provider by the name in a Tenant's `spec.provider`.

Those of BUILT_IN stand beside this module. Others are installed packages with an entry point in the
group `reconciler.providers`; a package is imported only if a Tenant names its provider.
"""

from __future__ import annotations

import importlib
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.errors import BadRequest
from reconciler.core.model.capabilities import TENANT, Capabilities, without_ledger

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from reconciler.core.model.product import Product
    from reconciler.providers.plugin import Plugin

GROUP: Final = "reconciler.providers"
BUILT_IN: Final = ("tenant", "gitea", "github", "gitlab", "mlflow", "svix")
"""The packages beside this module; each has a module `plugin` with PLUGIN, and but for `tenant` a
module `capabilities`, which needs no HTTP client."""


def names() -> tuple[str, ...]:
    """The names of every provider that is installed."""
    return tuple(sorted({*BUILT_IN, *_installed()}))


@cache
def load(name: str) -> Plugin:
    """The plug-in of a provider; raises BadRequest for an unknown name and for a package that
    cannot be used.
    """
    from reconciler.providers.plugin import API, Plugin  # noqa: PLC0415  `validate` needs no HTTP client

    if name in BUILT_IN:
        plugin = _import_part(name, "plugin").PLUGIN
    elif name in _installed():
        plugin = _imported(name, _installed()[name])
    else:
        raise BadRequest(f"no provider is named {name}; installed: {', '.join(names())}")
    if not isinstance(plugin, Plugin):
        raise BadRequest(f"provider {name}: its entry point is no reconciler plug-in")
    if plugin.api.partition(".")[0] != API:
        raise BadRequest(
            f"provider {name}: it is made for version {plugin.api} of the interface, this is "
            f"{API}; install a matching version of its package"
        )
    return plugin


def open_plugin(name: str, product: Product | None = None, *, has_ledger: bool = True) -> Plugin:
    """The plug-in of a provider, or of a product file; raises BadRequest."""
    if product is None:
        plugin = load(name)
        if not has_ledger:
            plugin = copy(plugin)
            plugin.capabilities = without_ledger(plugin.capabilities)
        return plugin
    from reconciler.providers.product_file.plugin import ProductFile  # noqa: PLC0415  `validate` needs no HTTP client

    return ProductFile(product)


def capabilities(name: str) -> Capabilities | None:
    """The capabilities of a provider, None if none of that name is installed."""
    if name == TENANT.provider:
        return TENANT
    if name in BUILT_IN:
        found: Capabilities = _import_part(name, "capabilities").CAPABILITIES
        return found
    return load(name).capabilities if name in names() else None


def _import_part(name: str, module: str) -> Any:
    return importlib.import_module(f"{__package__}.{name}.{module}")


@cache
def _installed() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415  it costs a start 10 ms

    return {point.name: point for point in entry_points(group=GROUP)}


def _imported(name: str, point: EntryPoint) -> object:
    """What an entry point names. A package may fail in any way while it is imported."""
    try:
        plugin: object = point.load()
    except Exception as error:
        raise BadRequest(
            f"provider {name}: its package cannot be imported ({type(error).__name__}); "
            "install it anew"
        ) from error
    return plugin
