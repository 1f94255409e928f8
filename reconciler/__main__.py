"""`python -m reconciler`, and what the installed command calls."""

from __future__ import annotations

import sys


def run() -> None:
    """Runs the command line and ends the process with its exit code."""
    from reconciler.cli.main import main  # noqa: PLC0415  importing the package must not import click

    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
