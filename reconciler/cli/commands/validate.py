"""`reconciler validate`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options import (
    all_tenants_option,
    logging_options,
    option,
    output_option,
    paths_argument,
    policies_at_option,
    policies_option,
    secret_options,
)
from reconciler.cli.run.certificates import ca_file_option
from reconciler.cli.terminal.console import console_of
from reconciler.render.forms import forms_of

EPILOG = """\b
Examples:
  reconciler validate webhooks/
  reconciler validate webhooks/ --strict -o json
  reconciler validate webhooks/ -o sarif > problems.sarif
  reconciler validate webhooks/ -o github
  reconciler validate webhooks/ --policies-at origin/main
  kustomize build . | reconciler validate -
"""


@click.command("validate", epilog=EPILOG)
@paths_argument
@option("--strict", is_flag=True, help="Warnings are errors.")
@all_tenants_option
@option("--secrets", is_flag=True, help="Also resolve every secret reference.")
@policies_option
@policies_at_option
@secret_options
@ca_file_option
@output_option(*forms_of("problems"))
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> None:
    """Check manifests against JSON Schema and the rules across files. Needs no network and no
    secrets.
    """
    from reconciler.cli.run.source import Options, read  # noqa: PLC0415  `--help` reads no manifests

    console = console_of(ctx)
    options = Options({**values, "any_tenant": True, "each_tenant": True, "judge": "judge"})
    manifests = read(options, "require" if values["secrets"] else "ignore")
    if options.all_tenants and not manifests.tenants:
        raise click.UsageError("--all-tenants: there is no Tenant manifest among the paths", ctx)
    if values["secrets"]:
        from reconciler.workflow import require_secrets  # noqa: PLC0415  it brings asyncio, which nothing else here needs

        require_secrets(manifests, None, tenants=True)
    from reconciler.cli.terminal.problems import rendered  # noqa: PLC0415  `--help` renders nothing

    found = (manifests.problems, manifests.documents, manifests.skipped)
    console.data(rendered(console.output, *found, color=console.color))
