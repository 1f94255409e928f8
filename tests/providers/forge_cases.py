"""The four products that have a stand-in with a state, behind one set of names: manifests, the
stand-in, what a person makes by hand there.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.providers.svix_repository import KEY as SVIX_KEY
from tests.stand_ins import gitea, github, gitlab, svix
from tests.support.product_repository import ProductRepository

HEAD = "apiVersion: webhooks.reconciler/v1\nkind: "
KEY = "hook-key-0123456789"


@dataclass(frozen=True)
class Product:
    """One product: its stand-in, the token and the target of a Tenant, the path of its webhooks,
    the body of one that a person makes, and of a manifest the authentication, the event and more.
    """

    name: str
    open: Callable[[], AbstractContextManager[Any]]
    token: str
    target: str
    path: str
    by_hand: dict[str, Any]
    auth: str
    event: str
    rights: str
    prefix: str = "Bearer "
    key: str = KEY


BY_HAND = "https://by-hand.example.com/x"
PRODUCTS = {
    "github": Product(
        "github",
        github.github,
        github.TOKEN,
        "{repository: acme/api}",
        "/repos/acme/api/hooks",
        {"config": {"url": BY_HAND}, "events": ["push"]},
        "{{type: signature, secret: {{fromEnv: HOOK_KEY}}}}",
        "push",
        "the token needs the permissions Webhooks and Variables (read and write)",
    ),
    "gitlab": Product(
        "gitlab",
        gitlab.gitlab,
        gitlab.TOKEN,
        "{project: acme/api}",
        "/api/v4/projects/acme%2Fapi/hooks",
        {"url": BY_HAND},
        "{{type: token, value: {{fromEnv: HOOK_KEY}}}}",
        "push_events",
        "the token needs the scope api, and the role Maintainer in the project",
    ),
    "gitea": Product(
        "gitea",
        gitea.gitea,
        gitea.TOKEN,
        "{repository: acme/api}",
        "/api/v1/repos/acme/api/hooks",
        {"type": "gitea", "config": {"url": BY_HAND, "content_type": "json"}, "active": True},
        "{{type: signature, secret: {{fromEnv: HOOK_KEY}}}}",
        "push",
        "the token needs the scope write:repository",
        prefix="token ",
    ),
    "svix": Product(
        "svix",
        svix.svix,
        svix.TOKEN,
        f"{{application: {svix.APPLICATION}}}",
        f"/api/v1/app/{svix.APPLICATION}/endpoint",
        {"url": BY_HAND},
        "{{type: signature, secret: {{fromEnv: HOOK_KEY}}}}",
        "user.signup",
        "the token must be an API key of the environment that may read and write endpoints",
        key=SVIX_KEY,
    ),
}


def make_repository(
    product: Product, folder: Path, url: str, owner: str = "platform"
) -> ProductRepository:
    """Manifests of one owner in a folder of their own."""
    folder = folder / owner
    folder.mkdir(exist_ok=True)
    tenant = (
        f"{HEAD}Tenant\nmetadata: {{name: here}}\nspec:\n  provider: {product.name}\n  url: {url}\n"
        f"  token: {{fromEnv: PRODUCT_TOKEN}}\n  owner: {owner}\n  target: {product.target}\n"
    )
    webhook = HEAD + (
        "Webhook\nmetadata: {{name: {name}}}\nspec:\n  url: {url}\n"
        f"  auth: {product.auth}\n  events: [{{{{type: {product.event}}}}}]\n"
    )
    env = {"PRODUCT_TOKEN": product.token, "HOOK_KEY": product.key}
    return ProductRepository(folder, tenant, webhook, env, (product.token, product.key))


def read_hooks(server: Any) -> dict[Any, dict[str, Any]]:
    """The webhooks that the stand-in holds, by id."""
    hooks: dict[Any, dict[str, Any]] = getattr(server, "endpoints", None) or server.hooks
    return hooks


def make_by_hand(product: Product, server: Any) -> None:
    """A webhook of a person, without any mark."""
    headers = {
        "Authorization": f"{product.prefix}{product.token}",
        "Content-Type": "application/json",
    }
    body = json.dumps(product.by_hand).encode()
    request = urllib.request.Request(server.url + product.path, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201
