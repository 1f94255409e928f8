"""Where secret values come from, one file a source; a new one is a file, a row here and a reference
in the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.manifests.secret_sources import aws, command, env, file, sops, vault
from reconciler.manifests.secret_sources.base import (
    Access,
    Down,
    Forbidden,
    Login,
    Lost,
    Place,
    Source,
    shown,
)
from reconciler.manifests.secret_sources.once import Once

SOURCES: Final[Mapping[str, Source]] = {
    "fromEnv": env,
    "fromFile": file,
    "fromVault": vault,
    "fromAwsSecretsManager": aws,
    "fromSops": sops,
    "fromCommand": command,
}

__all__ = [
    "SOURCES",
    "Access",
    "Down",
    "Forbidden",
    "Login",
    "Lost",
    "Once",
    "Place",
    "Source",
    "shown",
]
