"""The Git side: files -> Declared. Others call `load(Request)`, and `unresolved` for what they
select.

What a plan removes needs evidence, which `evidence.doubts` looks for.
"""

from reconciler.manifests.decode.loaded import Manifests, Request, TenantSpec
from reconciler.manifests.load import load, unresolved

__all__ = ["Manifests", "Request", "TenantSpec", "load", "unresolved"]
