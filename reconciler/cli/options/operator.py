"""How the operator finds its cluster, what of it it serves, and how replicas share the work."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import click

from reconciler.cli.options.agent import trace_option
from reconciler.cli.options.option import Decorator, Number, option, together


class ClusterOptions(NamedTuple):
    """The API server and the namespaces."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: tuple[str, ...] = ()


class OperatorLoopOptions(NamedTuple):
    """How the operator runs; times in seconds."""

    mode: Literal["report", "apply"] = "apply"
    shards: int = 1
    lease_namespace: str | None = None
    identity: str | None = None
    lease_duration: float = 15.0
    settle: float = 2.0
    resync: float = 600.0
    workers: int = 10
    grace: float = 30.0
    trace: bool = False


cluster_options: Decorator[Any] = together(
    option(
        "--kubeconfig",
        metavar="FILE",
        help="How to reach the API server.  [default: the service account of the pod]",
    ),
    option("--context", metavar="NAME", help="The context of the kubeconfig."),
    option(
        "--namespace",
        multiple=True,
        metavar="NAME",
        help="Serve the objects of this namespace only; repeatable.  [default: all]",
    ),
)

operator_loop_options: Decorator[Any] = together(
    option(
        "--mode",
        type=click.Choice(["report", "apply"]),
        default="apply",
        show_default=True,
        help="For Tenants without spec.mode: report plans only, apply writes too.",
    ),
    option(
        "--shards",
        type=click.IntRange(1, 100),
        default=1,
        show_default=True,
        metavar="N",
        help="Shards of Tenants that replicas share, each under a Lease.",
    ),
    option(
        "--lease-namespace",
        metavar="NAME",
        help="The operator's own namespace: Leases, and Secrets of ClusterTenants.  [default: the "
        "pod's]",
    ),
    option(
        "--identity",
        metavar="NAME",
        help="The name of this replica, which no other has.  [default: the pod's]",
    ),
    option(
        "--lease-duration",
        type=Number(min=3),
        default=15.0,
        metavar="S",
        help="Seconds after which a lost replica's shards are taken over.  [default: 15]",
    ),
    option(
        "--settle",
        type=Number(min=0),
        default=2.0,
        metavar="S",
        help="Seconds in which changes are taken together.  [default: 2]",
    ),
    option(
        "--resync",
        type=Number(min=10),
        default=600.0,
        metavar="S",
        help="Seconds between two listings of all objects.  [default: 600]",
    ),
    option(
        "--workers",
        type=click.IntRange(1, 100),
        default=10,
        show_default=True,
        metavar="N",
        help="Tenants at once.",
    ),
    option(
        "--grace",
        type=Number(min=0),
        default=30.0,
        metavar="S",
        help="Seconds that requests under way may take after SIGTERM.  [default: 30]",
    ),
    trace_option,
)
