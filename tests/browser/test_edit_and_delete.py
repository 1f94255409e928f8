"""Editing, switching and deleting in a real browser; two tabs that edit the same webhook."""

from __future__ import annotations

import pytest

from tests.browser.conftest import EVENT, EVERY_WINDOW, LIST, MARK, Opened, Served, faults
from tests.support.receiver import HEADER, KEY, TOKEN, Receiver

HOSTILE = "<script>alert(1)</script> \u05e9\u05dc\u05d5\u05dd \U0001f389 "


@pytest.mark.parametrize("scripts", [True, False])
def test_unsaved_values_are_tested_then_saved_and_the_secret_stays(
    open_page: Opened, served: Served, receiver: Receiver, scripts: bool
) -> None:
    made = served.make(
        "Edited",
        url=receiver.url("/bearer"),
        auth={"type": "bearer", "token": TOKEN},
        events=[EVENT],
    )
    page = open_page(f"/settings/webhooks/{made['id']}", scripts=scripts)
    page.get_by_label("Description").fill("line one\nline two")
    page.get_by_role("button", name="Test webhook").click()
    page.get_by_role("heading", name="Test delivered").wait_for()
    assert served.named("Edited")["description"] == ""
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("The changes were saved.").wait_for()
    assert served.named("Edited")["description"] == "line one\nline two"
    page.get_by_label("Endpoint URL").fill("https://elsewhere.example.com/")
    page.get_by_role("button", name="Save changes").click()
    page.get_by_role("alert").get_by_role("link", name="Token must be given again").wait_for()
    assert served.named("Edited")["url"] == receiver.url("/bearer")


def test_two_tabs_that_edit_the_same_webhook_both_versions_are_shown(
    open_page: Opened, served: Served
) -> None:
    made = served.make("Shared", events=[EVENT], managed_by=MARK)
    first, second = (open_page(f"/settings/webhooks/{made['id']}") for _ in range(2))
    first.get_by_label("Description").fill("first")
    first.get_by_role("button", name="Save changes").click()
    first.get_by_text("The changes were saved.").wait_for()
    second.get_by_label("Name", exact=True).fill("Renamed")
    second.get_by_role("button", name="Save changes").click()
    second.get_by_role("heading", name="Changed by somebody else").wait_for()
    second.locator("#errors:focus").wait_for()
    assert served.named("Shared")["description"] == "first"
    second.get_by_role("button", name="Save your version over it").click()
    second.get_by_text("The changes were saved.").wait_for()
    after = served.named("Renamed")
    assert (after["description"], after["managed_by"]) == ("", MARK)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_switch_of_the_list_disables_and_enables(
    open_page: Opened, served: Served, scripts: bool
) -> None:
    made = served.make("Switched")
    page = open_page("/settings/webhooks", scripts=scripts)
    page.get_by_role("button", name="Disable Switched").click()
    page.get_by_text("The webhook is disabled.").wait_for()
    assert served.named("Switched")["enabled"] is False
    page.locator(f"#webhook-{made['id']}:focus").wait_for()  # where one was in the list
    page.get_by_role("button", name="Enable Switched").press("Enter")
    page.get_by_text("The webhook is enabled.").wait_for()
    assert served.named("Switched")["enabled"] is True


@pytest.mark.parametrize("scripts", [True, False])
def test_a_webhook_is_deleted_after_a_confirmation_that_names_it(
    open_page: Opened, served: Served, receiver: Receiver, scripts: bool
) -> None:
    made = served.make(HOSTILE.strip(), url=receiver.url("/ok"), events=[EVENT])
    served.happen()
    served.ended(made)
    page = open_page("/settings/webhooks", scripts=scripts)
    page.get_by_role("link", name="Delete").click()
    use = page.locator(".facts > div").filter(has_text="Last 24 hours")
    assert use.inner_text().split("\n") == ["Last 24 hours", "1 successful, 0 failed"]
    assert HOSTILE.strip() in page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("link", name="Cancel").click()
    assert served.named(HOSTILE.strip())
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Yes, proceed").click()
    page.get_by_text("The webhook was deleted.").wait_for()
    assert served.process.webhooks() == []


def test_a_delete_of_what_is_protected_or_has_changed_since_is_not_done(
    open_page: Opened, served: Served
) -> None:
    made = served.make("Kept", events=[EVENT])
    page = open_page(f"{LIST}/{made['id']}/delete")
    served.process.edit("Kept", description="changed")
    page.get_by_role("button", name="Yes, proceed").click()
    page.get_by_role("alert").get_by_text("Nothing was deleted.").wait_for()
    assert faults(page) == []
    served.process.edit("Kept", protected=True)
    page.get_by_role("button", name="Yes, proceed").click()
    page.get_by_role("alert").get_by_text("This webhook is protected").wait_for()
    assert page.get_by_role("button", name="Yes, proceed").count() == 0
    assert faults(page) == []
    page.get_by_role("link", name="Edit it").click()
    page.get_by_label("Protected").uncheck()
    page.get_by_role("button", name="Save changes").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Yes, proceed").click()
    page.get_by_text("The webhook was deleted.").wait_for()
    assert served.process.webhooks() == []


