"""Carries a plan out with everything around it: progress, deadline, tests first, and a clean stop
on Ctrl-C.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final

from reconciler.cli.options.writing import ExecutionOptions
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.progress import progress
from reconciler.cli.terminal.signals import interruptible
from reconciler.core.change import Action, Change, Plan
from reconciler.core.errors import ProviderError
from reconciler.core.model.webhook import Owner
from reconciler.core.results.reports import Failure, Report, Verdict
from reconciler.execute import Check, Execution, Options
from reconciler.providers.base import Provider
from reconciler.testing import choose_events

GRACE: Final = 10.0  # seconds that a request under way gets after the first Ctrl-C or SIGTERM


def _tested(provider: Provider) -> Check:
    async def check(change: Change) -> Failure | None:
        if change.action is Action.DELETE or change.declared is None:
            return None
        spec = change.declared.spec
        try:
            delivery = await provider.test(
                spec, change.live, choose_events(spec, all_events=False)[0]
            )
        except ProviderError as error:
            return Failure(error.kind, f"its test could not be made: {error}")
        if delivery.verdict is Verdict.DELIVERED:
            return None
        status = f" ({delivery.status_code})" if delivery.status_code is not None else ""
        return Failure(
            "test-failed", f"not written: its endpoint answered {delivery.verdict.value}{status}"
        )

    return check


async def carry_out(
    console: Console,
    plan: Plan,
    provider: Provider,
    owner: Owner,
    options: ExecutionOptions,
    end: float | None,
) -> tuple[Report, bool]:
    """The report of the run, and whether it was interrupted. A request under way when Ctrl-C comes
    gets 10 s; no wait goes on.

    `end` is the time of `time.monotonic` at which `--deadline` is over.
    """
    with progress(console, len(plan.pending), "reconcile") as tick:
        settings = Options(
            parallelism=options.parallelism,
            stop_on_error=options.on_error == "stop",
            deadline=end,
            progress=tick,
        )
        if options.test_first:
            settings = replace(settings, check=_tested(provider))
        execution = Execution(plan, provider, owner, settings)
        task = asyncio.ensure_future(execution.run())

        def stop() -> None:
            console.say(
                f"interrupted: finishing what is under way, for {GRACE:g} s at most; "
                "once more to stop at once"
            )
            execution.stop(Failure("interrupted", "interrupted before it was started"))
            provider.stop()
            task.get_loop().call_later(GRACE, task.cancel)

        with interruptible(stop, task.cancel), suppress(asyncio.CancelledError):
            await task
    return execution.report(interrupted=task.cancelled()), execution.interrupted
