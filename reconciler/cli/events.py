"""`reconciler events`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import console_of
from reconciler.cli.options import logging_options, optional_paths_argument, output_option

if TYPE_CHECKING:
    from reconciler.core.coverage import Coverage
    from reconciler.manifests import Manifests

EPILOG = """\b
Examples:
  reconciler events
  reconciler events webhooks/
  reconciler events . -o json
"""


@click.command("events", epilog=EPILOG)
@optional_paths_argument
@output_option("text", "json")
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> None:
    """Show the catalogue of events; with PATHs, who receives which, what nobody receives and what is sent twice to one url."""
    from reconciler.render import events  # noqa: PLC0415  `--help` needs none of it

    console = console_of(ctx)
    found = _coverages(values) if values["paths"] else ()
    if console.output == "json":
        console.data(events.events_json(found))
    else:
        console.data(events.coverage_text(found) if values["paths"] else events.catalogue_text())


def _coverages(values: dict[str, Any]) -> tuple[Coverage, ...]:
    """One for each Tenant manifest, of the webhooks that it selects; without one, of all."""
    from reconciler.cli.source import Options, read  # noqa: PLC0415  as above
    from reconciler.core.coverage import coverage  # noqa: PLC0415  likewise

    manifests: Manifests = read(Options({**values, "all_tenants": True}), "ignore")
    if not manifests.tenants:
        return (coverage(None, manifests.declared),)
    return tuple(
        coverage(tenant.name, (item for item in manifests.declared if tenant.selects(item.labels)))
        for tenant in manifests.tenants
    )
