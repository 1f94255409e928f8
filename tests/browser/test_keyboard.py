"""The page by keyboard alone, from the list on: every step with Tab, Enter, Space and arrows, and
the focus where one goes on.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.conftest import EVENT, LIST, Opened, Served

FAR = 60  # presses of Tab that reach everything on a page


def tab_to(page: Page, target: Locator) -> None:
    """Presses Tab until the element has the focus; an element that cannot be reached so fails the
    test.
    """
    target.wait_for()
    for _ in range(FAR):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"the keyboard does not reach {target}")


def test_by_keyboard_alone_a_webhook_is_edited(open_page: Opened, served: Served) -> None:
    served.make("Keys", events=[EVENT])
    page = open_page(LIST)
    tab_to(page, page.get_by_role("link", name="Edit Keys"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Name", exact=True))
    page.keyboard.press("Control+A")
    page.keyboard.type("Renamed")
    tab_to(page, page.get_by_label("Description"))
    page.keyboard.type("one")
    page.keyboard.press("Enter")  # a line of its own, and no saving
    page.keyboard.type("two")
    tab_to(page, page.get_by_role("radio", name="None"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    tab_to(
        page, page.get_by_label("Token", exact=True)
    )  # the fields of what was chosen, and no others
    page.keyboard.type("sesame-4711")
    tab_to(page, page.get_by_role("button", name=f"Remove {EVENT['type']}"))
    page.keyboard.press("Enter")
    page.locator("#events:focus").wait_for()
    tab_to(page, page.get_by_label("Protected"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Save changes"))
    page.keyboard.press("Enter")
    page.locator("#said:focus").get_by_text("The changes were saved.").wait_for()
    after = served.named("Renamed")
    assert (after["description"], after["auth"]["type"], after["events"]) == (
        "one\ntwo",
        "bearer",
        [],
    )
    assert after["protected"] is True


def test_by_keyboard_alone_a_webhook_is_disabled_and_deleted(
    open_page: Opened, served: Served
) -> None:
    made = served.make("Keys")
    page = open_page(LIST)
    tab_to(page, page.get_by_role("button", name="Disable Keys"))
    page.keyboard.press("Space")
    page.locator(f"#webhook-{made['id']}:focus").wait_for()  # where one was in the list
    assert served.named("Keys")["enabled"] is False
    tab_to(page, page.get_by_role("link", name="Delete Keys"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Yes, proceed"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Cancel
    tab_to(page, page.get_by_role("link", name="Delete Keys"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Yes, proceed"))
    page.keyboard.press("Enter")
    page.locator("#said:focus").get_by_text("The webhook was deleted.").wait_for()
    assert served.process.webhooks() == []


def test_the_first_press_of_tab_offers_to_skip_to_the_content(open_page: Opened) -> None:
    page = open_page(LIST)
    page.keyboard.press("Tab")
    page.get_by_role("link", name="Skip to content").press("Enter")
    page.locator("main:focus").wait_for()
    assert page.evaluate("document.activeElement === document.querySelector('main')")
