"""The Git side: files -> Declared. Others call `load(Request)`, and `find_unresolved` for what they
select.

What a plan removes needs evidence, which `evidence.doubts` looks for.
"""

from reconciler.manifests.decode.load_types import Manifests, TenantSpec
from reconciler.manifests.decode.request import (
    InputFiles,
    PolicyChoice,
    Request,
    SecretLookup,
    TenantChoice,
    read_fingerprint_key,
)
from reconciler.manifests.load import find_unresolved, load, warn_of_unresolved

__all__ = [
    "InputFiles",
    "Manifests",
    "PolicyChoice",
    "Request",
    "SecretLookup",
    "TenantChoice",
    "TenantSpec",
    "find_unresolved",
    "load",
    "read_fingerprint_key",
    "warn_of_unresolved",
]
