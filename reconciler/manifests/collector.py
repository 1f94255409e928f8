"""Loading without Python's garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector(*, is_once: bool) -> Iterator[None]:
    """Switches the garbage collector off: loading keeps all that it makes, so a collection finds
    nothing and costs time. A process that loads again and again, as those that read snapshots,
    leaves the rest to the collector: else it would not look at what runs left behind.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # all values become old, so that the first collection of young values skips them
        if is_once:
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()
