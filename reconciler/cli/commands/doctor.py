"""`reconciler doctor`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.connection import ca_file_option
from reconciler.cli.options.manifests import ManifestOptions, secret_options
from reconciler.cli.options.option import Number, option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.paths import paths_argument
from reconciler.cli.options.tenant import tenant_options
from reconciler.cli.terminal.console import console_of

EPILOG = """\b
Examples:
  reconciler doctor
  reconciler doctor webhooks/ --tenant production
  reconciler doctor --tenant-url https://acme.example.com/public-api/v1 \\
    --tenant-token-file token.txt -o json
"""


class DoctorOptions(NamedTuple):
    """The options of `doctor`."""

    manifests: ManifestOptions = ManifestOptions()


@click.command("doctor", epilog=EPILOG)
@paths_argument
@tenant_options
@ca_file_option
@option(
    "--timeout",
    type=Number(min=0.001),
    default=10.0,
    metavar="S",
    help="Seconds a request may take.  [default: 10]",
)
@secret_options
@output_option("text", "json")
@logging_options
@pass_options(DoctorOptions)
def command(ctx: click.Context, options: DoctorOptions) -> int:
    """Look for what is wrong: versions, manifests, permissions of files, and of the tenant its
    token, scopes, TLS and clock.

    Writes nothing. Exit 1 when something is wrong.
    """
    from reconciler.cli.actions import doctor  # noqa: PLC0415  `--help` needs none of it

    manifests = options.manifests
    if ctx.get_parameter_source("paths") is click.core.ParameterSource.DEFAULT:
        manifests = doctor.accept_nothing(manifests)
    return doctor.examine(console_of(ctx), manifests)
