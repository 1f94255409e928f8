"""`reconciler export`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.connection import ca_file_option, time_options
from reconciler.cli.options.manifests import ManifestOptions, secret_options
from reconciler.cli.options.option import option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.tenant import adopt_from_option, tenant_options
from reconciler.cli.terminal.console import console_of

EPILOG = """\b
Examples:
  reconciler export webhooks/ --local
  reconciler export webhooks/ tenant.yaml
  reconciler export webhooks/ . --tenant production -o json
  reconciler export terraform/ . --tenant acme-api --as terraform
"""


class ExportOptions(NamedTuple):
    """The options of `export`."""

    folder: str
    manifests: ManifestOptions = ManifestOptions()
    adopt_from: str | None = None
    hide_urls: bool = False
    dry_run: bool = False
    form: str = "manifests"


@click.command("export", epilog=EPILOG)
@click.argument("folder", metavar="DIR")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@option("--dry-run", is_flag=True, help="Print what would be written; write nothing.")
@option("--hide-urls", is_flag=True, help="New manifests reference their urls too, as secrets.")
@option(
    "--as",
    "form",
    type=click.Choice(["manifests", "terraform"]),
    default="manifests",
    show_default=True,
    help="terraform: resources with import blocks in DIR/webhooks.tf, of GitHub and GitLab.",
)
@adopt_from_option
@tenant_options
@ca_file_option
@time_options
@secret_options
@output_option("text", "json")
@logging_options
@pass_options(ExportOptions)
def command(ctx: click.Context, options: ExportOptions) -> int:
    """Write live webhooks as manifests into DIR.

    A webhook that no manifest declares gets a file of its own. In the manifests of DIR only the
    fields that differ are changed: comments, order, anchors and references stay.

    PATH: where else manifests are, such as the Tenant's; they are read only.
    """
    from reconciler.cli.actions import export  # noqa: PLC0415  `--help` needs none of it

    if options.form == "terraform":
        target = export.Destination(options.folder, options.hide_urls, options.dry_run)
        return export.export_terraform(console_of(ctx), options.manifests, target)
    manifests, folder = export.read_too(options.manifests, options.folder)
    destination = export.Destination(folder, options.hide_urls, options.dry_run)
    return export.export(console_of(ctx), manifests, destination, options.adopt_from)
