"""What the page shows and what may be done there besides editing: deliveries, events, manifests,
signing in and out.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import EVENT, EVERY_WINDOW, LIST, MARK, Opened, Served, faults
from tests.support.receiver import Receiver


@pytest.mark.parametrize("scripts", [True, False])
def test_choosing_the_period_of_the_graph_keeps_what_was_typed(
    open_page: Opened, served: Served, scripts: bool
) -> None:
    made = served.make("Typed")
    page = open_page(f"{LIST}/{made['id']}", scripts=scripts)
    page.get_by_label("Description").fill("not saved yet")
    page.get_by_role("button", name="Last 30 days").click()
    page.get_by_role("img", name="Successful and failed invocations, last 30 days").wait_for()
    assert page.get_by_label("Description").input_value() == "not saved yet"
    assert served.named("Typed")["description"] == ""
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("The changes were saved.").wait_for()
    assert served.named("Typed")["description"] == "not saved yet"


def test_what_waited_while_a_webhook_was_disabled_is_sent_when_it_is_enabled(
    open_page: Opened, served: Served, receiver: Receiver
) -> None:
    receiver.script("/later", 503)
    made = served.make("Held", url=receiver.url("/later"), events=[EVENT])
    served.happen()
    assert receiver.wait(1)
    page = open_page(LIST)
    page.get_by_role("button", name="Disable Held").click()
    page.get_by_text("The webhook is disabled.").wait_for()
    page.goto(f"{LIST}/{made['id']}/deliveries")
    page.get_by_text("Waiting until enabled").wait_for()
    page.get_by_text("nothing can be sent again until then").wait_for()
    receiver.script("/later", 200)
    before = len(receiver.requests)
    page.goto(LIST)
    page.get_by_role("button", name="Enable Held").click()
    page.get_by_text("The webhook is enabled.").wait_for()
    assert receiver.wait(before + 1, 45)


def test_a_delivery_that_is_tried_again_shows_its_attempts_and_the_next_one(
    open_page: Opened, served: Served, receiver: Receiver
) -> None:
    made = served.make("Tried", url=receiver.url("/status/503"), events=[EVENT])
    served.happen()
    served.ended(made)
    page = open_page(f"{LIST}/{made['id']}")
    page.get_by_text("next attempt").wait_for()
    page.locator("summary", has_text="last: ").click()
    assert "status 503" in page.locator(".attempts").inner_text()


@pytest.mark.parametrize(
    "button", ["Send again", "Send all failed ones of the last 24 hours again"]
)
def test_a_failed_delivery_is_sent_again_by_hand(
    open_page: Opened, served: Served, receiver: Receiver, button: str
) -> None:
    receiver.script("/gone", 410, 200)  # 410 ends it: nothing but the button sends it again
    made = served.make("Again", url=receiver.url("/gone"), events=[EVENT])
    served.happen()
    served.ended(made)
    page = open_page(f"{LIST}/{made['id']}/deliveries")
    page.get_by_text("Failed", exact=True).wait_for()
    page.get_by_role("button", name=button).click()
    page.locator("#said").wait_for()
    assert receiver.wait(2)
    served.ended(made, 2)
    page.goto(f"{LIST}/{made['id']}/deliveries")
    page.get_by_text("Delivered", exact=True).first.wait_for()


def test_sending_again_to_a_webhook_that_is_disabled_now_is_refused_on_the_page_itself(
    open_page: Opened, served: Served, receiver: Receiver
) -> None:
    made = served.make("Off", url=receiver.url("/status/410"), events=[EVENT])
    served.happen()
    served.ended(made)
    page = open_page(f"{LIST}/{made['id']}/deliveries")
    served.process.edit("Off", enabled=False)
    page.get_by_role("button", name="Send again").click()
    page.get_by_role("alert").get_by_text("The webhook is disabled").wait_for()
    assert faults(page) == []
    assert page.get_by_role("button", name="Send").count() == 0
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("clipboard", [True, False])
def test_the_manifest_is_copied_or_selected(
    open_page: Opened, served: Served, clipboard: bool
) -> None:
    made = served.make("In Git", managed_by=MARK)
    page = open_page(f"{LIST}/{made['id']}")
    assert page.get_by_role("link", name="Manifest of this webhook").count() == 1
    page.get_by_role("link", name="Manifest of this webhook").click()
    if clipboard:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    else:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.get_by_role("button", name="Copy").click()
    text = page.locator("#manifest").inner_text()
    said = "Copied" if clipboard else "Selected: copy it with your keyboard"
    page.get_by_role("status").get_by_text(said, exact=True).wait_for()
    taken = page.evaluate(
        "navigator.clipboard.readText()" if clipboard else "getSelection().toString()"
    )
    assert taken.strip() == text.strip()
    assert "kind: Webhook" in taken


def test_a_sign_in_link_opens_once_and_signing_out_ends_the_session(
    chromium: Browser, served: Served
) -> None:
    link = served.link()
    context = chromium.new_context(base_url=served.origin)
    page = context.new_page()
    page.goto(link)
    assert faults(page) == []
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Webhooks", level=1).wait_for()
    cookies = context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="You are signed out").wait_for()
    assert faults(page) == []
    context.add_cookies(
        [{"name": one["name"], "value": one["value"], "url": served.origin} for one in cookies]
    )
    answer = page.goto(LIST)
    assert answer is not None
    assert answer.status == 401
    assert faults(page) == []
    page.goto(link)
    page.get_by_text("it was used already").wait_for()
    assert faults(page) == []
    context.close()


@pytest.mark.long
def test_no_other_page_has_an_accessibility_fault_or_is_wider_than_its_window(
    open_page: Opened, served: Served, receiver: Receiver
) -> None:
    name = ("<script>alert(1)</script> \u05e9\u05dc\u05d5\u05dd \U0001f389 " + "x" * 255)[:255]
    made = served.make(
        name, url=receiver.url("/status/503"), events=[EVENT], managed_by=MARK, protected=True
    )
    served.happen()
    served.ended(made)
    at = f"{LIST}/{made['id']}"
    places = (
        LIST,
        f"{LIST}?search=nothing",
        f"{at}/delete",
        f"{at}/deliveries",
        f"{at}/manifest",
        "/settings/events",
        f"{LIST}/new/gone",
        "/none",
    )
    page = open_page(LIST)
    for place in places:
        page.goto(place)
        for folded in page.locator("summary").all():
            folded.click()
        assert faults(page, EVERY_WINDOW) == [], place
