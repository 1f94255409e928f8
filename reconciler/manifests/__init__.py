"""The Git side: files -> Declared. Others call `load(Request)`, `unresolved` for what they select, `resolve` for a saved plan.

What a plan removes needs evidence, which `evidence.doubts` looks for.
"""

from reconciler.manifests.again import resolve
from reconciler.manifests.load import load, unresolved
from reconciler.manifests.model import Manifests, Request, TenantSpec

__all__ = ["Manifests", "Request", "TenantSpec", "load", "resolve", "unresolved"]
