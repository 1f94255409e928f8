"""`python -m reconciler`, and what the installed command calls."""

from __future__ import annotations

import gc
import sys
from typing import Final

# objects between two collections: a short command makes no garbage that is worth a walk over its
# modules
YOUNG: Final = 50_000


def run() -> None:
    """Runs the command line and ends the process with its exit code."""
    gc.set_threshold(YOUNG)
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # its own command line; it costs 40 ms where rich is installed
    from reconciler.cli.main import main  # noqa: PLC0415  importing the package must not import click

    code = main(sys.argv[1:])
    # what is still there ends with the process; the interpreter would walk through all of it twice
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    run()
