"""Rows about carrying out: creates at a fixed latency of the tenant, with and without HTTP
between.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import Row, seconds, worker
from tests.bench.slow import served

COUNT, LATENCY, PARALLELISM = 200, 0.05, 10  # creates, seconds each, at once


def creates(folder: Path, *, quick: bool) -> Iterator[Row]:
    """N creates at latency L with parallelism P against N·L/P, which nothing can beat."""
    assert folder.is_dir()
    runs = 5 if quick else 9
    size, latency, width = str(COUNT), str(LATENCY), str(PARALLELISM)
    yield _row("in process", [worker("creates", size, latency, width)[0] for _ in range(runs)])
    with served(LATENCY) as url:
        yield _row("over HTTP", [worker("creates-http", url, size, width)[0] for _ in range(runs)])


def _row(how: str, took: list[float]) -> Row:
    ideal = COUNT * LATENCY / PARALLELISM
    work = f"{COUNT} creates at {LATENCY * 1000:.0f} ms, {PARALLELISM} at once, {how}"
    return Row(work, seconds(min(took)), f"N·L/P {seconds(ideal)}", min(took) / ideal, 1.15)
