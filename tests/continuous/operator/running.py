"""The real operator in this event loop, against an emulated cluster and a served tenant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from reconciler.connection import Connection
from reconciler.continuous.operator.api import Access, open_api
from reconciler.continuous.operator.operator import Operator
from reconciler.continuous.operator.settings import OperatorSettings
from reconciler.continuous.operator.shards import LeaseSettings
from reconciler.continuous.operator.watch.login import log_in
from reconciler.continuous.run import Settings as RunSettings
from reconciler.core.model.secret import Secret
from reconciler.manifests import SecretLookup
from reconciler.net.listening import Place
from tests.continuous.operator.emulated import Cluster, until


@asynccontextmanager
async def operate(
    cluster: Cluster, folder: Path, *, identity: str = "one", key: str | None = None,
    shards: int = 1, resync: float = 600.0, namespaces: tuple[str, ...] = (),
) -> AsyncIterator[Operator]:  # fmt: skip
    """An operator that has read the cluster; it is stopped in the end."""
    kubeconfig = folder / f"kubeconfig-{identity}"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1", "kind": "Config", "current-context": "test",
                "clusters": [{"name": "test", "cluster": {"server": cluster.url}}],
                "users": [{"name": "test", "user": {"token": "made-up"}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            }
        )
    )  # fmt: skip
    access = Access(str(kubeconfig))
    fingerprint_key = None if key is None else Secret(key, "key")
    settings = OperatorSettings(
        run=RunSettings(Connection(), mode="apply", fingerprint_key=fingerprint_key),
        place=Place("127.0.0.1", 0),
        leases=LeaseSettings("operator", identity, shards, 3.0, 2.0, 0.2),
        lookup=SecretLookup(mode="require", fingerprint_key=fingerprint_key),
        login=partial(log_in, access),
        namespaces=namespaces,
        grace=5.0,
        settle=0.05,
        resync=resync,
    )
    async with open_api(access) as api:
        operator = Operator(api, settings)
        running = asyncio.ensure_future(operator.run(lambda _origin: None))
        try:
            await until(lambda: running.done() or operator.is_ready, "ready")
            yield operator
        finally:
            operator.stop()
            await asyncio.wait_for(running, 20)


def tenant_object(url: str, name: str = "production", **spec: Any) -> dict[str, Any]:
    """A Tenant whose token is in the Secret `tenant`."""
    token = {"fromSecret": {"name": "tenant", "key": "token"}}
    given = {"provider": "tenant", "url": url, "token": token, "owner": "payments"}
    return make_object("Tenant", name, **given, **spec)


def webhook(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A Webhook with one event."""
    event = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": ["info"]}
    given = {"url": f"https://hooks.example.com/{name}", "events": [event]} | spec
    document = make_object("Webhook", name, **given)
    document["metadata"]["labels"] = labels or {}
    return document


def make_object(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """An object of ours."""
    return {
        "apiVersion": "webhooks.reconciler/v1", "kind": kind,
        "metadata": {"name": name}, "spec": spec,
    }  # fmt: skip


def secret(name: str, **values: str) -> dict[str, Any]:
    """A Secret without values; `Cluster.set_secret` gives it some."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": values}
