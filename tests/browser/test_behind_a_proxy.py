"""The page in a real browser behind a proxy that ends TLS: cookie, Origin and forms are those of
the public address.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import LIST
from tests.support.tls_proxy import TlsProxy, behind


@pytest.mark.parametrize("keeps_host", [True, False])
def test_behind_a_proxy_somebody_signs_in_and_creates_a_webhook(
    chromium: Browser, tmp_path: Path, keeps_host: bool
) -> None:
    with (
        TlsProxy(keeps_host=keeps_host) as proxy,
        behind(tmp_path, proxy, "--public-url", proxy.origin) as served,
    ):
        context = chromium.new_context(ignore_https_errors=True)  # its authority is the proxy's own
        page = context.new_page()
        page.goto(proxy.origin + served.link())
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Webhooks", level=1).wait_for()
        assert page.url == proxy.origin + LIST
        [cookie] = context.cookies()
        assert (cookie["name"], cookie["secure"], cookie["httpOnly"]) == (
            "__Host-reconciler_session",
            True,
            True,
        )
        page.get_by_role("link", name="Create new").click()
        page.get_by_label("Name", exact=True).fill("Behind")
        page.get_by_label("Endpoint URL").fill("https://hooks.example.com/")
        page.get_by_role("button", name="Next: Select events").click()
        page.get_by_role("button", name="Add Webhook").click()
        page.get_by_text("The webhook was added.").wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="You are signed out").wait_for()
        assert context.cookies() == []
        context.close()
