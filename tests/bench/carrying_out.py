"""Rows about carrying out: creates at a fixed latency of the tenant, with and without HTTP
between.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import Row, seconds, worker
from tests.bench.slow import served

COUNT, LATENCY, PARALLELISM = 200, 0.05, 10  # creates, seconds each, at once
REPOSITORIES, PAGE = 300, 100  # of a fleet, and names in an answer


def creates(folder: Path, *, quick: bool) -> Iterator[Row]:
    """N creates at latency L with parallelism P against N·L/P, which nothing can beat."""
    assert folder.is_dir()
    runs = 5 if quick else 9
    size, latency, width = str(COUNT), str(LATENCY), str(PARALLELISM)
    yield _row("in process", [worker("creates", size, latency, width)[0] for _ in range(runs)])
    with served(LATENCY) as url:
        yield _row("over HTTP", [worker("creates-http", url, size, width)[0] for _ in range(runs)])


def fleet(folder: Path, *, quick: bool) -> Iterator[Row]:
    """A plan over R repositories: one request for each hundred names, and two for each repository
    (its hooks, and its ledger), so Q in all at latency L with parallelism P against Q·L/P.
    """
    assert folder.is_dir()
    runs = 3 if quick else 7
    requests = -(-REPOSITORIES // PAGE) + 2 * REPOSITORIES
    with served(LATENCY, "tests.stand_ins.fleet", str(REPOSITORIES)) as url:
        took = min(worker("fleet", url, str(PARALLELISM))[0] for _ in range(runs))
    ideal = requests * LATENCY / PARALLELISM
    work = f"plan {REPOSITORIES} repositories of a fleet, {LATENCY * 1000:.0f} ms"
    yield Row(work, seconds(took), f"Q·L/P {seconds(ideal)}", took / ideal, 1.15)


def _row(how: str, took: list[float]) -> Row:
    ideal = COUNT * LATENCY / PARALLELISM
    work = f"{COUNT} creates at {LATENCY * 1000:.0f} ms, {PARALLELISM} at once, {how}"
    return Row(work, seconds(min(took)), f"N·L/P {seconds(ideal)}", min(took) / ideal, 1.15)
