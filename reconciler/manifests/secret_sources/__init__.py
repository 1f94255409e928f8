"""Secret sources, one file each. A new source is a file, a row here and a reference in the
schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.manifests.secret_sources import aws, cluster, command, env, file, sops, vault
from reconciler.manifests.secret_sources.base import (
    Access,
    Forbidden,
    Login,
    Place,
    Source,
    SourceDown,
    Unresolved,
    show_reference,
)
from reconciler.manifests.secret_sources.fetch_cache import FetchCache

SOURCES: Final[Mapping[str, Source]] = {
    "fromEnv": env,
    "fromFile": file,
    "fromVault": vault,
    "fromAwsSecretsManager": aws,
    "fromSops": sops,
    "fromCommand": command,
    cluster.SOURCE: cluster,
}

__all__ = [
    "SOURCES",
    "Access",
    "FetchCache",
    "Forbidden",
    "Login",
    "Place",
    "Source",
    "SourceDown",
    "Unresolved",
    "show_reference",
]
