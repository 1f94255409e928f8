"""`reconciler export`."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    adopt_from_option,
    logging_options,
    option,
    output_option,
    secret_options,
    tenant_options,
    time_options,
)
from reconciler.cli.run.certificates import ca_file_option
from reconciler.cli.terminal.console import Console, console_of

if TYPE_CHECKING:
    from reconciler.cli.run.prepare import Prepared
    from reconciler.cli.run.source import Options
    from reconciler.core.change import TenantRef
    from reconciler.core.export.exported import Export, Written
    from reconciler.manifests import TenantSpec

EPILOG = """\b
Examples:
  reconciler export webhooks/ --local
  reconciler export webhooks/ tenant.yaml
  reconciler export webhooks/ . --tenant production -o json
"""


@click.command("export", epilog=EPILOG)
@click.argument("folder", metavar="DIR")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@option("--dry-run", is_flag=True, help="Tell what would be written; write nothing.")
@option("--hide-urls", is_flag=True, help="New manifests reference their urls too, as secrets.")
@adopt_from_option
@tenant_options
@ca_file_option
@time_options
@secret_options
@output_option("text", "json")
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int:
    """Write live webhooks as manifests into DIR.

    A webhook that no manifest declares gets a file of its own. In the manifests of DIR only the
    fields that differ are changed: comments, order, anchors and references stay.

    PATH: where else manifests are, such as the Tenant's; they are read only.
    """
    from reconciler.cli.run.prepare import prepare  # noqa: PLC0415  `--help` needs none of it
    from reconciler.cli.run.source import Options  # noqa: PLC0415  likewise
    from reconciler.cli.terminal.signals import run  # noqa: PLC0415  likewise

    console = console_of(ctx)
    folder = os.path.abspath(values["folder"])  # noqa: PTH100  as the layer that it is for
    read = [path for path in (values["folder"],) if os.path.isdir(folder)]  # noqa: PTH112  likewise
    options = Options(
        {**values, "folder": folder, "paths": (*read, *values["paths"]), "may_be_empty": True}
    )
    prepared = prepare(options, "warn")
    return run(_export(console, prepared))


async def _export(console: Console, prepared: Prepared) -> int:
    from reconciler import workflow  # noqa: PLC0415  as above
    from reconciler.cli.run.connect import opened  # noqa: PLC0415  as above
    from reconciler.cli.terminal.ending import Exit  # noqa: PLC0415  as above
    from reconciler.cli.terminal.progress import waiting  # noqa: PLC0415  as above
    from reconciler.manifests.edit import edits, write  # noqa: PLC0415  as above

    options, manifests = prepared.options, prepared.manifests
    async with opened(prepared.target, options) as provider, waiting(console, "listing"):
        made = await workflow.export(manifests, provider, prepared.policy, options.adopt_from)
    in_use = None if options.is_local or options.tenant_url else manifests.tenant
    style = write.Style(in_use.select if in_use is not None else {}, bool(options.hide_urls))
    changed, by_hand = edits.edits(made, manifests.joined, options.folder)
    made = replace(made, warnings=made.warnings + by_hand + _of_patches(in_use, made))
    files = (*write.new_files(made, options.folder, style), *changed)
    if not options.dry_run:
        write.write(files, options.folder)
    _show(console, prepared.tenant, made, files)
    if files and not options.dry_run:
        _read_back(options)
    return Exit.DONE


def _of_patches(in_use: TenantSpec | None, made: Export) -> tuple[str, ...]:
    """What a new manifest does not say, where the Tenant has patches."""
    if in_use is None or not in_use.patches or not made.fresh:
        return ()
    what = (
        "new manifests say what this tenant holds; a patch that matches one of them still "
        "applies, so plan before you commit"
    )
    return (f"Tenant {in_use.name} has patches: {what}",)


def _show(console: Console, tenant: TenantRef, made: Export, files: tuple[Written, ...]) -> None:
    from reconciler.render import exported  # noqa: PLC0415  as above

    if console.output == "json":
        from reconciler.render.document import to_json  # noqa: PLC0415  one form a run

        console.data(to_json(exported.export_document(tenant, made, files)))
    else:
        console.data(exported.export_text(made, files, color=console.color))
    for remark in exported.remarks(made, files):
        console.say(remark)


def _read_back(options: Options) -> None:
    """Reads everything once more; raises InvalidManifests where what a tenant holds is not allowed
    in a manifest.
    """
    from reconciler.cli.run import source  # noqa: PLC0415  as above

    values = options.values
    source.read(type(options)({**values, "paths": (values["folder"], *values["paths"])}), "ignore")
