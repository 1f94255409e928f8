"""`reconciler import`."""

from __future__ import annotations

import click

from reconciler.cli.options.option import option
from reconciler.cli.options.output import logging_options
from reconciler.cli.terminal.console import console_of

EPILOG = """\b
Examples:
  terraform show -json > state.json
  reconciler import terraform state.json webhooks/ --owner platform
  reconciler adopt --all --manifests webhooks/ --tenant github-acme-api
  terraform plan   # with removed.tf beside the configuration: nothing is destroyed
"""


@click.command("import", epilog=EPILOG)
@click.argument("source", type=click.Choice(["terraform"]))
@click.argument("file", metavar="FILE")
@click.argument("folder", metavar="DIR")
@option("--owner", metavar="NAME", required=True, help="The owner in the new Tenant manifests.")
@logging_options
@click.pass_context
def command(
    ctx: click.Context, /, source: str, file: str, folder: str, owner: str, **_: object
) -> None:
    """Write manifests for the webhooks that Terraform manages, into the new files of DIR.

    FILE is what `terraform show -json` prints, - for standard input. Known are
    github_repository_webhook, github_organization_webhook, gitlab_project_hook and
    gitlab_group_hook. Values of secrets are not read: manifests reference variables.
    """
    from reconciler.cli.actions.import_ import import_terraform  # noqa: PLC0415  `--help` needs none of it

    del source  # there is one
    console_of(ctx).data(import_terraform(file, folder, owner))
