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
async def waiting(
    console: Console, label: str, count: Callable[[], tuple[int, int]] | None = None
) -> AsyncIterator[None]:
    """A bar that moves while something goes on, once that has taken a while. `count` says how much
    of how many is done; without it the length is not known.
    """

    async def move() -> None:
        await asyncio.sleep(PATIENCE)
        total, done = (count()[1] or None) if count is not None else None, 0
        with progress(console, total, label) as tick:
            while True:
                now = done + 1 if count is None or total is None else count()[0]
                for _ in range(now - done):
                    tick(None)
                done = now
                await asyncio.sleep(PACE)

    task = asyncio.ensure_future(move())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
