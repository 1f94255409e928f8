"""Tests of endpoints with a progress bar, a deadline, and an end by signal."""

from __future__ import annotations

import asyncio
import time

from reconciler.cli.run.show import show_test
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.progress import progress
from reconciler.cli.terminal.signals import interruptible
from reconciler.core.results.reports import TestReport
from reconciler.testing import Testing


async def watched(
    console: Console, tests: Testing, end: float | None, *, alone: bool = False
) -> tuple[TestReport, bool]:
    """The tests with a progress bar, until they are done, `end` (of `time.monotonic`) is reached,
    or somebody stops them.

    Raises what the tenant failed with if no delivery could be made; `alone`: after a report for CI
    that says so.
    """
    with progress(console, tests.total, "test") as tick:
        task = asyncio.ensure_future(tests.run(tick))
        with interruptible(task.cancel, task.cancel):
            seconds = None if end is None else max(end - time.monotonic(), 0)
            done, _ = await asyncio.wait([task], timeout=seconds)
        late = not done
        if late:
            task.cancel()
            await asyncio.wait([task])
            console.say("--deadline was reached before every endpoint was tested")
    interrupted = task.cancelled() and not late
    if not task.cancelled():
        task.result()  # a defect is raised
    if tests.error is not None and not task.cancelled():
        if alone and console.output in {"junit", "markdown"}:
            show_test(console, tests.report())
        raise tests.error
    return tests.report(), interrupted
