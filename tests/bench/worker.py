"""One piece of work in a fresh process, which prints its numbers as JSON. Started by
`measure.worker`, nothing else.

Imports stand in the functions: a piece of work pays only for what it is about, and never inside the
measured time. What waits for nothing is measured in processor time, which other work on the machine
disturbs less.
"""

# ruff: noqa: PLC0415  a piece of work pays only for the imports that it is about
from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.change import Plan
    from reconciler.providers.base import Provider


def load(folder: str) -> list[float]:
    """Seconds of load + validate + decode."""
    import reconciler.manifests as ours
    from tests.support.requests import make_request

    request = make_request(paths=(folder,), env={}, secrets="ignore")
    gc.collect()
    started = time.process_time()
    found = ours.load(request)
    took = time.process_time() - started
    return [took, len(found.declared)]


def bare(folder: str) -> list[float]:
    """Seconds of PyYAML's C loader on the same bytes."""
    import yaml

    gc.collect()
    started = time.process_time()
    files = [
        list(yaml.load_all(file.read_bytes(), yaml.CSafeLoader))
        for file in sorted(Path(folder).iterdir())
    ]
    return [time.process_time() - started, sum(map(len, files))]


def _peak() -> float:
    """MiB that this process ever held; VmHWM where there is one, since ru_maxrss outlives the exec
    of its parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 * 1024 if sys.platform == "darwin" else 1024
    )


def memory(folder: str) -> list[float]:
    """Peak MiB of the whole process that loads the manifests and plans them against as many live
    webhooks; seconds.
    """
    import reconciler.manifests as ours
    from reconciler import workflow
    from reconciler.core.change import TenantRef
    from reconciler.core.safety.run_policy import RunPolicy
    from reconciler.providers.memory import MemoryProvider
    from tests.bench.material import OWNER, live_pages
    from tests.support.requests import make_request

    started = time.perf_counter()
    manifests = ours.load(
        make_request(paths=(folder,), env={"BENCH_TOKEN": "bench"}, secrets="warn")
    )
    provider = MemoryProvider(
        live for page in live_pages(iter(manifests.declared)) for live in page
    )
    policy = workflow.narrow_policy(manifests, workflow.Narrow(), RunPolicy(OWNER))
    plan = asyncio.run(
        workflow.plan(manifests, provider, policy, TenantRef("", "memory", OWNER.name))
    )
    assert not plan.pending, plan.counts
    return [_peak(), plan.counts.keep, time.perf_counter() - started]


def growth(small: str, large: str, count: str) -> list[float]:
    """Rounds of seconds of make_plan: the mean for each small part of a large set, then the whole;
    nothing to change.

    All parts of one heap are planned: one small set alone would be measured in 0.15 s, in which a
    busy moment of the machine counts as much as the plan. The best of three rounds counts, for
    both.
    """
    from reconciler.core.planning.plan import make_plan
    from reconciler.core.safety.run_policy import RunPolicy
    from tests.bench.material import OWNER, declared, live_pages

    size, part = int(large), int(small)
    wanted = [declared(number) for number in range(size)]
    held = [live for page in live_pages(iter(wanted)) for live in page]

    def timed(first: int, last: int) -> float:
        some, their = wanted[first:last], held[first:last]
        gc.collect()
        started = time.process_time()
        plan = make_plan(some, their, RunPolicy(OWNER))
        took = time.process_time() - started
        assert plan.counts.keep == last - first, plan.counts
        return took

    rounds = [
        (mean(timed(first, first + part) for first in range(0, size, part)), timed(0, size))
        for _ in range(int(count))
    ]
    return [value for pair in rounds for value in pair]


def _creates(count: int) -> Plan:
    from reconciler.core.planning.plan import make_plan
    from reconciler.core.safety.run_policy import RunPolicy
    from tests.bench.material import OWNER, declared

    return make_plan([declared(number) for number in range(count)], (), RunPolicy(OWNER))


async def _carried_out(plan: Plan, provider: Provider, parallelism: int) -> float:
    from reconciler.execute import Execution, Options
    from tests.bench.material import OWNER

    execution = Execution(plan, provider, OWNER, Options(parallelism=parallelism))
    started = time.perf_counter()
    await execution.run()
    took = time.perf_counter() - started
    assert execution.report().complete, execution.report().outcomes[0]
    return took


def creates(count: str, latency: str, parallelism: str) -> list[float]:
    """Seconds of that many creates against a provider that takes `latency` seconds for each."""
    from reconciler.core.model.webhook import Declared, Live, Owner
    from reconciler.providers.memory import MemoryProvider
    from tests.bench.material import live_pages

    class Slow(MemoryProvider):
        async def create(self, declared: Declared, owner: Owner, *, idempotency_key: str) -> Live:
            assert owner.name
            assert idempotency_key
            await asyncio.sleep(float(latency))
            return next(live_pages(iter((declared,))))[0]

    return [asyncio.run(_carried_out(_creates(int(count)), Slow(), int(parallelism)))]


def creates_http(url: str, count: str, parallelism: str) -> list[float]:
    """The same over HTTP, against `tests/bench/slow.py`, after the listing that comes before every
    reconcile's first write.
    """
    from reconciler.core.model.secret import Secret
    from reconciler.providers.http.client import Client
    from reconciler.providers.tenant.provider import TenantProvider

    async def run() -> float:
        async with Client(url, Secret("bench"), parallelism=int(parallelism)) as client:
            provider = TenantProvider(client)
            assert await provider.list() == ()
            return await _carried_out(_creates(int(count)), provider, int(parallelism))

    return [asyncio.run(run())]


def fleet(url: str, parallelism: str) -> list[float]:
    """Seconds of a plan over the repositories of GitHub's stand-in, and how many requests it was."""
    from reconciler.core.model.secret import Secret
    from reconciler.core.planning.plan import make_plan
    from reconciler.core.safety.run_policy import RunPolicy
    from reconciler.providers.github.plugin import PLUGIN
    from reconciler.providers.http.client import Client
    from tests.bench.material import OWNER
    from tests.stand_ins.github import TOKEN

    async def run() -> float:
        width, target = int(parallelism), {"organization": "acme", "repositories": {}}
        async with Client(url, Secret(TOKEN), dialect=PLUGIN.dialect, parallelism=width) as client:
            provider = PLUGIN.provider(client, target)
            started = time.perf_counter()
            plan = make_plan((), await provider.list(), RunPolicy(OWNER))
            took = time.perf_counter() - started
            assert not plan.violations
            return took

    return [asyncio.run(run())]


WORK: dict[str, Callable[..., list[float]]] = {
    "load": load,
    "bare": bare,
    "memory": memory,
    "growth": growth,
    "creates": creates,
    "creates-http": creates_http,
    "fleet": fleet,
}

if __name__ == "__main__":
    print(json.dumps(WORK[sys.argv[1]](*sys.argv[2:])))
