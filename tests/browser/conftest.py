"""Real Chromium in front of a real `tenant serve`: one browser and one tenant a module, one signed-in context a test.

Not a session: Playwright's synchronous interface runs an event loop in this thread for as long as it lives, and the tests of
another module that come next in the same process run loops of their own.

What is done without Chromium: `tests/conftest.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.chromium import ARGUMENTS, CHROMIUM, INSTALL, in_browser_thread
from tests.support.processes import Tenant, run
from tests.support.receiver import Receiver

WIDTHS = (1280, 768, 375)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """A browser test runs where its browser lives; fixtures that speak to the browser do the same by `in_browser_thread`."""
    pyfuncitem.obj = in_browser_thread(pyfuncitem.obj)


@dataclass
class Served:
    """The tenant as a browser and an API client see it; `origin` such as http://127.0.0.1:8080."""

    process: Tenant

    @property
    def origin(self) -> str:
        return self.process.url.removesuffix("/public-api/v1")

    def make(self, name: str, **fields: Any) -> dict[str, Any]:
        """A webhook, made by the API."""
        status, made = self.process.call("POST", "/webhooks", {"name": name, "url": "https://hooks.example.com/a", **fields})
        assert status == 201, made
        return made

    def named(self, name: str) -> dict[str, Any]:
        return self.process.by_name()[name]

    def link(self) -> str:
        """A new sign-in link, as `tenant login` prints it."""
        made = run("tenant", "login", "--db", "tenant.db", cwd=self.process.folder)
        assert made.code == 0, made.err
        return next(word for word in made.out.split() if "/sign-in" in word)

    def empty(self) -> None:
        for item in self.process.webhooks():
            if item["protected"]:
                self.process.edit(item["name"], protected=False)
            self.process.remove(item["name"])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail(INSTALL)
    playwright = in_browser_thread(sync_playwright().start)()
    yield in_browser_thread(playwright.chromium.launch)(executable_path=CHROMIUM, args=list(ARGUMENTS))
    in_browser_thread(playwright.stop)()  # which ends the browser too


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Tenant(tmp_path_factory.mktemp("tenant"), "--allow-network", "127.0.0.0/8") as made:
        yield Served(made)


@pytest.fixture
def served(process: Served) -> Served:
    """The tenant without any webhooks."""
    process.empty()
    return process


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, process: Served) -> Any:
    """The cookies of somebody who opened the link and pressed the button."""

    def enter() -> Any:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(process.link())
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Webhooks", level=1).wait_for()
        state = context.storage_state()
        context.close()
        return state

    return in_browser_thread(enter)()


Opened = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, served: Served, signed_in: Any) -> Iterator[Opened]:
    """`open_page("/settings/webhooks", width=375, dark=True, scripts=False)`: a page of its own context, signed in.

    At the end no page may have had an error in its console, which is where a Content-Security-Policy complains.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(path: str, *, width: int = 1280, dark: bool = False, scripts: bool = True, state: Any = None) -> Page:
        context = chromium.new_context(
            base_url=served.origin,
            storage_state=state or signed_in,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if _bad(message) else None)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        in_browser_thread(context.close)()
    assert wrong == []


def _bad(message: Any) -> bool:
    """An error other than the status of a page that refuses: Chromium reports those too."""
    return message.type == "error" and "Failed to load resource" not in message.text


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def violations(page: Page) -> list[str]:
    """What axe-core finds at fault: each rule with the elements."""
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {item['help']}: {[node['html'][:200] for node in item['nodes']]}" for item in found]


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
