"""The system's Chromium, which tests/browser drives, and the thread in which that happens."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

from tests.support.tls_proxy import NAME

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
INSTALL = "tests/browser needs Chromium: apt-get install -y --no-install-recommends chromium"
# Chromium's own sandbox does not work for root; the rest keeps it from speaking to anybody but the
# tenant.
ARGUMENTS = (
    *(
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    ),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1",  # where tests/support/tls_proxy.py is
)

# Playwright leaves an event loop running in the thread that starts it. In a thread of its own it
# does not make `asyncio.run()` of other tests in the same process fail. Nothing is started before
# the first call.
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="browser")


def in_browser_thread(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, run in the one thread in which Playwright lives."""

    @wraps(work)
    def run(*args: Any, **kwargs: Any) -> Any:
        return _THREAD.submit(work, *args, **kwargs).result()

    return run
