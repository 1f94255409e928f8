"""`reconciler schema`."""

from __future__ import annotations

from typing import Final

import click

from reconciler.cli.options.output import logging_options
from reconciler.cli.terminal.console import console_of

KINDS: Final = (
    "manifest",
    "webhook",
    "event-subscription",
    "tenant",
    "cluster-tenant",
    "policy",
    "planned-webhook",
    "problems",
    "plan",
    "saved-plan",
    "report",
    "drift",
    "runs",
    "test",
    "export",
    "events",
    "doctor",
    "providers",
    "agent-status",
    "error",
)

CRDS: Final = "crds"

EPILOG = """\b
Examples:
  reconciler schema > manifest.schema.json
  reconciler schema plan
  reconciler schema crds | kubectl apply --server-side -f -
"""


@click.command("schema", epilog=EPILOG)
@click.argument("kind", type=click.Choice((*KINDS, CRDS)), default="manifest")
@logging_options
@click.pass_context
def command(ctx: click.Context, kind: str) -> None:
    """Print a JSON Schema (Draft 2020-12) of a manifest kind or of an output; for editors,
    `manifest`; for a Kubernetes cluster `crds`, its CustomResourceDefinitions as YAML.
    """
    if kind == CRDS:
        from reconciler.crds.definitions import print_definitions  # noqa: PLC0415  the other schemas need no YAML
        from reconciler.manifests.schema_texts import load_schema  # noqa: PLC0415  `--help` needs no schema

        console_of(ctx).data(print_definitions(load_schema))
        return
    from reconciler.manifests.schema_texts import read_schema_text  # noqa: PLC0415  `--help` needs no schema

    console_of(ctx).data(read_schema_text(kind))
