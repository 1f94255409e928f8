"""Without Chromium tests/browser fails in CI; elsewhere it is left out, and one line says what to install.

It stands here since the process of pytest-xdist that writes the line reads no conftest.py further down.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.chromium import CHROMIUM, INSTALL

BROWSER = Path(__file__).with_name("browser")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    left_out = CHROMIUM is None and not os.environ.get("CI") and BROWSER in collection_path.parents
    return True if left_out else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if CHROMIUM is None:
        terminalreporter.write_line(INSTALL)
