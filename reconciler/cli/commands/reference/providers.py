"""`reconciler providers`."""

from __future__ import annotations

import asyncio

import click

from reconciler.cli.options.option import option
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.terminal.console import Console, console_of

EPILOG = """\b
Examples:
  reconciler providers
  reconciler providers mlflow
  reconciler providers -o json
  reconciler providers check products/billing.yaml
  RECONCILER_TENANT_TOKEN=... reconciler providers check products/billing.yaml \\
    --url http://127.0.0.1:8080 --event invoice.paid --event invoice.sent
"""


@click.command("providers", epilog=EPILOG)
@click.argument("name", metavar="[NAME | check]", default="")
@click.argument("file", metavar="[FILE]", default="")
@option(
    "--url",
    metavar="URL",
    default=None,
    help="check: run against this product, which must be empty.",
)
@option("--target", metavar="NAME=VALUE", multiple=True, help="check: a part of spec.target.")
@option("--event", metavar="EVENT", multiple=True, help="check: an event of the product; give two.")
@output_option("text", "json")
@logging_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    name: str,
    file: str,
    url: str | None,
    target: tuple[str, ...],
    event: tuple[str, ...],
    **_: object,
) -> None:
    """List the providers that are installed, and what the webhooks of each can hold.

    A Tenant names one in `spec.provider`. A package adds one by an entry point in the group
    reconciler.providers; a product file adds one to the provider http.

    `check FILE` reads a product file and shows what it says. With --url it runs the conformance
    checks against that product: each creates and deletes webhooks, so the product must hold none.
    The token is taken from RECONCILER_TENANT_TOKEN.
    """
    console = console_of(ctx)
    if name != "check":
        _show(console, name, file)
    elif not file:
        raise click.UsageError("check needs the FILE of a product")
    else:
        _check(console, file, url, target, event)


def _show(console: Console, name: str, file: str) -> None:
    from reconciler.cli.actions.providers import list_providers  # noqa: PLC0415  `--help` imports no provider
    from reconciler.rendering.providers import providers_json, providers_text  # noqa: PLC0415  `--help` renders nothing

    if file:
        raise click.UsageError("only check takes a FILE")
    providers = list_providers(name)
    if console.output == "json":
        console.data(providers_json(providers))
    else:
        console.data(providers_text(providers, details=bool(name)))


def _check(
    console: Console, file: str, url: str | None, target: tuple[str, ...], events: tuple[str, ...]
) -> None:
    from reconciler.cli.actions.product_check import Against, check_against, read_product  # noqa: PLC0415  `--help` imports no provider
    from reconciler.rendering.providers import Listed, providers_json, providers_text  # noqa: PLC0415  as above

    product = read_product(file)
    listed = [Listed(product.capabilities, is_product_file=True)]
    if console.output == "json":
        console.data(providers_json(listed))
    else:
        console.data(providers_text(listed, details=True))
    if url is None:
        return

    async def run() -> list[str]:
        failed = []
        async for name, fault in check_against(product, Against(url, target, events)):
            console.say(f"failed  {name}: {fault}" if fault else f"ok      {name}")
            failed += [name] if fault else []
        return failed

    failed = asyncio.run(run())
    if failed:
        console.log("ERROR", f"{len(failed)} checks failed: {'; '.join(failed)}")
        raise click.exceptions.Exit(1)
