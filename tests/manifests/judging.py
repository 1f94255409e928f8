"""Policies, webhooks and tenants in a few words. Used by the tests of policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.problem import Problem
from reconciler.manifests import Manifests, load
from tests.support.requests import make_request

HTTPS = {"properties": {"url": {"pattern": "^https://"}}}
EVENT = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}


def policy(name: str, body: Any = None, **spec: Any) -> str:
    spec = {"message": "https only", "schema": HTTPS if body is None else body, **spec}
    return json.dumps(
        {
            "apiVersion": "webhooks.reconciler/v1",
            "kind": "Policy",
            "metadata": {"name": name},
            "spec": spec,
        }
    )


def webhook(key: str, labels: dict[str, str] | None = None, **spec: Any) -> str:
    spec = {"url": "https://hooks.example.com/x", "events": [EVENT], **spec}
    body = {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": "Webhook",
        "metadata": {"name": key, "labels": labels or {}},
    }
    return json.dumps({**body, "spec": spec})


def tenant(name: str) -> str:
    body = {"apiVersion": "webhooks.reconciler/v1", "kind": "Tenant", "metadata": {"name": name}}
    return json.dumps({**body, "spec": {"owner": "us", "local": f"{name}.db"}})


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def read(*paths: str, **options: Any) -> Manifests:
    return load(make_request(paths=paths or (".",), **{"policies": "read", **options}))


def list_problems(*paths: str, **options: Any) -> tuple[Problem, ...]:
    try:
        return read(*paths, **options).problems
    except InvalidManifests as error:
        return error.problems


def names(manifests: Manifests) -> list[str]:
    return sorted(rule.name for rule in manifests.rules)
