"""A progress bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from reconciler.cli.console import Console, is_terminal


@contextmanager
def progress(console: Console, total: int, label: str) -> Iterator[Callable[[Any], None]]:
    """A function to call once for each thing done; the bar goes to standard error."""
    if console.quiet or total < 1 or not is_terminal(sys.stderr):
        yield lambda _done: None
        return
    with click.progressbar(length=total, label=label, file=sys.stderr, color=False if console.no_color else None) as bar:
        yield lambda _done: bar.update(1)
