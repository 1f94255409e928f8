"""The agent's work in a fresh process, which prints its numbers as JSON. Started by
`measure.worker`, nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from reconciler import workflow
from reconciler.connect import Target, make_target, open_provider
from reconciler.connection import Connection
from reconciler.continuous.controller import Controller
from reconciler.continuous.git.mirror import Mirror
from reconciler.continuous.git.source import GitSettings, GitSource
from reconciler.continuous.loop import Settings as LoopSettings
from reconciler.continuous.metrics import Metrics
from reconciler.continuous.results import State
from reconciler.continuous.run import Runner, Settings
from reconciler.continuous.state_folder import StateFolder
from reconciler.core.safety.permissions import Permissions
from reconciler.manifests import SecretLookup, load
from reconciler.providers.base import Provider
from reconciler.providers.memory import MemoryProvider
from tests.continuous.virtual_time import run_virtually
from tests.support.requests import make_request

HOUR = 3600.0
LOOK = 60.0  # seconds between two looks at the repository
LOOKS = 5  # that are measured


def open_source(repo: str, folder: str, **env: str) -> GitSource:
    state = StateFolder(Path(folder) / "state")
    state.path.mkdir()
    mirror = Mirror(state.path / "repository.git", repo, "main", os.environ)
    mirror.open()
    settings = GitSettings(secrets=SecretLookup(mode="require"))
    source = GitSource(mirror, state, {**os.environ, **env}, settings)
    asyncio.run(source.refresh())
    assert source.problem is None, source.problem
    return source


def idle(repo: str, folder: str) -> list[float]:
    """Processor seconds of an hour without a change, those of the first runs, and the number of
    runs in the hour.
    """
    source, providers = open_source(repo, folder), dict[str, MemoryProvider]()

    @asynccontextmanager
    async def open_memory(target: Target, _to: Connection, _most: int) -> AsyncIterator[Provider]:
        yield providers.setdefault(target.name, MemoryProvider())

    settings = Settings(Connection(), mode="apply", open=open_memory)
    runner = Runner(source, settings)

    async def run_all() -> None:
        for key in source.tenants:
            assert (await runner.run(key)).state is State.APPLIED

    started = time.process_time()
    asyncio.run(run_all())
    first = time.process_time() - started
    generator, runs = random.Random(7), list[str]()

    async def pass_hour() -> None:
        loop = asyncio.get_running_loop()
        schedule = LoopSettings(loop.time, lambda: generator.uniform(-1, 1))
        sinks = [lambda result: runs.append(result.state.value)]
        controller = Controller(source, runner, schedule, Metrics(), sinks)
        controller.take_tenants(changed=True)
        loop.call_later(HOUR, controller.loop.stop)
        await controller.loop.run_until_stopped()

    started = time.process_time()
    run_virtually(pass_hour())
    spent = time.process_time() - started
    assert set(runs) == {"synced"}
    before = sum(os.times()[:4])  # with those of git
    for _ in range(LOOKS):
        asyncio.run(source.refresh())
    spent += (sum(os.times()[:4]) - before) / LOOKS * HOUR / LOOK
    return [spent, first, len(runs)]


def run(repo: str, folder: str, token: str, rounds: str) -> list[float]:
    """Processor seconds of a run, and of a plan of the same files, in turns."""
    source = open_source(repo, folder, TENANT_TOKEN=token)
    (key,) = source.tenants
    runner = Runner(source, Settings(Connection(), mode="apply"))

    def run_once() -> None:
        assert asyncio.run(runner.run(key)).state is State.SYNCED

    def plan_once() -> None:
        env = {**os.environ, "TENANT_TOKEN": token}
        manifests = load(make_request(paths=(repo,), env=env, secrets="warn"))
        assert manifests.tenant is not None
        spec = manifests.tenant
        target = make_target(spec, manifests)
        policy = workflow.settle_policy(manifests, spec, spec.owner, Permissions())

        async def plan() -> int:
            async with open_provider(target, Connection()) as provider:
                found = await workflow.plan(manifests, provider, policy, target.ref(spec.owner))
                return len(found.pending)

        assert asyncio.run(plan()) == 0

    asyncio.run(runner.run(key))  # creates all of them
    run_once()
    return [_measure(work) for _ in range(int(rounds)) for work in (run_once, plan_once)]


def _measure(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


WORK: dict[str, Callable[..., list[float]]] = {"idle": idle, "run": run}

if __name__ == "__main__":
    print(json.dumps(WORK[sys.argv[1]](*sys.argv[2:])))
