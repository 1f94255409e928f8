"""A progress bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import click

from reconciler.cli.terminal.console import Console, can_draw

PATIENCE: Final = 0.5  # seconds of work that need no bar
WIDE: Final = 72  # columns that the widest bar with its label and times fits in
WIDTH: Final = 36  # columns of the bar itself
PACE: Final = 0.1  # seconds between two moves of a bar without a known end


@contextmanager
def progress(console: Console, total: int | None, label: str) -> Iterator[Callable[[Any], None]]:
    """A function to call once for each of `total` things done, None where that is not known; the
    bar goes to standard error.
    """
    if console.quiet or console.log_format == "json" or total == 0 or not can_draw(sys.stderr):
        yield lambda _done: None
        return
    endless: Iterator[None] = (None for _ in ())  # click takes a length from what has one
    color = False if console.no_color else None
    wide = shutil.get_terminal_size().columns >= WIDE
    width = (
        WIDTH if wide else 0
    )  # 0: what is left of the line; a bar that wraps would leave a line behind at each step
    with click.progressbar(
        endless, length=total, label=label, file=sys.stderr, color=color, width=width, show_eta=wide
    ) as bar:
        yield lambda _done: bar.update(1)


@asynccontextmanager
async def waiting(console: Console, label: str) -> AsyncIterator[None]:
    """A bar that moves while something of unknown length goes on, once that has taken a while."""

    async def move() -> None:
        await asyncio.sleep(PATIENCE)
        with progress(console, None, label) as tick:
            while True:
                tick(None)
                await asyncio.sleep(PACE)

    task = asyncio.ensure_future(move())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
