"""Webhooks and event subscriptions as YAML in Git, reconciled against a live tenant.

The public API is the names in `__all__`; docs/python-api.md describes them. A module is imported
when one of its names is first used, so that `import reconciler` and the command line start fast.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.api import OpenTenant, load, open_tenant, render
    from reconciler.connection import Connection
    from reconciler.core.change import Plan
    from reconciler.core.errors import (
        BadRequest,
        GitFailed,
        InvalidManifests,
        PlanRefused,
        ProviderError,
        ReconcilerError,
        StalePlan,
        StoreError,
    )
    from reconciler.core.results.reports import Report
    from reconciler.core.safety.permissions import Permissions
    from reconciler.manifests import Manifests

__version__ = "0.1.0"
__all__ = [
    "BadRequest",
    "Connection",
    "GitFailed",
    "InvalidManifests",
    "Manifests",
    "OpenTenant",
    "Permissions",
    "Plan",
    "PlanRefused",
    "ProviderError",
    "ReconcilerError",
    "Report",
    "StalePlan",
    "StoreError",
    "__version__",
    "load",
    "open_tenant",
    "render",
]

# By exported name, the module that defines it.
_MODULES = {
    "BadRequest": "core.errors",
    "Connection": "connection",
    "GitFailed": "core.errors",
    "InvalidManifests": "core.errors",
    "Manifests": "manifests",
    "OpenTenant": "api",
    "Permissions": "core.safety.permissions",
    "Plan": "core.change",
    "PlanRefused": "core.errors",
    "ProviderError": "core.errors",
    "ReconcilerError": "core.errors",
    "Report": "core.results.reports",
    "StalePlan": "core.errors",
    "StoreError": "core.errors",
    "load": "api",
    "open_tenant": "api",
    "render": "api",
}


if not TYPE_CHECKING:  # so that type checkers find a name that does not exist

    def __getattr__(name: str) -> Any:
        """An exported name, imported when it is first used."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415  the command line needs none of it

        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
