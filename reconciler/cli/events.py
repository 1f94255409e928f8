"""`reconciler events`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import console_of
from reconciler.cli.options import logging_options, optional_paths_argument, output_option

if TYPE_CHECKING:
    from reconciler.core.coverage import Coverage

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
    from reconciler.cli.source import Options, request  # noqa: PLC0415  as above
    from reconciler.core.coverage import coverage  # noqa: PLC0415  likewise
    from reconciler.manifests import load  # noqa: PLC0415  likewise

    asked = request(Options({**values, "any_tenant": True}), "ignore")
    manifests = load(asked)
    if not manifests.tenants:
        return (coverage(None, manifests.declared),)
    if any(tenant.patches for tenant in manifests.tenants):
        each = {tenant.name: load(replace(asked, tenant=tenant.name)) for tenant in manifests.tenants}
        return tuple(coverage(name, found.declared) for name, found in each.items())
    return tuple(
        coverage(tenant.name, (item for item in manifests.declared if tenant.selects(item.labels)))
        for tenant in manifests.tenants
    )
