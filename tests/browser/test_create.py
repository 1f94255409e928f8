"""Creating a webhook in a real browser: with the mouse, by keyboard alone, without scripts, on a
phone.
"""

from __future__ import annotations

from tests.browser.conftest import EVERY_WINDOW, Opened, Served, faults
from tests.support.receiver import TOKEN, Receiver

STARTED = "elastio:recovery-point:create:started"


def test_a_webhook_is_created_in_two_steps_and_tested_before(
    open_page: Opened, served: Served, receiver: Receiver
) -> None:
    page = open_page("/settings/webhooks")
    page.get_by_role("link", name="Create new").first.click()
    page.get_by_label("Name", exact=True).fill("On call")
    page.get_by_label("Endpoint URL").fill(receiver.url("/bearer"))
    page.get_by_role("radio", name="Bearer token").check()
    page.get_by_label("Token", exact=True).fill("wrong")
    page.get_by_role("button", name="Test webhook").click()
    assert "status 401" in page.locator("#tested").inner_text()
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Test webhook").click()
    page.get_by_role("heading", name="Test delivered").wait_for()
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_label("Event type", exact=True).select_option(STARTED)
    page.get_by_label("Severity", exact=True).select_option("info")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name=f"Remove {STARTED}").wait_for()
    page.get_by_role("button", name="Add Webhook").click()
    page.get_by_role("status").get_by_text("The webhook was added.").wait_for()
    made = served.named("On call")
    assert made["auth"] == {"type": "bearer", "credential_version": None}
    assert made["events"] == [{"type": STARTED, "version": "v0", "severity": "info"}]


def test_the_limits_are_said_beside_their_fields_and_what_breaks_them_is_an_error_there(
    open_page: Opened, served: Served
) -> None:
    page = open_page("/settings/webhooks/new")
    page.get_by_label("Name", exact=True).fill("Limits")
    page.get_by_label("Endpoint URL").fill("https://hooks.example.com/")
    for kind, fields in (
        ("Basic", ("User name", "Password")),
        ("Bearer token", ("Token",)),
        ("API key", ("Header", "Key")),
    ):
        page.get_by_role("radio", name=kind).check()
        for field in fields:
            described = page.get_by_label(field, exact=True).get_attribute("aria-describedby")
            assert "At most 255 bytes, ASCII only." in page.locator(f"#{described}").inner_text(), (
                field
            )
    for secret, fault in (("k" * 256, "must have 1 to 255 bytes"), ("\u00e9", "ASCII")):
        page.get_by_role("radio", name="Bearer token").check()
        page.get_by_label("Token", exact=True).fill(secret)
        page.get_by_role("button", name="Next: Select events").click()
        page.get_by_role("alert").get_by_role("link", name="Token must").filter(
            has_text=fault
        ).wait_for()
        assert fault in page.locator("#token-error").inner_text()
    assert served.process.webhooks() == []


def test_events_are_added_and_removed_one_by_one_and_back_keeps_everything(
    open_page: Opened, served: Served
) -> None:
    page = open_page("/settings/webhooks/new")
    page.get_by_label("Name", exact=True).fill("Chosen")
    page.get_by_label("Endpoint URL").fill("https://hooks.example.com/")
    page.get_by_role("radio", name="Bearer token").check()
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_text(
        "The webhook version is V0: what a delivery holds may still change incompatibly."
    ).wait_for()
    for severity in ("info", "critical"):
        page.get_by_label("Event type", exact=True).select_option(STARTED)
        page.get_by_label("Severity", exact=True).select_option(severity)
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_role(
            "button", name=f"Remove {STARTED}, version v0, severity {severity}"
        ).wait_for()
    page.get_by_role("button", name=f"Remove {STARTED}, version v0, severity info").click()
    page.get_by_text("The event was removed from the list. It is not saved yet.").wait_for()
    page.get_by_role("button", name="Back").click()
    page.get_by_text("Typed already, and kept encrypted for this form for 30 minutes").wait_for()
    assert page.get_by_label("Name", exact=True).input_value() == "Chosen"
    assert TOKEN not in page.content()
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_role("button", name="Add Webhook").click()
    page.get_by_text("The webhook was added.").wait_for()
    made = served.named("Chosen")
    assert made["events"] == [{"type": STARTED, "version": "v0", "severity": "critical"}]
    assert made["auth"]["type"] == "bearer"


