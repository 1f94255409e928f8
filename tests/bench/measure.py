"""How the benchmark measures: processes and workers timed in pairs, and the rows that come of it.
No work of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.processes import ROOT, environment

BIN: Final = Path(sys.executable).parent
PYTHON: Final = sys.executable
LIMIT: Final = 150  # seconds that one process may take before the benchmark gives up


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: `budget` None is for information only, `ratio` None is a peer that is
    not installed.
    """

    work: str
    ours: str
    peer: str
    ratio: float | None
    budget: float | None = None

    @property
    def over(self) -> bool:
        return self.ratio is not None and self.budget is not None and self.ratio > self.budget

    @property
    def verdict(self) -> str:
        if self.budget is None or self.ratio is None:
            return "information"
        return "OVER" if self.over else "ok"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Seconds of both sides, taken in turns, so that a busy minute hits both."""

    ours: tuple[float, ...]
    peer: tuple[float, ...]

    def row(self, work: str, peer: str, budget: float | None) -> Row:
        """The best of each side: the work is the same each time, so all that a run takes longer is
        other work on the machine.
        """
        mine, theirs = min(self.ours), min(self.peer)
        return Row(work, seconds(mine), f"{peer} {seconds(theirs)}", mine / theirs, budget)


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def interleaved(ours: Callable[[], float], peer: Callable[[], float], runs: int) -> Pairs:
    """A B A B…; the first of a pair alternates, so that neither side always finds the caches
    warm.
    """
    taken: list[tuple[float, float]] = []
    for run in range(runs):
        if run % 2:
            theirs = peer()
            taken.append((ours(), theirs))
        else:
            mine = ours()
            taken.append((mine, peer()))
    return Pairs(tuple(mine for mine, _ in taken), tuple(theirs for _, theirs in taken))


def process(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, says: str = ""
) -> float:
    """Wall-clock seconds of a process that has to end well and to say what proves that it did the
    work.
    """
    started = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    took = time.perf_counter() - started
    if done.returncode or says not in done.stdout + done.stderr:
        text = (done.stdout[-1000:] + done.stderr[-2000:]).strip()
        raise SystemExit(
            f"benchmark: {' '.join(command[:4])} … ended with {done.returncode}, "
            f"expected {says!r}:\n{text}"
        )
    return took


def worker(
    *arguments: str, module: str = "tests.bench.worker", limit: float = LIMIT
) -> list[float]:
    """The numbers that one piece of work in `tests/bench/worker.py`, or another module, measured,
    in a fresh process, within `limit` seconds.
    """
    done = subprocess.run(
        [PYTHON, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(BENCH_TOKEN="bench"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    if done.returncode:
        raise SystemExit(
            f"benchmark: worker {arguments[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}"
        )
    numbers: list[float] = json.loads(done.stdout)
    return numbers
