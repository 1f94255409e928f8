"""Without Chromium tests/browser fails in CI; elsewhere it is left out, and one line says what to install.

It stands here since the process of pytest-xdist that writes the line reads no conftest.py further down.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.chromium import CHROMIUM, INSTALL

settings.register_profile("untimed", deadline=None)  # how long an example takes says more of the machine than of us
settings.load_profile("untimed")

BROWSER = Path(__file__).with_name("browser")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    left_out = CHROMIUM is None and not os.environ.get("CI") and BROWSER in collection_path.parents
    return True if left_out else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those marked `long` come first, so that no worker is left with one when the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if CHROMIUM is None:
        terminalreporter.write_line(INSTALL)
