"""Manifests for Gitea's stand-in, and how a receiver verifies."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from tests.stand_ins.gitea import TOKEN, Server
from tests.support.forge_repository import ForgeRepository
from tests.support.receiver import Receiver


def verify(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """As Gitea's documentation tells a receiver to."""
    wanted = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers.get("x-gitea-signature", ""), wanted)


def find_keys(receiver: Receiver, *keys: str) -> list[str]:
    """The key that signed each delivery so far, empty for none of them."""
    found = []
    for request in receiver.requests:
        headers = {name.lower(): value for name, value in request.headers}
        found.append(next((key for key in keys if verify(headers, request.body, key)), ""))
    return found


class Repository(ForgeRepository):
    """Manifests, and the stand-in."""

    provider, token, options = "gitea", TOKEN, "branch_filter: main"

    @property
    def server(self) -> Server:
        assert isinstance(self.stand_in, Server)
        return self.stand_in

    @property
    def variables(self) -> dict[str, str]:
        assert self.server.variables is not None
        return self.server.variables
