"""What a plan may contain, and the options of every command that plans."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options.connection import ca_file_option, network_options, time_options
from reconciler.cli.options.manifests import policies_option, secret_options
from reconciler.cli.options.option import Decorator, option, together
from reconciler.cli.options.selection import exclude_option, narrow_options
from reconciler.cli.options.tenant import tenant_options

prune_option: Decorator[Any] = option(
    "--prune/--no-prune",
    default=None,
    help="Delete what is ours and no longer declared.  [default: prune]",
)

revision_option: Decorator[Any] = option(
    "--revision", metavar="TEXT", help="Stored with what is written; CI passes the commit."
)

policy_options: Decorator[Any] = together(
    prune_option,
    option("--adopt", is_flag=True, help="Take over declared webhooks that have no owner."),
    option(
        "--max-deletes",
        type=click.IntRange(0),
        metavar="N",
        help="Refuse more deletes than this.  [default: more than 1 and over 30 %]",
    ),
    option(
        "--max-updates",
        type=click.IntRange(0),
        metavar="N",
        help="Refuse more updates than this.  [default: over 30 %, from 10 up]",
    ),
    option("--accept-in-use", is_flag=True, help="Delete also what delivered in the last 24 h."),
    option("--resend-credentials", is_flag=True, help="Send credentials that cannot be compared."),
    exclude_option,
    revision_option,
)


def _repositories(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    if not values:
        return ()
    from reconciler.core.model.remote import parse_repository  # noqa: PLC0415  only for who moved

    repositories = tuple(map(parse_repository, values))
    if None in repositories:  # which may hold a password, so it is not repeated
        raise click.BadParameter("is no repository: write host/path, or the url of a remote")
    return tuple(filter(None, repositories))


moved_from_option: Decorator[Any] = option(
    "--moved-from",
    multiple=True,
    metavar="REPO",
    callback=_repositories,
    help="A former address of this repository, host/path or url; repeatable. What it marked "
    "is ours.",
)

plan_options: Decorator[Any] = together(
    tenant_options,
    ca_file_option,
    policies_option,
    policy_options,
    moved_from_option,
    narrow_options,
    time_options,
    network_options,
    secret_options,
)
