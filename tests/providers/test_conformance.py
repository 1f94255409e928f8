"""The conformance checks, as a third party runs them: over every provider that the project has."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pytest

from reconciler.core.model.capabilities import TENANT
from reconciler.core.model.webhook import Subscription
from reconciler.providers.conformance import Place, Samples, Setting, Subject, chosen, conformance
from reconciler.providers.conformance.checks import CHECKS, RULES, Check
from reconciler.providers.memory import MemoryProvider
from reconciler.providers.tenant.plugin import PLUGIN
from tests.support.processes import ROOT, Tenant, environment

EXAMPLE = ROOT / "examples" / "provider"
sys.path.append(str(EXAMPLE))
PIGEON = importlib.import_module("pigeon_provider").PLUGIN
OURS = Samples(
    (
        Subscription("elastio:recovery-point:create:started", "v0", "info"),
        Subscription("elastio:recovery-point:iscan:unhealthy", "v0", "critical"),
    )
)
BIRDS = Samples(
    (Subscription("bird.landed", None, None), Subscription("bird.lost", None, None)),
    options={"urgent": True, "tags": ["a", "b"]},
)
KEY = "pigeon-key-0123456789"


@asynccontextmanager
async def empty_tenant(endpoint: str) -> AsyncIterator[Place]:
    with TemporaryDirectory() as folder:
        options = ("--allow-network", "127.0.0.0/8", "--allow-port", str(urlsplit(endpoint).port))
        with Tenant(Path(folder), *options) as tenant:
            yield Place(tenant.url, tenant.token, deliver=lambda: send_event(tenant))


def send_event(tenant: Tenant) -> None:
    kind, version, severity = OURS.events[0].type, OURS.events[0].version, OURS.events[0].severity
    body = {"type": kind, "version": version, "severity": severity, "event": {}}
    assert tenant.call("POST", "/events", body)[0] == 202


@asynccontextmanager
async def empty_pigeon(_endpoint: str) -> AsyncIterator[Place]:
    command = [sys.executable, "-m", "pigeon_provider.server", "0"]
    env = environment(PYTHONPATH=str(EXAMPLE), PIGEON_KEY=KEY)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Place(process.stdout.readline().strip(), KEY, {"loft": "north"})
        finally:
            process.kill()


test_the_tenant = conformance(PLUGIN, empty_tenant, OURS)
test_the_example = conformance(PIGEON, empty_pigeon, BIRDS)


def test_every_rule_is_proved_by_a_check() -> None:
    assert {row.rule for row in CHECKS} == set(RULES)


@pytest.mark.parametrize("check", chosen(Setting(TENANT)), ids=lambda check: check.__name__)
def test_the_memory(check: Check) -> None:
    asyncio.run(check(Subject(MemoryProvider(), OURS)))
