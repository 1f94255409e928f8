"""Compares a tenant with the manifests: once, or again and again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run.prepare import prepare
from reconciler.cli.run.show import show
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.cli.terminal.signals import interruptible, run
from reconciler.core.errors import GitFailed, InvalidManifests, ProviderError
from reconciler.core.results.drift import Drift, find_drift, find_news
from reconciler.core.safety.permissions import Permissions
from reconciler.deadline import end_in, seconds_until
from reconciler.rendering import escape, problems


def look_once(console: Console, options: ManifestOptions, changes: Permissions) -> int:
    """One look at one tenant; the exit code."""
    drift = run(_look(console, options, changes))
    show_drift(console, drift, "")
    return exit_code(drift)


def watch(console: Console, options: ManifestOptions, changes: Permissions, pause: float) -> int:
    """A look every `pause` seconds; the exit code."""
    return run(_Watch(console, options, changes, pause).until_stopped())


async def _look(console: Console, options: ManifestOptions, changes: Permissions) -> Drift:
    return find_drift(await prepare(options, changes, "warn").plan_only(console))


def exit_code(drift: Drift) -> int:
    """The exit code of a look."""
    if drift.plan.failures:
        return Exit.PARTIAL
    return Exit.DRIFT if drift.has_drift else Exit.DONE


def show_drift(console: Console, drift: Drift, at: str) -> None:
    """In the form that was asked for; while watching, a JSON document is a line."""
    show(console, "drift", drift, at, indent=None if at else 2)


class _Watch:
    """One watch: what the last look saw, and what it could not see, so that neither is printed
    twice.
    """

    def __init__(
        self, console: Console, options: ManifestOptions, changes: Permissions, pause: float
    ) -> None:
        self.console, self.options, self.changes, self.pause = console, options, changes, pause
        self.last: Drift | None = None
        self.trouble = ""
        self.end = end_in(options.connection.deadline)

    async def until_stopped(self) -> int:
        """Looks until a signal, 130, or the deadline, which ends as a single look does."""
        task = asyncio.ensure_future(self._looks())
        with interruptible(task.cancel, task.cancel), suppress(asyncio.CancelledError):
            await task
        if task.cancelled():
            self.console.say("stopped watching")
            return Exit.INTERRUPTED
        return Exit.ERROR if self.last is None else exit_code(self.last)

    async def _looks(self) -> None:
        seconds = seconds_until(self.end)
        while seconds is None or seconds > 0:
            await self._once(seconds)
            seconds = seconds_until(self.end)
            pause = self.pause
            await asyncio.sleep(pause if seconds is None else max(0.0, min(pause, seconds)))
            seconds = seconds_until(self.end)

    async def _once(self, seconds: float | None) -> None:
        """One look; a mistake in the manifests or an unreachable tenant is reported once, and the
        next look tries again.
        """
        try:
            now = await _look(self.console, self.options.within(seconds), self.changes)
        except (GitFailed, InvalidManifests, ProviderError) as error:
            if isinstance(error, ProviderError) and not error.temporary:
                raise
            self._report(error)
            return
        self.trouble = ""
        news = now if self.last is None else find_news(self.last, now)
        if self.last is None or news.is_news:
            show_drift(self.console, news, datetime.now(UTC).isoformat(timespec="seconds"))
        self.last = now

    def _report(self, error: Exception) -> None:
        text = escape.terminal(str(error))
        if isinstance(error, InvalidManifests):
            text = problems.problems_text(error.problems, error.documents, error.skipped)
        if text != self.trouble:
            self.console.error(f"could not look: {text}")
        self.trouble = text
