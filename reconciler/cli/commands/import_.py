"""`reconciler import`: a group with one command for each source."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.option import option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options
from reconciler.cli.options.paths import paths_argument
from reconciler.cli.terminal.console import console_of

EPILOG = """\b
Examples:
  reconciler import terraform state.json webhooks/ --owner platform
  reconciler import kubernetes webhooks/ --namespace payments --out cluster/
"""


@click.group("import", epilog=EPILOG)
@logging_options
def command() -> None:
    """Write manifests for what another tool manages, or objects for a Kubernetes cluster."""


FROM_TERRAFORM = """\b
Examples:
  terraform show -json > state.json
  reconciler import terraform state.json webhooks/ --owner platform
  reconciler adopt --all --manifests webhooks/ --tenant github-acme-api
  terraform plan   # with removed.tf beside the configuration: nothing is destroyed
"""


@command.command("terraform", epilog=FROM_TERRAFORM)
@click.argument("file", metavar="FILE")
@click.argument("folder", metavar="DIR")
@option("--owner", metavar="NAME", required=True, help="The owner in the new Tenant manifests.")
@logging_options
@click.pass_context
def terraform(ctx: click.Context, /, file: str, folder: str, owner: str, **_: object) -> None:
    """Write manifests for the webhooks that Terraform manages, into the new files of DIR.

    FILE is what `terraform show -json` prints, - for standard input. Known are
    github_repository_webhook, github_organization_webhook, gitlab_project_hook and
    gitlab_group_hook. Values of secrets are not read: manifests reference variables.
    """
    from reconciler.cli.actions.import_ import import_terraform  # noqa: PLC0415  `--help` needs none of it

    console_of(ctx).data(import_terraform(file, folder, owner))


class KubernetesOptions(NamedTuple):
    """The options of `import kubernetes`."""

    paths: tuple[str, ...] = ()
    namespace: str | None = None
    out: str | None = None
    reverse: bool = False


FOR_KUBERNETES = """\b
Examples:
  reconciler import kubernetes webhooks/ --namespace payments --out cluster/
  kubectl apply --kustomize cluster/
  reconciler import kubernetes webhooks/ | kubectl apply --filename -
  kubectl get webhooks,eventsubscriptions,tenants,policies -n payments -o yaml \\
    | reconciler import kubernetes - --reverse --out webhooks/
"""


@command.command("kubernetes", epilog=FOR_KUBERNETES)
@paths_argument
@option("--namespace", metavar="NS", help="The namespace of the objects.")
@option("--out", metavar="DIR", help="Write new files there, instead of standard output.")
@option("--reverse", is_flag=True, help="Write manifests for the objects of a cluster.")
@logging_options
@pass_options(KubernetesOptions)
def kubernetes(ctx: click.Context, options: KubernetesOptions) -> None:
    """Write manifests as objects for the operator in a Kubernetes cluster, or with --reverse back.

    References to secrets become fromSecret; the Secrets to create are printed with the reference
    that each value comes from. No value is read. With --reverse references become fromEnv, and what
    the cluster wrote into the objects is dropped.
    """
    from reconciler.cli.actions.import_kubernetes import import_kubernetes  # noqa: PLC0415  `--help` needs none of it

    import_kubernetes(console_of(ctx), options)
