"""`reconciler operator`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.agent import AgentPlaceOptions, agent_place_options
from reconciler.cli.options.connection import ca_file_option, network_options, time_options
from reconciler.cli.options.operator import (
    ClusterOptions,
    OperatorLoopOptions,
    cluster_options,
    operator_loop_options,
)
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options
from reconciler.cli.terminal.console import console_of
from reconciler.connection import Connection

EPILOG = """\b
Examples:
  reconciler operator                       in a pod, with its service account
  reconciler operator --shards 4            several replicas share the Tenants
  reconciler operator --kubeconfig ~/.kube/config --lease-namespace reconciler --mode report
  reconciler operator release --kubeconfig ~/.kube/config

Needs the extra kubernetes. /healthz, /readyz, /metrics and /status are served beside a page.
SIGTERM finishes the requests under way and exits 0.
"""


RELEASE_EPILOG = """\b
Examples:
  kubectl scale deployment reconciler-operator -n reconciler-system --replicas 0
  reconciler operator release --kubeconfig ~/.kube/config
"""


class OperatorOptions(NamedTuple):
    """The options of `operator`."""

    cluster: ClusterOptions = ClusterOptions()
    loop: OperatorLoopOptions = OperatorLoopOptions()
    place: AgentPlaceOptions = AgentPlaceOptions()
    connection: Connection = Connection()


class ReleaseOptions(NamedTuple):
    """The options of `operator release`."""

    cluster: ClusterOptions = ClusterOptions()


@click.group("operator", epilog=EPILOG, invoke_without_command=True)
@cluster_options
@operator_loop_options
@agent_place_options
@ca_file_option
@network_options
@time_options
@logging_options
@pass_options(OperatorOptions)
def command(ctx: click.Context, options: OperatorOptions) -> int | None:
    """Reconcile the objects of a Kubernetes cluster continuously."""
    if ctx.invoked_subcommand is not None:
        return None
    if (options.place.tls_cert is None) is not (options.place.tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together", ctx)
    from reconciler.cli.actions import operator  # noqa: PLC0415  `--help` needs none of it

    return operator.run_operator(console_of(ctx), options)


@command.command("release", epilog=RELEASE_EPILOG)
@cluster_options
@logging_options
@pass_options(ReleaseOptions)
def release(ctx: click.Context, options: ReleaseOptions) -> int:
    """Remove the operator's finalizers, before an uninstall. Deletes nothing at a tenant."""
    from reconciler.cli.actions import operator  # noqa: PLC0415  `--help` needs none of it

    return operator.run_release(console_of(ctx), options.cluster)
