"""SIGTERM: what is under way is finished, nothing new is started, and a restart completes it."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.continuous.agent.running import Agent, Repository, wait_for
from tests.providers.builders import Asked
from tests.support.processes import Tenant
from tests.support.wire import proxy

APPLY = ("--mode", "apply", "--interval", "1")
WEBHOOKS = 60
SECONDS = 0.5  # that the tenant takes for a create


async def wait_before(asked: Asked) -> None:
    if asked.method == "POST":
        await asyncio.sleep(SECONDS)


def test_sigterm_in_the_middle_of_an_apply_finishes_what_is_under_way(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    names = {f"hook-{number:02}" for number in range(WEBHOOKS)}
    with proxy(tenant.url, before=wait_before) as between:
        repository.declare_tenant(between.url)
        repository.declare(*names)
        revision = repository.push()
        options = (*APPLY, "--grace", "10")
        with Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token) as agent:
            wait_for(tenant.webhooks, lambda: str(agent.lines))
            started = time.monotonic()
            assert agent.stop() == 0
            assert time.monotonic() - started < 10
            made = len(tenant.webhooks())
            assert 10 <= made < WEBHOOKS
            asked = [one for one in between.asked if one.method == "POST"]
            assert len(asked) == made  # each create that was sent was carried out
        with Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token) as agent:
            run = agent.wait_applied(revision)
            assert run["summary"]["create"] == WEBHOOKS - made
        assert sorted(item["name"] for item in tenant.webhooks()) == sorted(names)


async def hang(asked: Asked) -> None:
    if asked.method == "POST":
        await asyncio.sleep(30)


def test_grace_ends_a_wait_for_a_tenant_that_hangs(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    with proxy(tenant.url, before=hang) as between:
        repository.declare_tenant(between.url)
        repository.declare("one")
        repository.push()
        options = (*APPLY, "--grace", "2")
        with Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token) as agent:
            wait_for(lambda: len(between.asked) > 1, lambda: str(agent.lines))
            started = time.monotonic()
            assert agent.stop() == 0
            assert 2 <= time.monotonic() - started < 10


def test_a_second_signal_ends_the_agent_at_once(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    with proxy(tenant.url, before=hang) as between:
        repository.declare_tenant(between.url)
        repository.declare("one")
        repository.push()
        with Agent(tmp_path, repository.bare, *APPLY, TENANT_TOKEN=tenant.token) as agent:
            wait_for(lambda: len(between.asked) > 1, lambda: str(agent.lines))
            agent.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert agent.process.poll() is None  # it waits for the request
            assert agent.stop(seconds=10) == 130
            assert "Traceback" not in "".join(agent.lines)


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_an_idle_agent_ends_at_once(
    tmp_path: Path, repository: Repository, tenant: Tenant, number: str
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one")
    revision = repository.push()
    with Agent(tmp_path, repository.bare, *APPLY, TENANT_TOKEN=tenant.token) as agent:
        agent.wait_applied(revision)
        started = time.monotonic()
        assert agent.stop(signal.Signals[number]) == 0
        assert time.monotonic() - started < 5
