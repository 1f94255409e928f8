"""Without Chromium tests/browser fails in CI; elsewhere it is left out, and one line says what to
install.

It stands here since the process of pytest-xdist that writes the line reads no conftest.py further
down.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.chromium import CHROMIUM, INSTALL

settings.register_profile(
    "untimed", deadline=None
)  # how long an example takes says more of the machine than of us
settings.load_profile("untimed")

BROWSER = Path(__file__).with_name("browser")

UNTRACED = (
    *("browser", "ci", "e2e", "examples"),
    *("core/test_properties.py", "core/test_export_adopt.py", "core/test_saved.py"),
    *("manifests/test_schemas.py", "manifests/test_schemas_and_reader.py"),
    *("render/test_ci_forms.py", "render/test_text_and_markdown.py", "tenant/test_patterns.py"),
    *("tenant/test_schemathesis.py", "tenant/test_engine_isolation.py", "sources/test_rights.py"),
    *("test_architecture.py", "test_docs_site.py", "cli/test_terminal.py"),
)
"""What is not traced for coverage, nor are tests marked `long`: tracing doubles the time of
whatever it sees, and what these run as whole programs, or a thousand times over, is traced where
the others test it.
"""

TRACED = os.environ.get("COVERAGE_PROCESS_CONFIG")
"""What coverage hands on to processes, None without coverage."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    left_out = CHROMIUM is None and not os.environ.get("CI") and BROWSER in collection_path.parents
    return True if left_out else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those marked `long` come first, so that no worker is left with one when the others have
    ended; some are not traced.
    """
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    untraced = [Path(__file__).parent / part for part in UNTRACED]
    for item in items:
        if item.get_closest_marker("long") is not None or any(
            map(item.path.is_relative_to, untraced)
        ):
            item.add_marker("no_cover")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The processes that a test starts, its fixtures' included, are traced if the test is."""
    if TRACED is None or item.get_closest_marker("no_cover") is not None:
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    else:
        os.environ["COVERAGE_PROCESS_CONFIG"] = TRACED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if CHROMIUM is None:
        terminalreporter.write_line(INSTALL)
