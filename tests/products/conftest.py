"""Real products, each served once from an environment of its own, which `make test-products` makes;
GitHub's stand-in behind GitHub's own description.

Without that command this folder is left out of a run: its environments take minutes and gigabytes.
"""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENTS = Path(os.environ.get("RECONCILER_PRODUCTS", ""))
"""The folder with one environment per product; empty outside `make test-products`."""


def pytest_ignore_collect() -> bool | None:
    return None if os.environ.get("RECONCILER_PRODUCTS") else True
