"""Manifests for GitHub's stand-in, and how a receiver verifies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.stand_ins.github import REPOSITORY, TOKEN, Server, sign
from tests.support.product_repository import ProductRepository

KEY, NEW_KEY = "hook-key-0123456789", "hook-key-9876543210"
TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {{name: github}}
spec:
  provider: github
  url: {url}
  token: {{fromEnv: GITHUB_TOKEN}}
  owner: {owner}
  target: {target}
"""
WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {{name: {name}}}
spec:
  url: {url}
  enabled: true
  auth: {{type: signature, secret: {{fromEnv: HOOK_KEY}}, version: "{version}"}}
  events: [{{type: push}}, {{type: pull_request}}]
  options: {{content_type: json}}
"""


def verify(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    return headers.get("x-hub-signature-256") == sign(key, body)


class Repository(ProductRepository):
    """Manifests, and the stand-in."""

    def __init__(self, folder: Path, server: Server, owner: str = "platform") -> None:
        self.server = server
        env = {"GITHUB_TOKEN": TOKEN, "HOOK_KEY": KEY}
        super().__init__(folder, "", WEBHOOK, env, (TOKEN, KEY, NEW_KEY))
        self.write_tenant(owner)

    def write_tenant(self, owner: str, target: str = f"{{repository: {REPOSITORY}}}") -> None:
        text = TENANT.format(url=self.server.url, owner=owner, target=target)
        self.write_text("tenant", text)

    def make_second(self, owner: str) -> Repository:
        """A repository of another owner, for the same hooks."""
        folder = self.folder.with_name(f"{self.folder.name}-{owner}")
        folder.mkdir()
        return Repository(folder, self.server, owner)

    @property
    def hook(self) -> dict[str, Any]:
        [hook] = self.server.hooks.values()
        return hook