def test_what_git_manages_says_so_everywhere_and_warns_before_editing_and_deleting(
    open_page: Opened, served: Served
) -> None:
    made = served.make(
        "On call", managed_by={**MARK, "sources": ["webhooks/payments.yaml", "webhooks/extra.yaml"]}
    )
    page = open_page(LIST)
    page.get_by_role("row", name="On call").get_by_text("Managed by Git").wait_for()
    where = "webhooks/payments.yaml, webhooks/extra.yaml of repository forge.example/acme/webhooks"
    declared = f"Declared as on-call by owner payments in {where}, revision 4fd1c2e."
    exception = (
        "One exception: whether it is enabled is put back only if the manifest says "
        "enabled. If the manifest leaves it out, "
        "reconciler drift reports a webhook that is disabled here, and reconciler "
        "reconcile leaves it."
    )
    for place, warning, more in (
        (
            "",
            (
                "What is changed here differs from Git then, and the next reconcile puts it "
                "back: change the manifest to keep it."
            ),
            [exception],
        ),
        (
            "/delete",
            (
                "If it is deleted here, the next reconcile creates it again: remove its "
                "manifest instead."
            ),
            [],
        ),
    ):
        page.goto(f"{LIST}/{made['id']}{place}")
        notice = page.locator(".notice.warn")
        assert notice.locator("h2, p").all_inner_texts() == [
            "Managed by Git",
            f"{declared} {warning}",
            *more,
            "Manifest of this webhook",
        ]
        assert notice.get_by_role("link").get_attribute("href") == f"{LIST}/{made['id']}/manifest"
    served.make("Unowned")
    page.goto(LIST)
    page.get_by_role("link", name="Unowned", exact=True).click()
    page.get_by_role("heading", name="Unowned").wait_for()
    assert page.get_by_text("Managed by Git").count() == 0


def test_every_setting_is_edited_and_a_stored_secret_is_replaced_only_when_typed(
    open_page: Opened, served: Served, receiver: Receiver
) -> None:
    made = served.make(
        "Before",
        url=receiver.url("/bearer"),
        auth={"type": "bearer", "token": "sesame-1"},
        events=[EVENT],
    )
    page = open_page(f"{LIST}/{made['id']}")
    token = page.get_by_label("Token", exact=True)
    page.get_by_text("Set; it is never shown. Type only to replace it.").wait_for()
    assert (token.input_value(), "sesame" in page.content()) == ("", False)
    token.fill(TOKEN)
    page.get_by_role("button", name="Test webhook").click()
    page.get_by_role("heading", name="Test delivered").wait_for()
    assert faults(page) == []
    page.get_by_text("kept encrypted for this form for 30 minutes").wait_for()
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("The changes were saved.").wait_for()
    assert faults(page) == []
    assert served.process.call("POST", f"/webhooks/{made['id']}/test", {})[1]["status_code"] == 200
    page.get_by_label("Name", exact=True).fill("After")
    page.get_by_label("Endpoint URL").fill(receiver.url("/apikey"))
    page.get_by_label("Description").fill("typed")
    page.get_by_role("radio", name="API key").check()
    page.get_by_label("Header", exact=True).fill(HEADER)
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_label("Enabled").uncheck()
    page.get_by_label("Protected").check()
    page.get_by_text("Add an event", exact=True).first.click()
    page.get_by_label("Event type", exact=True).select_option(
        "elastio:recovery-point:create:succeeded"
    )
    page.get_by_label("Severity", exact=True).select_option("critical")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("The event was added to the list. It is not saved yet.").wait_for()
    page.get_by_role("button", name=f"Remove {EVENT['type']}").click()
    page.get_by_text("The event was removed from the list. It is not saved yet.").wait_for()
    assert served.named("Before")["revision"] == "2"
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("The changes were saved.").wait_for()
    after = served.named("After")
    assert after["events"] == [
        {"type": "elastio:recovery-point:create:succeeded", "version": "v0", "severity": "critical"}
    ]
    assert (after["description"], after["enabled"], after["protected"]) == ("typed", False, True)
    assert after["auth"] == {"type": "apiKey", "header": HEADER, "credential_version": None}
    assert served.process.call("POST", f"/webhooks/{made['id']}/test", {})[1]["status_code"] == 200


def test_no_page_about_a_hostile_webhook_has_an_accessibility_fault_or_is_wider_than_its_window(
    open_page: Opened, served: Served
) -> None:
    name = (HOSTILE + "x" * 255)[:255]
    long = "t" * 255
    events = [EVENT, {"type": long, "version": long, "severity": long}]
    mark = {**MARK, "owner": "o" * 255, "sources": [f"{'s' * 250}.yaml"]}
    made = served.make(
        name,
        url="https://a.example/" + "u" * 2000,
        description="d" * 1024,
        events=events,
        managed_by=mark,
    )
    where = f"{LIST}/{made['id']}"
    page = open_page(where)
    states = [faults(page, EVERY_WINDOW)]
    served.process.edit(name, description="changed")
    page.get_by_label("Endpoint URL").fill("nonsense")
    page.get_by_role("button", name="Save changes").click()
    page.get_by_role("alert").wait_for()
    states.append(faults(page, EVERY_WINDOW))
    page.get_by_label("Endpoint URL").fill("https://b.example/" + "u" * 2000)
    page.get_by_role("button", name="Save changes").click()
    page.get_by_role("heading", name="Changed by somebody else").wait_for()
    states.append(faults(page, EVERY_WINDOW))
    page.goto(where + "/delete")
    states.append(faults(page, EVERY_WINDOW))
    page.goto("/settings/events")
    states.append(faults(page))
    page.goto(LIST)
    served.process.edit(name, description="changed again")
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("heading", name="Disable").wait_for()
    states.append(faults(page, EVERY_WINDOW))
    assert states == [[]] * 6
