"""`reconciler validate`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.connection import ca_file_option
from reconciler.cli.options.manifests import (
    ManifestOptions,
    policies_at_option,
    policies_option,
    secret_options,
)
from reconciler.cli.options.option import option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.paths import paths_argument
from reconciler.cli.options.tenant import all_tenants_option
from reconciler.cli.terminal.console import console_of
from reconciler.rendering.forms import list_forms

EPILOG = """\b
Examples:
  reconciler validate webhooks/
  reconciler validate webhooks/ --strict -o json
  reconciler validate webhooks/ -o sarif > problems.sarif
  reconciler validate webhooks/ -o github
  reconciler validate webhooks/ --policies-at origin/main
  kustomize build . | reconciler validate -
"""


class ValidateOptions(NamedTuple):
    """The options of `validate`."""

    manifests: ManifestOptions = ManifestOptions()
    secrets: bool = False
    all_tenants: bool = False


@click.command("validate", epilog=EPILOG)
@paths_argument
@option("--strict", is_flag=True, help="Warnings are errors.")
@all_tenants_option
@option("--secrets", is_flag=True, help="Also resolve every secret reference.")
@policies_option
@policies_at_option
@secret_options
@ca_file_option
@output_option(*list_forms("problems"))
@logging_options
@pass_options(ValidateOptions)
def command(ctx: click.Context, options: ValidateOptions) -> None:
    """Check manifests against JSON Schema and the rules across files. Needs no network and no
    secrets.
    """
    from reconciler.cli.actions import validate  # noqa: PLC0415  `--help` needs none of it

    manifests = validate.read(options.manifests, secrets=options.secrets)
    if options.all_tenants and not manifests.tenants:
        raise click.UsageError("--all-tenants: there is no Tenant manifest among the paths", ctx)
    if options.secrets:
        validate.require_secrets(manifests)
    validate.show_problems(console_of(ctx), manifests)
