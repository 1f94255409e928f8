"""Manifests for Svix's stand-in, and how a receiver verifies."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from tests.stand_ins.svix import APPLICATION, TOKEN, Server
from tests.support.product_repository import ProductRepository
from tests.support.receiver import Request

KEY, NEW_KEY = (
    "whsec_" + b64encode(text).decode()
    for text in (b"the first key of 32 bytes ......", b"the second key of 32 bytes .....")
)
TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {{name: svix}}
spec:
  provider: svix
  url: {url}
  token: {{fromEnv: SVIX_TOKEN}}
  owner: {owner}
  target: {{application: {application}}}
"""
WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {{name: {name}}}
spec:
  url: {url}
  description: For the rota
  enabled: true
  auth: {{type: signature, secret: {{fromEnv: HOOK_KEY}}, version: "{version}"}}
  events: [{{type: user.signup}}, {{type: invoice.paid}}]
  options: {{rateLimit: 20}}
"""


def verify(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """As a receiver does it that knows one key; any signature of the header counts."""
    names = ("id", "timestamp", "signature")
    signed = {f"webhook-{name}": headers.get(f"svix-{name}", "") for name in names}
    try:
        Verifier(key).verify(body, signed)
    except WebhookVerificationError:
        return False
    return True


def verify_newest(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """Whether the newest key is that one: its signature comes first."""
    first = headers.get("svix-signature", "").partition(" ")[0]
    return verify({**headers, "svix-signature": first}, body, key)


def list_keys(request: Request, *keys: str) -> list[str]:
    """Those of the keys by which a delivery verifies."""
    headers = {name.lower(): value for name, value in request.headers}
    return [key for key in keys if verify(headers, request.body, key)]


class Repository(ProductRepository):
    """Manifests, and the stand-in."""

    def __init__(self, folder: Path, server: Server, owner: str = "platform") -> None:
        self.server = server
        env = {"SVIX_TOKEN": TOKEN, "HOOK_KEY": KEY}
        super().__init__(folder, "", WEBHOOK, env, (TOKEN, KEY, NEW_KEY))
        self.write_tenant(owner)

    def write_tenant(self, owner: str, application: str = APPLICATION) -> None:
        text = TENANT.format(url=self.server.url, owner=owner, application=application)
        self.write_text("tenant", text)

    def make_second(self, name: str, owner: str) -> Repository:
        """Another checkout, for the same endpoints."""
        folder = self.folder.with_name(f"{self.folder.name}-{name}")
        folder.mkdir()
        return Repository(folder, self.server, owner)

    @property
    def endpoint(self) -> dict[str, Any]:
        [endpoint] = self.server.endpoints.values()
        return endpoint
