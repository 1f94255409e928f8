"""`--moved-from`: former addresses of this repository, for every command that plans."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options import Decorator, option


def _repositories(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    if not values:
        return ()
    from reconciler.core.model.remote import named  # noqa: PLC0415  only for who moved

    found = tuple(map(named, values))
    if None in found:  # which may hold a password, so it is not repeated
        raise click.BadParameter("is no repository: write host/path, or the url of a remote")
    return tuple(filter(None, found))


moved_from_option: Decorator[Any] = option(
    "--moved-from",
    multiple=True,
    metavar="REPO",
    callback=_repositories,
    help="A former address of this repository, host/path or url; repeatable. What it marked "
    "is ours.",
)
