"""The Git side: files -> Declared. Others call `load(Request)`, and `unresolved` for what they
select.

What a plan removes needs evidence, which `evidence.doubts` looks for.
"""

from reconciler.manifests.decode.loaded import Manifests, TenantSpec
from reconciler.manifests.decode.request import (
    InputFiles,
    PolicyChoice,
    Request,
    SecretLookup,
    TenantChoice,
)
from reconciler.manifests.load import load, unresolved

__all__ = [
    "InputFiles",
    "Manifests",
    "PolicyChoice",
    "Request",
    "SecretLookup",
    "TenantChoice",
    "TenantSpec",
    "load",
    "unresolved",
]
