"""Rows about the agent: what an hour costs in which nothing changes, and one run without a change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.material import big_files
from tests.bench.measure import Pairs, Row, process, seconds, worker
from tests.support.processes import Tenant, tenant_manifest

MODULE = "tests.bench.agent_worker"
TENANTS = 1000
SHARE = 0.05  # of a core
HOUR = 3600.0
COUNT = 1000
WHO = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")


def commit(folder: Path) -> None:
    for step in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        (*WHO, "commit", "-q", "-m", "bench"),
    ):
        process(["git", *step], cwd=folder)


def idle(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Source, loop and runs of 1,000 Tenants over one hour, with a provider in memory; an hour of
    waiting takes no time. Fewer Tenants stand for all with `quick`.
    """
    count = TENANTS // 10 if quick else TENANTS
    repo = folder / "repo"
    repo.mkdir()
    for number in range(count):
        (repo / f"{number:04}.yaml").write_text(_make_tenant(number), "utf-8")
    commit(repo)
    spent, first, runs = worker("idle", str(repo), str(folder), module=MODULE, limit=1200)
    assert runs >= count * 11, runs
    share = spent * TENANTS / count / HOUR
    name = f"an agent's idle hour, {TENANTS:,} Tenants"
    yield Row(name, f"{share:.2%} of a core", f"{SHARE:.0%} of a core", share / SHARE, 1.0)
    yield Row(f"first runs at a commit, {count:,} Tenants", seconds(first), "", None)


def _make_tenant(number: int) -> str:
    name = f"t-{number:04}"
    return (
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\n"
        f"metadata: {{name: {name}}}\nspec:\n  provider: tenant\n"
        f"  url: https://{name}.example.com/public-api/v1\n  token: {{fromEnv: BENCH_TOKEN}}\n"
        f"  owner: bench\n  select: {{matchLabels: {{tenant: {name}}}}}\n---\n"
        "apiVersion: webhooks.reconciler/v1\nkind: Webhook\n"
        f"metadata: {{name: hook-{number:04}, labels: {{tenant: {name}}}}}\nspec:\n"
        f"  url: https://hooks.example.com/{name}\n  enabled: true\n"
        '  events: [{type: "elastio:recovery-point:create:started", version: v0, severity: info}]\n'
    )


def run(folder: Path, *, quick: bool) -> Iterator[Row]:
    """A run of the agent that finds no change, and what `reconciler plan` does once it has started;
    both in one process, over HTTP.
    """
    with Tenant(folder / "tenant") as tenant:
        repo = folder / "repo"
        big_files(repo / "webhooks", COUNT)
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url, "bench"), "utf-8")
        commit(repo)
        rounds = "5" if quick else "15"
        found = worker("run", str(repo), str(folder), tenant.token, rounds, module=MODULE)
    taken = Pairs(tuple(found[::2]), tuple(found[1::2]))
    yield taken.row(f"a run of {COUNT:,} without a change", "plan without its start", 1.1)
