"""How endpoints are tested."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import click

from reconciler.cli.options.option import Decorator, Number, option, together
from reconciler.cli.options.writing import parallelism_option


class EndpointOptions(NamedTuple):
    """Who sends what to each endpoint; `max_latency` is in milliseconds."""

    via: Literal["tenant", "probe", "both"] = "tenant"
    all_events: bool = False
    check_auth: bool = False
    max_latency: float | None = None
    parallelism: int = 10

    @property
    def by_tenant(self) -> bool:
        """Whether the tenant sends."""
        return self.via != "probe"

    @property
    def by_probe(self) -> bool:
        """Whether this machine sends."""
        return self.via != "tenant"


endpoint_options: Decorator[Any] = together(
    option(
        "--via",
        type=click.Choice(["tenant", "probe", "both"]),
        default="tenant",
        show_default=True,
        help="Who sends.",
    ),
    option(
        "--all-events",
        is_flag=True,
        help="One delivery for each subscription; default the first.",
    ),
    option(
        "--check-auth",
        is_flag=True,
        help="Also a wrong credential, which must be refused with 401 or 403.",
    ),
    option("--max-latency", type=Number(min=0), metavar="MS", help="Slower deliveries fail."),
    parallelism_option("Webhooks"),
)
