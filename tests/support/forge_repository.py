"""Manifests of a forge (GitHub, Gitea) whose hooks have no names and a ledger per owner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.stand_ins.server import StandIn
from tests.support.product_repository import ProductRepository

KEY, NEW_KEY = "hook-key-0123456789", "hook-key-9876543210"
REPOSITORY = "acme/api"
TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {{name: {provider}}}
spec:
  provider: {provider}
  url: {url}
  token: {{fromEnv: {variable}}}
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
"""


class ForgeRepository(ProductRepository):
    """Manifests for one owner, and the stand-in. A subclass names the provider, a token that the
    stand-in takes, and the options of a webhook. `url` is the stand-in's, or what stands in front.
    """

    provider: ClassVar[str]
    token: ClassVar[str]
    options: ClassVar[str]

    def __init__(
        self, folder: Path, server: StandIn, owner: str = "platform", url: str = ""
    ) -> None:
        self.stand_in, self.url = server, url or server.url
        self.variable = f"{self.provider.upper()}_TOKEN"
        webhook = f"{WEBHOOK}  options: {{{{{self.options}}}}}\n"
        env = {self.variable: self.token, "HOOK_KEY": KEY}
        super().__init__(folder, "", webhook, env, (self.token, KEY, NEW_KEY))
        self.write_tenant(owner)

    def write_tenant(
        self, owner: str, target: str = f"{{repository: {REPOSITORY}}}", more: str = ""
    ) -> None:
        text = TENANT.format(
            provider=self.provider,
            url=self.url,
            variable=self.variable,
            owner=owner,
            target=target,
        )
        self.write_text("tenant", text + more)

    def make_second(self, owner: str) -> Self:
        """A repository of another owner, for the same hooks."""
        folder = self.folder.with_name(f"{self.folder.name}-{owner}")
        folder.mkdir()
        return type(self)(folder, self.stand_in, owner, self.url)

    @property
    def hook(self) -> dict[str, Any]:
        """The only hook."""
        [hook] = self.stand_in.hooks.values()
        return hook


def read_ledger(value: str) -> dict[str, Any]:
    """The entries in a variable's value, by the hooks' ids."""
    entries: dict[str, Any] = json.loads(json.loads(value)["ledger"])["webhooks"]
    return entries


def change_ledger(value: str, entries: dict[str, Any]) -> str:
    """A variable's value with other entries."""
    body = json.loads(value)
    ledger = {**json.loads(body["ledger"]), "webhooks": entries}
    return json.dumps({**body, "ledger": json.dumps(ledger)})
