"""`reconciler drift`."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    Number,
    all_tenants_option,
    exclude_option,
    logging_options,
    narrow_options,
    network_options,
    option,
    output_option,
    paths_argument,
    prune_option,
    secret_options,
    since_option,
    tenant_options,
    time_options,
)
from reconciler.cli.run.certificates import ca_file_option
from reconciler.cli.run.moved_from import moved_from_option
from reconciler.cli.terminal.console import Console, console_of
from reconciler.render.forms import forms_of

if TYPE_CHECKING:
    from reconciler.cli.run.prepare import Prepared
    from reconciler.cli.run.source import Options
    from reconciler.core.results.drift import Drift
    from reconciler.core.results.runs import TenantRun

EPILOG = """\b
Examples:
  reconciler drift webhooks/
  reconciler drift webhooks/ --since "$APPLIED_COMMIT" -o markdown
  reconciler drift webhooks/ --watch 300
  reconciler drift . --all-tenants -o markdown

Exits 7 when the tenant moved; what only Git moved since REV is listed as pending and is no drift.
"""


@click.command("drift", epilog=EPILOG)
@paths_argument
@since_option
@option(
    "--watch",
    type=Number(min=0, min_open=True),
    metavar="SECONDS",
    help="Keep looking and tell only news; ends with Ctrl-C (130) or --deadline.",
)
@all_tenants_option
@tenant_options
@ca_file_option
@prune_option
@narrow_options
@exclude_option
@moved_from_option
@time_options
@network_options
@secret_options
@output_option(*forms_of("drift"))
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int:
    """Compare the tenant with the manifests: what was changed there by hand. Cannot write."""
    from reconciler.cli.run.source import Options  # noqa: PLC0415  likewise
    from reconciler.cli.terminal.signals import run  # noqa: PLC0415  `--help` needs none of it

    console, options = console_of(ctx), Options(values)
    if options.all_tenants:
        return _all(ctx, console, options)
    if options.watch is None:
        found = run(_look(console, options))
        _show(console, found, "")
        return _code(found)
    if "-" in options.paths:
        raise click.UsageError(
            "--watch reads the manifests again each time, which standard input (-) cannot be", ctx
        )
    return run(_Watch(console, options).until_stopped())


def _all(ctx: click.Context, console: Console, options: Options) -> int:
    """A look at each tenant."""
    from reconciler.cli.run.prepare import prepare  # noqa: PLC0415  as above
    from reconciler.cli.tenants.all_tenants import Round, turns  # noqa: PLC0415  as above
    from reconciler.core.results.drift import look  # noqa: PLC0415  as above

    async def one(begun: TenantRun, prepared: Prepared) -> TenantRun:
        found = look(await prepared.plan_only(console))
        if console.output == "text":
            _show(console, found, "")
        return replace(begun, exit_code=_code(found), drift=found)

    return Round(
        console, options, turns(ctx, options, lambda mine: prepare(mine, "warn")), one
    ).run()


async def _look(console: Console, options: Options) -> Drift:
    from reconciler.cli.run.prepare import prepare  # noqa: PLC0415  as above
    from reconciler.core.results.drift import look  # noqa: PLC0415  as above

    return look(await prepare(options, "warn").plan_only(console))


def _code(found: Drift) -> int:
    from reconciler.cli.terminal.ending import Exit  # noqa: PLC0415  as above

    return Exit.DRIFT if found.found else Exit.DONE


def _show(console: Console, found: Drift, at: str) -> None:
    """In the form that was asked for; while watching, a JSON document is a line."""
    from reconciler.cli.run.show import show  # noqa: PLC0415  as above

    show(console, "drift", found, at, indent=None if at else 2)


class _Watch:
    """One watch: what the last look saw, and what it could not see, so that neither is told
    twice.
    """

    def __init__(self, console: Console, options: Options) -> None:
        self.console, self.options = console, options
        self.last: Drift | None = None
        self.trouble = ""
        self.end = time.monotonic() + options.deadline if options.deadline is not None else None

    async def until_stopped(self) -> int:
        """Looks until a signal, 130, or the deadline, which ends as a single look does."""
        from reconciler.cli.terminal.ending import Exit  # noqa: PLC0415  as above
        from reconciler.cli.terminal.signals import interruptible  # noqa: PLC0415  as above

        task = asyncio.ensure_future(self._looks())
        with interruptible(task.cancel, task.cancel), suppress(asyncio.CancelledError):
            await task
        if task.cancelled():
            self.console.say("stopped watching")
            return Exit.INTERRUPTED
        return Exit.ERROR if self.last is None else _code(self.last)

    def _left(self) -> float | None:
        return None if self.end is None else self.end - time.monotonic()

    async def _looks(self) -> None:
        left = self._left()
        while left is None or left > 0:
            await self._once(left)
            left = self._left()
            pause: float = self.options.watch
            await asyncio.sleep(pause if left is None else max(0.0, min(pause, left)))
            left = self._left()

    async def _once(self, left: float | None) -> None:
        """One look; a mistake in the manifests or a tenant that is away is told once, and the next
        look tries again.
        """
        from reconciler.core.errors import GitFailed, InvalidManifests, ProviderError  # noqa: PLC0415  as above
        from reconciler.core.results.drift import news  # noqa: PLC0415  as above

        try:
            now = await _look(self.console, self.options.but(deadline=left))
        except (GitFailed, InvalidManifests, ProviderError) as error:
            if isinstance(error, ProviderError) and not error.temporary:
                raise
            self._tell(error)
            return
        self.trouble = ""
        told = now if self.last is None else news(self.last, now)
        if self.last is None or told.is_news:
            _show(self.console, told, datetime.now(UTC).isoformat(timespec="seconds"))
        self.last = now

    def _tell(self, error: Exception) -> None:
        from reconciler.core.errors import InvalidManifests  # noqa: PLC0415  as above
        from reconciler.render import escape, problems  # noqa: PLC0415  as above

        said = escape.terminal(str(error))
        if isinstance(error, InvalidManifests):
            said = problems.problems_text(error.problems, error.documents, error.skipped)
        if said != self.trouble:
            self.console.error(f"could not look: {said}")
        self.trouble = said
