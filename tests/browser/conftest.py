"""Real Chromium in front of a real `tenant serve`: one browser and one tenant for all of this
folder, one context a test.

Not for the whole session: neither shall stay beside tests that measure time and memory.

What is done without Chromium: `tests/conftest.py`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.chromium import ARGUMENTS, CHROMIUM, INSTALL, in_browser_thread
from tests.support.processes import Tenant, run
from tests.support.receiver import Receiver

EVERY_WINDOW = tuple((width, scheme) for width in (1280, 768, 375) for scheme in ("light", "dark"))
# milliseconds for what a page does; a machine under load is slow, and waiting costs nothing
PATIENCE = 30_000
LIST = "/settings/webhooks"
EVENT = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}
MARK = {
    "owner": "payments",
    "key": "on-call",
    "sources": ["webhooks/payments.yaml"],
    "revision": "4fd1c2e",
    "repository": "forge.example/acme/webhooks",
}


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """A browser test runs where its browser lives; fixtures that speak to the browser do the same
    by `in_browser_thread`.
    """
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
        status, made = self.process.call(
            "POST", "/webhooks", {"name": name, "url": "https://hooks.example.com/a", **fields}
        )
        assert status == 201, made
        return made

    def named(self, name: str) -> dict[str, Any]:
        return self.process.by_name()[name]

    def link(self) -> str:
        """A new sign-in link, as `tenant login` prints it."""
        made = run("tenant", "login", "--db", "tenant.db", cwd=self.process.folder)
        assert made.code == 0, made.err
        return next(word for word in made.out.split() if "/sign-in" in word)

    def happen(self, *, deliveries: int = 1, **event: Any) -> None:
        """An event of EVENT's type, version and severity, or of others, which so many webhooks
        receive.
        """
        status, taken = self.process.call("POST", "/events", {**EVENT, "event": {}, **event})
        assert (status, taken["deliveries"]) == (202, deliveries)

    def ended(self, webhook: dict[str, Any], attempts: int = 1) -> None:
        """Waits until so many attempts at the webhook's deliveries have an outcome."""
        for _ in range(200):
            _, found = self.process.call("GET", f"/webhooks/{webhook['id']}/deliveries")
            if (
                sum(
                    one["verdict"] is not None
                    for item in found["items"]
                    for one in item["attempts"]
                )
                >= attempts
            ):
                return
            time.sleep(0.05)
        pytest.fail("no outcome within ten seconds")

    def outdate(self, table: str, key: str, value: object) -> None:
        """What ends by itself, of this key, has ended a second ago: hours that no test can wait
        for.
        """
        with (
            closing(sqlite3.connect(self.process.folder / "tenant.db", timeout=10)) as connection,
            connection,
        ):
            statement = f"UPDATE {table} SET expires_at = ? WHERE {key} = ?"  # noqa: S608  a test's own names
            assert connection.execute(statement, (time.time() - 1, value)).rowcount == 1

    def empty(self) -> None:
        for item in self.process.webhooks():
            if item["protected"]:
                self.process.edit(item["name"], protected=False)
                self.process.remove(item["name"])
                continue
            status, _ = self.process.call(
                "DELETE", f"/webhooks/{item['id']}", If_Match=f'"{item["revision"]}"'
            )
            assert status == 204


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail(INSTALL)
    playwright = in_browser_thread(sync_playwright().start)()
    yield in_browser_thread(playwright.chromium.launch)(
        executable_path=CHROMIUM, args=list(ARGUMENTS)
    )
    in_browser_thread(playwright.stop)()  # which ends the browser too


@pytest.fixture(scope="package")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Tenant(tmp_path_factory.mktemp("tenant"), "--allow-network", "127.0.0.0/8") as made:
        yield Served(made)


@pytest.fixture
def served(process: Served) -> Served:
    """The tenant without any webhooks."""
    process.empty()
    return process


def enter(chromium: Browser, served: Served) -> Any:
    """The cookies of somebody who opened a new link and pressed the button."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(served.link())
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Webhooks", level=1).wait_for()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="package")
def signed_in(chromium: Browser, process: Served) -> Any:
    """The cookies of a session that the tests share."""
    return in_browser_thread(enter)(chromium, process)


Opened = Callable[..., Page]


@contextmanager
def opening(chromium: Browser, origin: str, signed_in: Any = None) -> Iterator[Opened]:
    """A function that opens a page of this origin in a context of its own.

    At the end no page may have had an error in its console, which is where a
    Content-Security-Policy complains, run a script of what is stored, or asked anybody but the
    origin for something.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(path: str, *, scripts: bool = True, state: Any = None) -> Page:
        context = chromium.new_context(
            base_url=origin,
            storage_state=state or signed_in,
            viewport={"width": 1280, "height": 900},
            java_script_enabled=scripts,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if _bad(message) else None)
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(f"{origin}/") else wrong.append(asked.url),
        )
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        in_browser_thread(context.close)()
    assert wrong == []


@pytest.fixture
def open_page(chromium: Browser, served: Served, signed_in: Any) -> Iterator[Opened]:
    """`open_page("/settings/webhooks", scripts=False)`: a page of the tenant, signed in."""
    with opening(chromium, served.origin, signed_in) as opened:
        yield opened


def _bad(message: Any) -> bool:
    """An error other than the status of a page that refuses: Chromium reports those too."""
    return message.type == "error" and "Failed to load resource" not in message.text


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def faults(
    page: Page, windows: Iterable[tuple[int, str]] = ((1280, "light"), (375, "dark"))
) -> list[str]:
    """What is wrong with the page as it stands, in windows of these widths and colours: axe-core's,
    or wider than its window.
    """
    page.wait_for_load_state(
        "load"
    )  # a page whose style sheet is still on its way is measured without it
    found = []
    for width, scheme in windows:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its literals
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        wrong = [*_violations(page), *([f"{over} px too wide"] if over else [])]
        found += [f"{width} {scheme}: {fault}" for fault in wrong]
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


def _violations(page: Page) -> list[str]:
    """What axe-core finds at fault: each rule with the elements."""
    found = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {item['help']}: {[node['html'][:200] for node in item['nodes']]}"
        for item in found
    ]
