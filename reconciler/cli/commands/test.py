"""`reconciler test`."""

from __future__ import annotations

import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    Number,
    all_tenants_option,
    logging_options,
    narrow_options,
    network_options,
    option,
    output_option,
    paths_argument,
    secret_options,
    tenant_options,
    time_options,
)
from reconciler.cli.run.certificates import ca_file_option
from reconciler.cli.run.show import show_test
from reconciler.cli.run.watched import watched
from reconciler.cli.terminal.console import Console, console_of
from reconciler.render.forms import forms_of

if TYPE_CHECKING:
    from reconciler.cli.run.connect import Target
    from reconciler.cli.run.source import Options
    from reconciler.core.model.webhook import Declared
    from reconciler.core.results.reports import TestReport
    from reconciler.core.results.runs import TenantRun
    from reconciler.testing import Send

EPILOG = """\b
Examples:
  reconciler test webhooks/
  reconciler test webhooks/ --via probe --allow-network 127.0.0.0/8
  reconciler test webhooks/ -o junit > endpoints.xml
  reconciler test webhooks/ --only payments-oncall --all-events --check-auth
  reconciler test . --all-tenants
"""


@click.command("test", epilog=EPILOG)
@paths_argument
@option(
    "--via",
    type=click.Choice(["tenant", "probe", "both"]),
    default="tenant",
    show_default=True,
    help="Who sends.",
)
@option("--all-events", is_flag=True, help="One delivery for each subscription; default the first.")
@option(
    "--check-auth",
    is_flag=True,
    help="Also a wrong credential, which must be refused with 401 or 403.",
)
@option("--max-latency", type=Number(min=0), metavar="MS", help="Slower deliveries fail.")
@option(
    "--parallelism",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    metavar="N",
    help="Webhooks at once.",
)
@all_tenants_option
@tenant_options
@ca_file_option
@narrow_options
@time_options
@network_options
@secret_options
@output_option(*forms_of("test"))
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int:
    """Validate the endpoints with a test delivery each, with the declared values."""
    from reconciler.cli.run.source import Options  # noqa: PLC0415  likewise
    from reconciler.cli.terminal.signals import run  # noqa: PLC0415  likewise

    console, options = console_of(ctx), Options(values)
    if options.all_tenants:
        return _all(ctx, console, options)
    report, interrupted = run(_run(console, _prepared(options), alone=True))
    show_test(console, report)
    return _code(report, interrupted=interrupted)


def _code(report: TestReport, *, interrupted: bool) -> int:
    from reconciler.cli.terminal.ending import Exit  # noqa: PLC0415  as above

    if interrupted:
        return Exit.INTERRUPTED
    return Exit.DONE if report.passed else Exit.FAILED_TEST


def _all(ctx: click.Context, console: Console, options: Options) -> int:
    """The endpoints of each tenant."""
    from reconciler.cli.tenants.all_tenants import Round, turns  # noqa: PLC0415  as above

    async def one(begun: TenantRun, wanted: _Wanted) -> TenantRun:
        report, interrupted = await _run(console, wanted)
        if console.output == "text":
            show_test(console, report)
        return replace(begun, exit_code=_code(report, interrupted=interrupted), test=report)

    return Round(console, options, turns(ctx, options, _prepared), one).run()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The webhooks to test, and the tenant where one is to send, with who we are there if known."""

    options: Options
    selected: tuple[Declared, ...]
    target: Target | None
    owner: str = ""

    def within(self, seconds: float | None) -> _Wanted:
        """The same with that `--deadline`."""
        return replace(self, options=self.options.but(deadline=seconds))


def _prepared(options: Options) -> _Wanted:
    """What is to be tested; every secret of it resolves."""
    from reconciler import workflow  # noqa: PLC0415  as above
    from reconciler.cli.run import connect  # noqa: PLC0415  as above
    from reconciler.cli.run.prepare import narrow  # noqa: PLC0415  as above
    from reconciler.cli.run.source import known_owner, read  # noqa: PLC0415  as above
    from reconciler.core.errors import BadRequest  # noqa: PLC0415  as above

    manifests = read(options, "require")
    by_manifest = not (options.is_local or options.tenant_url)
    if by_manifest and manifests.tenant is None and any(spec.patches for spec in manifests.tenants):
        raise BadRequest(
            "several Tenant manifests, some with patches; choose one with --tenant NAME, "
            "or --all-tenants"
        )
    selected = workflow.require_secrets(manifests, narrow(options).keys(manifests.declared))
    if options.via == "probe":
        return _Wanted(options, selected, None)
    return _Wanted(
        options, selected, connect.choose(options, manifests), known_owner(options, manifests)
    )


async def _run(
    console: Console, wanted: _Wanted, *, alone: bool = False
) -> tuple[TestReport, bool]:
    """What was tested, and whether it was interrupted. `alone`: an error too is preceded by the
    report.
    """
    from asyncio import CancelledError  # noqa: PLC0415  as above

    from reconciler import testing  # noqa: PLC0415  as above
    from reconciler.cli.run import connect  # noqa: PLC0415  as above
    from reconciler.cli.run.live_state import known_switched_off  # noqa: PLC0415  as above

    options = wanted.options
    end = time.monotonic() + options.deadline if options.deadline is not None else None
    senders: dict[str, Send] = {}
    async with AsyncExitStack() as stack:
        if wanted.target is not None:
            provider = await stack.enter_async_context(
                connect.opened(wanted.target, options, options.parallelism)
            )
            senders["tenant"] = provider.test
        if options.via in {"probe", "both"}:
            senders["probe"] = _probe(
                await stack.enter_async_context(connect.sender(options)), options.timeout
            )
        wish = testing.Wish(
            all_events=options.all_events,
            check_auth=options.check_auth,
            max_latency=options.max_latency / 1000 if options.max_latency is not None else None,
            parallelism=options.parallelism,
        )
        report, interrupted = await watched(
            console, testing.Testing(wanted.selected, senders, wish), end, alone=alone
        )
        if wanted.owner and not interrupted:
            try:
                report = replace(
                    report,
                    switched_off=await known_switched_off(wanted.selected, provider, wanted.owner),
                )
            except CancelledError:  # what was tested is reported all the same
                return report, True
        return report, interrupted


def _probe(sender: Any, total: float | None) -> Send:
    """Sends from this machine the same sample event that the tenant would send, within `total`
    seconds.
    """
    from reconciler.delivery.envelope import envelope, sample_event  # noqa: PLC0415  as above

    async def send(spec: Any, _live: Any, event: Any) -> Any:
        now = datetime.fromtimestamp(int(time.time()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = envelope(sample_event(event, event_id=str(uuid.uuid4()), time=now))
        return await sender.send(spec, event, body, is_test=True, total=total)

    return send
