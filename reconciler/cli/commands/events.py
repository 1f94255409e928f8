"""`reconciler events`."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    logging_options,
    option,
    optional_paths_argument,
    output_option,
    secret_options,
    tenant_options,
    time_options,
)
from reconciler.cli.run.certificates import ca_file_option
from reconciler.cli.terminal.console import console_of

if TYPE_CHECKING:
    from reconciler.cli.run.source import Options
    from reconciler.cli.terminal.console import Console
    from reconciler.core.model.webhook import Declared
    from reconciler.core.results.coverage import Coverage

EPILOG = """\b
Examples:
  reconciler events
  reconciler events webhooks/
  reconciler events . --live
  reconciler events . --no-live
  reconciler events . -o json
"""


@click.command("events", epilog=EPILOG)
@optional_paths_argument
@option(
    "--live/--no-live",
    default=None,
    help="Ask the tenants too, since a webhook that is switched off there receives nothing. "
    "Default: where the token is there.",
)
@tenant_options
@time_options
@ca_file_option
@secret_options
@output_option("text", "json")
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> None:
    """Show the catalogue of events; with PATHs, who receives which, what nobody receives and what
    is sent twice to one url.
    """
    from reconciler.cli.run.source import Options  # noqa: PLC0415  `--help` needs none of it
    from reconciler.render import events  # noqa: PLC0415  likewise

    console, options = console_of(ctx), Options(values)
    if options.live and not options.paths:
        raise click.UsageError("--live compares the tenants with manifests: name PATHs", ctx)
    found = _coverages(options, console) if options.paths else ()
    if console.output == "json":
        console.data(events.events_json(found))
    else:
        console.data(events.coverage_text(found) if options.paths else events.catalogue_text())


def _coverages(options: Options, console: Console) -> tuple[Coverage, ...]:
    """One for each Tenant manifest, of the webhooks that it selects; without one, of all."""
    from reconciler.core.results.coverage import coverage  # noqa: PLC0415  as above

    each = _declared(options)
    return tuple(
        coverage(name, declared, _known(options, console, name, declared))
        for name, declared in each.items()
    )


def _known(
    options: Options, console: Console, name: str | None, declared: tuple[Declared, ...]
) -> tuple[str, ...] | None:
    """The keys of webhooks that are off at the tenant of that name; None if it was not asked.
    Raises only with `--live`.
    """
    from reconciler.cli.terminal.signals import run  # noqa: PLC0415  as above
    from reconciler.core.errors import ProviderError, ReconcilerError, StoreError  # noqa: PLC0415  as above
    from reconciler.render.escape import terminal  # noqa: PLC0415  as above

    has_tenant = name is not None or options.tenant_url or options.is_local
    if options.live is False or not (options.live or has_tenant):
        return None
    try:
        return run(_switched_off(options, name, declared))
    except ReconcilerError as error:
        if options.live:
            raise
        if isinstance(error, ProviderError | StoreError):  # else there is no token for it
            console.say(
                "warning: the tenant was not asked what is switched off there: "
                f"{terminal(str(error))}"
            )
        return None


def _declared(options: Options) -> dict[str | None, tuple[Declared, ...]]:
    """The webhooks of each Tenant manifest, by its name; of the one that is asked for, or of none,
    by None.
    """
    from reconciler.cli.run.source import request  # noqa: PLC0415  as above
    from reconciler.manifests import load  # noqa: PLC0415  as above

    asked = request(options.but(any_tenant=True), "ignore")
    manifests = load(asked)
    if not manifests.tenants or not asked.tenant.by_manifest:
        return {None: manifests.declared}
    wanted = [tenant for tenant in manifests.tenants if options.tenant in {None, tenant.name}]
    if any(tenant.patches for tenant in wanted):
        return {
            tenant.name: load(
                replace(asked, tenant=replace(asked.tenant, name=tenant.name))
            ).declared
            for tenant in wanted
        }
    return {
        tenant.name: tuple(item for item in manifests.declared if tenant.selects(item.labels))
        for tenant in wanted
    }


async def _switched_off(
    options: Options, name: str | None, declared: tuple[Declared, ...]
) -> tuple[str, ...] | None:
    """The keys of webhooks that are off at the tenant of that name, or of the options; None for a
    file that is not there.

    Raises ReconcilerError.
    """
    from reconciler.cli.run import connect, source  # noqa: PLC0415  as above
    from reconciler.cli.run.live_state import keys_switched_off  # noqa: PLC0415  as above
    from reconciler.manifests import load  # noqa: PLC0415  as above

    mine = options.but(tenant=name)
    manifests = load(replace(source.request(mine, "warn"), only_tenants=True))
    target = connect.choose(mine, manifests)
    if not options.live and target.file and not os.path.exists(target.file):  # noqa: ASYNC240, PTH110  nothing else runs here
        return None  # only a look: it makes no tenant
    async with connect.opened(target, mine) as provider:
        spec = manifests.tenant if name is not None else None
        return await keys_switched_off(declared, provider, source.owner(mine, spec))
