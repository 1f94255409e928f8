"""What ends while somebody has the page open: a link, a session, a form that is kept, the webhook
itself; and how to go on.
"""

from __future__ import annotations

import hashlib
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import EVENT, LIST, MARK, Opened, Served, enter, faults
from tests.support.receiver import TOKEN, Receiver


def hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def session_of(context: BrowserContext) -> str:
    [cookie] = context.cookies()
    return str(cookie["value"])


def draft_of(page: Page) -> str:
    return page.url.partition("/new/")[2].partition("/")[0]


def step_2(page: Page, url: str) -> None:
    """Fills in the first step, with a secret, and goes on."""
    page.get_by_label("Name", exact=True).fill("Late")
    page.get_by_label("Endpoint URL").fill(url)
    page.get_by_role("radio", name="Bearer token").check()
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_role("heading", name="Select events").wait_for()


def test_a_sign_in_link_that_is_too_old_says_how_to_get_another(
    chromium: Browser, served: Served
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    shown, late = served.link(), served.link()
    page.goto(shown)
    for link in (shown, late):
        served.outdate("links", "hash", hashed(link.partition("link=")[2]))
    page.get_by_role(
        "button", name="Sign in"
    ).click()  # the button was there before the link was over
    page.get_by_role("heading", name="This sign-in link cannot be used").wait_for()
    answer = page.goto(late)
    assert answer is not None
    assert answer.status == 403
    page.get_by_text("It was used already or is older than 10 minutes.").wait_for()
    page.get_by_text("reconciler tenant login").wait_for()
    assert page.get_by_role("button").count() == 0
    assert context.cookies() == []
    assert faults(page) == []
    context.close()


def sign_in_beside(page: Page, served: Served) -> None:
    """Opens a new link in another tab of the same browser."""
    tab = page.context.new_page()
    tab.goto(served.link())
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("heading", name="Webhooks", level=1).wait_for()
    tab.close()


def test_a_session_that_is_over_saves_nothing_and_a_new_link_goes_on(
    chromium: Browser, open_page: Opened, served: Served
) -> None:
    made = served.make("Kept")
    served.make("Other")
    page = open_page(f"{LIST}/{made['id']}", state=enter(chromium, served))
    served.outdate("sessions", "hash", hashed(session_of(page.context)))
    page.get_by_label("Description").fill("too late")
    page.get_by_role("button", name="Save changes").click()
    page.get_by_role("heading", name="You are not signed in").wait_for()
    assert "Kept" not in page.inner_text("body")
    assert page.locator("input:not([type=hidden])").count() == 0
    assert "Other" not in page.content()
    assert faults(page) == []
    assert served.named("Kept")["description"] == ""
    sign_in_beside(page, served)
    page.get_by_role("button", name="Go on with what you typed").click()
    page.get_by_role("alert").get_by_text(
        "opened in an earlier session. Nothing was saved."
    ).wait_for()
    page.locator("#errors:focus").wait_for()
    assert faults(page) == []
    assert served.named("Kept")["description"] == ""
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("The changes were saved.").wait_for()
    assert served.named("Kept")["description"] == "too late"


def test_nothing_typed_but_the_secret_is_lost_when_one_signs_out_in_another_tab_while_creating(
    chromium: Browser, open_page: Opened, served: Served, receiver: Receiver
) -> None:
    page = open_page(f"{LIST}/new", scripts=False, state=enter(chromium, served))
    page.get_by_label("Description").fill("line one\nline two")
    step_2(page, receiver.url("/bearer"))
    page.get_by_label("Event type", exact=True).select_option(EVENT["type"])
    page.get_by_label("Severity", exact=True).select_option(EVENT["severity"])
    tab = page.context.new_page()
    tab.goto(LIST)
    tab.get_by_role("button", name="Sign out").click()
    tab.get_by_role("heading", name="You are signed out").wait_for()
    page.get_by_role("button", name="Add", exact=True).click()
    sign_in_beside(page, served)
    page.get_by_role("button", name="Go on with what you typed").click()
    page.get_by_role("alert").get_by_text("Nothing was saved.").wait_for()
    assert TOKEN not in page.content()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("The event was added to the list.").wait_for()
    page.get_by_role("button", name="Add Webhook").click()
    page.get_by_role("alert").get_by_role("link", name="Token is required").click()
    page.keyboard.type(TOKEN)
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_role("button", name="Add Webhook").click()
    page.get_by_text("The webhook was added.").wait_for()
    late = served.named("Late")
    assert (late["description"], late["auth"]["type"], late["events"]) == (
        "line one\nline two",
        "bearer",
        [EVENT],
    )


def test_a_form_of_another_session_is_refused(
    chromium: Browser, open_page: Opened, served: Served
) -> None:
    served.make("Kept")
    page = open_page(LIST)
    page.context.add_cookies(
        enter(chromium, served)["cookies"]
    )  # as after signing in again in another tab
    page.get_by_role("button", name="Disable Kept").click()
    page.get_by_role("heading", name="The form cannot be trusted").wait_for()
    assert faults(page) == []
    assert served.named("Kept")["enabled"] is True


def test_a_draft_that_is_over_is_gone_and_a_form_that_still_stands_goes_on(
    open_page: Opened, served: Served, receiver: Receiver
) -> None:
    page = open_page(f"{LIST}/new")
    step_2(page, receiver.url("/bearer"))
    assert TOKEN not in page.content()  # not even hidden: it lies in the draft, encrypted
    served.outdate("drafts", "id", draft_of(page))
    other = page.context.new_page()
    answer = other.goto(page.url)
    assert answer is not None
    assert answer.status == 410
    other.get_by_role("heading", name="This form is no longer kept").wait_for()
    assert other.get_by_role("link", name="Create a webhook").get_attribute("href") == f"{LIST}/new"
    assert faults(other) == []
    page.get_by_role(
        "button", name="Add Webhook"
    ).click()  # everything but the secret stands in the page itself
    page.get_by_role("alert").get_by_role("link", name="Token is required").click()
    page.keyboard.type(TOKEN)
    assert page.get_by_label("Name", exact=True).input_value() == "Late"
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_role("button", name="Add Webhook").click()
    page.get_by_text("The webhook was added.").wait_for()
    assert served.named("Late")["auth"] == {"type": "bearer", "credential_version": None}


def test_what_was_typed_into_an_edit_is_forgotten_after_half_an_hour_and_that_is_said(
    open_page: Opened, served: Served
) -> None:
    made = served.make("Kept")
    page = open_page(f"{LIST}/{made['id']}")
    page.get_by_label("Description").fill("typed")
    page.get_by_role("button", name="Last 30 days").click()
    page.get_by_role("link", name="Discard what was typed").wait_for()
    served.outdate(
        "drafts", "id", page.url.partition("draft=")[2].partition("&")[0].partition("#")[0]
    )
    page.reload()
    page.get_by_role("status").get_by_text("is forgotten").wait_for()
    assert page.get_by_label("Description").input_value() == ""


def test_a_webhook_deleted_during_an_edit_is_created_again_with_the_typed_values(
    open_page: Opened, served: Served
) -> None:
    made = served.make("Gone", events=[EVENT], managed_by=MARK)
    page, deleting = (open_page(f"{LIST}/{made['id']}{path}") for path in ("", "/delete"))
    page.get_by_label("Description").fill("typed")
    served.process.remove("Gone")
    deleting.get_by_role("button", name="Yes, proceed").click()
    deleting.get_by_text("The webhook had been deleted already.").wait_for()
    page.get_by_role("button", name="Save changes").click()
    page.get_by_role("heading", name="Deleted by somebody else").wait_for()
    assert faults(page) == []
    page.get_by_role("link", name="Create it again").click()
    assert page.get_by_label("Description").input_value() == "typed"
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_role("button", name="Add Webhook").click()
    page.get_by_text("The webhook was added.").wait_for()
    again: dict[str, Any] = served.named("Gone")
    assert (again["description"], again["events"], again["managed_by"]) == ("typed", [EVENT], None)
