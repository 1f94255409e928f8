"""`make bench`: the ratios of the design's budgets in one run against real peers; exit 1 if one is
over its budget.

`--quick` takes fewer runs; `--only WORD` takes the rows whose group is so named; `--tenant` (`make
bench-tenant`) takes what the tenant promises, at full size, in a quarter of an hour. The best
runs of both sides make a ratio, since absolute times say little on a shared machine.
"""

from __future__ import annotations

import argparse
import compileall
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import agent, carrying_out, planning, reading, tenant
from tests.bench.measure import Row
from tests.support.processes import ROOT

GROUPS: dict[str, Callable[..., Iterator[Row]]] = {
    "load": reading.load,
    "validate": reading.validate,
    "start": reading.start,
    "plan": planning.over_http,
    "since": planning.since,
    "export": planning.export,
    "memory": planning.memory,
    "growth": planning.growth,
    "creates": carrying_out.creates,
    "fleet": carrying_out.fleet,
    "idle": agent.idle,
    "run": agent.run,
    **tenant.GROUPS,
}
USUAL = [name for name in GROUPS if name not in tenant.GROUPS or name == "throughput"]
LINE = "{:<46} {:>10}   {:<36} {:>6} {:>7}  {}"


def printed(row: Row) -> str:
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    budget = "-" if row.budget is None else f"{row.budget:.2f}"
    return LINE.format(row.work, row.ours, row.peer, ratio, budget, row.verdict)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--tenant", action="store_true", help="all rows of the tenant")
    parser.add_argument(
        "--only", action="append", choices=GROUPS, help="only this group of rows; repeatable"
    )
    options = parser.parse_args()
    compileall.compile_dir(
        ROOT / "reconciler", quiet=1
    )  # as pip did for the peers when it installed them
    started, rows = time.perf_counter(), []
    print(LINE.format("work", "ours", "peer", "ratio", "budget", ""))
    for name in options.only or (tenant.GROUPS if options.tenant else USUAL):
        with tempfile.TemporaryDirectory(prefix="reconciler-bench-") as folder:
            for row in GROUPS[name](Path(folder), quick=options.quick):
                print(printed(row), flush=True)
                rows.append(row)
    over = sum(row.over for row in rows)
    print(f"{len(rows)} rows in {time.perf_counter() - started:.0f} s; {over} over budget")
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main())
