"""Which of the declared webhooks a command is for."""

from __future__ import annotations

from typing import Any, NamedTuple

import click

from reconciler.cli.options.option import Decorator, option, together


class NarrowOptions(NamedTuple):
    """Names and labels of webhooks; empty: every webhook."""

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    select: tuple[tuple[str, str], ...] = ()

    @property
    def is_narrowed(self) -> bool:
        """Whether some webhooks may be left out."""
        return bool(self.only or self.exclude or self.select)


def _pairs(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values:
        key, sign, text = value.partition("=")
        if not key or not sign:
            raise click.BadParameter("wants KEY=VALUE, a label of the manifests")
        pairs.append((key, text))
    return tuple(pairs)


narrow_options: Decorator[Any] = together(
    option(
        "--only",
        multiple=True,
        metavar="NAME",
        help="Only this metadata.name; repeatable. Nothing is deleted then.",
    ),
    option(
        "--select",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_pairs,
        help="Only webhooks with this label; repeatable. Nothing is deleted then.",
    ),
)

exclude_option: Decorator[Any] = option(
    "--exclude",
    multiple=True,
    metavar="NAME",
    help="All but this metadata.name; repeatable. Nothing is deleted.",
)
