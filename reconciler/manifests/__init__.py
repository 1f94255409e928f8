"""The Git side: files -> Declared. Others call `load(Request)`, `unresolved` for what they select, `resolve` for a saved plan."""

from reconciler.manifests.again import resolve
from reconciler.manifests.load import load, unresolved
from reconciler.manifests.model import Manifests, Request, TenantSpec

__all__ = ["Manifests", "Request", "TenantSpec", "load", "resolve", "unresolved"]
