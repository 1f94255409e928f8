"""The Git side: files -> Declared. `load(Request)` is all that other layers call, and `unresolved` for what they selected."""

from reconciler.manifests.load import load, unresolved
from reconciler.manifests.model import Manifests, Request, TenantSpec

__all__ = ["Manifests", "Request", "TenantSpec", "load", "unresolved"]