def test_without_scripts_every_field_is_there_and_the_same_is_done(
    open_page: Opened, served: Served, receiver: Receiver
) -> None:
    page = open_page("/settings/webhooks/new", scripts=False)
    page.get_by_label("Name", exact=True).fill("No scripts")
    page.get_by_label("Endpoint URL").fill(receiver.url("/apikey"))
    page.get_by_role("radio", name="API key").check()
    page.get_by_label("Header", exact=True).fill("X-API-TOKEN")
    page.get_by_label("Key", exact=True).fill("key-value-3")
    page.get_by_role("button", name="Test webhook").click()
    page.get_by_role("heading", name="Test delivered").wait_for()
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_label("Group").select_option("Recovery point")
    page.get_by_role("button", name="Show only this group").click()
    page.get_by_text("Add an event that is not in the list").click()
    page.get_by_label("Event type, written").fill("acme:thing:done")
    page.get_by_label("Version, written").fill("v1")
    page.get_by_label("Severity, written").fill("loud")
    page.get_by_role("button", name="Add written event").click()
    page.get_by_role("button", name="Add Webhook").click()
    page.get_by_text("The webhook was added.").wait_for()
    assert served.named("No scripts")["events"] == [
        {"type": "acme:thing:done", "version": "v1", "severity": "loud"}
    ]


def test_without_scripts_the_fields_of_the_chosen_authentication_are_shown_and_those_at_fault(
    open_page: Opened, served: Served
) -> None:
    page = open_page("/settings/webhooks/new", scripts=False)
    labels = ("User name", "Password", "Token", "Header", "Key")

    def shown() -> list[str]:
        return [label for label in labels if page.get_by_label(label, exact=True).is_visible()]

    assert shown() == []
    page.get_by_role("radio", name="Bearer token").check()
    assert shown() == ["Token"]
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("radio", name="Basic").check()
    assert shown() == ["User name", "Password"]
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_role("alert").get_by_role(
        "link", name="Token belongs to an authentication that is not chosen"
    ).click()
    page.locator("#token:focus").wait_for()
    assert shown() == ["User name", "Password", "Token"]
    assert TOKEN not in page.content()
    assert served.process.webhooks() == []


def test_by_keyboard_alone_a_webhook_is_created(open_page: Opened, served: Served) -> None:
    page = open_page("/settings/webhooks/new")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("Keys")
    page.keyboard.press("Tab")
    page.keyboard.type("not a url")
    page.keyboard.press(
        "Enter"
    )  # what Enter does is what the first button says: on to the next step
    page.get_by_role("alert").wait_for()
    page.locator("#errors:focus").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the link of the one error
    page.keyboard.press("Control+A")
    page.keyboard.type("https://hooks.example.com/keys")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Select events").wait_for()
    page.get_by_label("Event type", exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Add
    page.get_by_role("button", name=f"Remove {STARTED}").wait_for()
    page.locator("#events:focus").wait_for()
    page.get_by_role("button", name="Add Webhook").focus()
    page.keyboard.press("Space")
    page.get_by_text("The webhook was added.").wait_for()
    assert served.named("Keys")["url"] == "https://hooks.example.com/keys"


def test_no_state_of_the_forms_has_an_accessibility_fault_or_is_wider_than_its_window(
    open_page: Opened,
) -> None:
    page = open_page("/settings/webhooks/new")
    states = [faults(page, EVERY_WINDOW)]
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_role("alert").wait_for()
    page.get_by_role("radio", name="API key").check()
    states.append(faults(page, EVERY_WINDOW))
    page.get_by_role("radio", name="None").check()
    page.get_by_label("Name", exact=True).fill("W" * 255)
    page.get_by_label("Endpoint URL").fill("http://127.0.0.1:1/")
    page.get_by_role("button", name="Test webhook").click()
    page.get_by_role("heading", name="Test not delivered").wait_for()
    states.append(faults(page))
    page.get_by_role("button", name="Next: Select events").click()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("alert").wait_for()
    states.append(faults(page, EVERY_WINDOW))
    assert states == [[]] * 4
