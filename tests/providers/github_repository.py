"""Manifests for GitHub's stand-in, and how a receiver verifies."""

from __future__ import annotations

from collections.abc import Mapping

from tests.stand_ins.github import TOKEN, Server, sign
from tests.support.forge_repository import ForgeRepository


def verify(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    return headers.get("x-hub-signature-256") == sign(key, body)


class Repository(ForgeRepository):
    """Manifests, and the stand-in."""

    provider, token, options = "github", TOKEN, "content_type: json"

    @property
    def server(self) -> Server:
        assert isinstance(self.stand_in, Server)
        return self.stand_in
