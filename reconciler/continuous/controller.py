"""The loop with one run per Tenant, and everybody who wants to know how a run ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from reconciler.continuous.loop import Ended, Loop
from reconciler.continuous.loop import Settings as LoopSettings
from reconciler.continuous.metrics import Metrics
from reconciler.continuous.results import Result, State
from reconciler.continuous.run import Runner
from reconciler.continuous.source import Source

_log = logging.getLogger("reconciler.continuous")
Sink = Callable[[Result], None]
_LEVELS = {
    State.FAILED: logging.ERROR,
    State.REFUSED: logging.WARNING,
    State.DRIFTED: logging.WARNING,
    State.SYNCED: logging.DEBUG,
}


class Controller:
    """Runs the Tenants of a source until it is stopped. `results` holds the last run of each."""

    def __init__(
        self,
        source: Source,
        runner: Runner,
        settings: LoopSettings,
        metrics: Metrics,
        sinks: Iterable[Sink] = (),
    ) -> None:
        self._source, self._runner, self._metrics = source, runner, metrics
        self._sinks = tuple(sinks)
        self.results: dict[str, Result] = {}
        self.loop = Loop(self._run, settings)
        metrics.watch(lambda: self.loop.items, lambda: self.loop.depth)

    async def _run(self, key: str) -> Ended:
        result = await self._runner.run(key)
        if result.is_postponed:
            return Ended(result.ending, result.wait)
        self.results[key] = result
        self._metrics.note_result(result)
        _log_result(result)
        for sink in self._sinks:
            sink(result)
        return Ended(result.ending, result.wait)

    def take_tenants(self, *, changed: bool) -> None:
        """Takes over the Tenants of the source; `changed` if all of them are due."""
        tenants = self._source.tenants
        for key in self.results.keys() - tenants.keys():
            del self.results[key]
            self._metrics.forget(key)
            _log.info("%s: no longer declared; its webhooks stay as they are", key)
        self.loop.set_tenants(tenants)
        if changed:
            self.loop.ask_all()

    async def run_until_stopped(
        self, stopped: asyncio.Event, grace: float, beside: Iterable[asyncio.Future[None]] = ()
    ) -> None:
        """Runs until the event, then gives runs under way `grace` seconds to finish their requests;
        no change is started any more. Raises what a run, or a task `beside`, raised: a defect.
        """
        running = asyncio.ensure_future(self.loop.run_until_stopped())
        stop: asyncio.Future[Any] = asyncio.ensure_future(stopped.wait())
        tasks = [running, *beside]
        try:
            await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
            self.loop.stop()
            self._runner.stop()
            await asyncio.wait({running}, timeout=grace)
        finally:
            stop.cancel()
            running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()


def _log_result(result: Result) -> None:
    """One line per run, with its id; the text has no secret, since plans and reports have none."""
    fields = {
        "run": result.run,
        "tenant": result.tenant,
        "revision": result.revision,
        "state": result.state.value,
        "mode": result.mode,
        "seconds": round(result.seconds, 3),
        "digest": result.digest,
    }
    counts = result.describe_counts()
    why = result.describe_failure() or result.hold
    text = f"{result.tenant}: {result.state}"
    text += f" ({counts})" if counts else ""
    text += f": {why}" if why else ""
    _log.log(_LEVELS.get(result.state, logging.INFO), "%s", text, extra={"fields": fields})
