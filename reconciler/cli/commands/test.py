"""`reconciler test`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.connection import ca_file_option, network_options, time_options
from reconciler.cli.options.manifests import ManifestOptions, secret_options
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.paths import paths_argument
from reconciler.cli.options.selection import narrow_options
from reconciler.cli.options.tenant import all_tenants_option, tenant_options
from reconciler.cli.options.testing import EndpointOptions, endpoint_options
from reconciler.cli.terminal.console import console_of
from reconciler.rendering.forms import list_forms

EPILOG = """\b
Examples:
  reconciler test webhooks/
  reconciler test webhooks/ --via probe --allow-network 127.0.0.0/8
  reconciler test webhooks/ -o junit > endpoints.xml
  reconciler test webhooks/ --only payments-oncall --all-events --check-auth
  reconciler test . --all-tenants
"""


class TestOptions(NamedTuple):
    """The options of `test`."""

    manifests: ManifestOptions = ManifestOptions()
    endpoints: EndpointOptions = EndpointOptions()
    all_tenants: bool = False


@click.command("test", epilog=EPILOG)
@paths_argument
@endpoint_options
@all_tenants_option
@tenant_options
@ca_file_option
@narrow_options
@time_options
@network_options
@secret_options
@output_option(*list_forms("test"))
@logging_options
@pass_options(TestOptions)
def command(ctx: click.Context, options: TestOptions) -> int:
    """Validate the endpoints with a test delivery each, with the declared values."""
    if options.all_tenants:
        from reconciler.cli.tenants.endpoints import test_all  # noqa: PLC0415  `--help` needs none of it

        return test_all(ctx, console_of(ctx), options.manifests, options.endpoints)
    from reconciler.cli.actions import endpoints  # noqa: PLC0415  `--help` needs none of it

    return endpoints.test_tenant(console_of(ctx), options.manifests, options.endpoints)
