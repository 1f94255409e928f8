"""Editing, switching and deleting in a real browser; two tabs that edit the same webhook."""

from __future__ import annotations

import pytest

from tests.browser.conftest import WIDTHS, Opened, Served, sideways, violations
from tests.support.receiver import TOKEN, Receiver

STARTED = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}
MARK = {"owner": "payments", "key": "on-call", "sources": ["webhooks/payments.yaml"], "revision": "4fd1c2e"}
HOSTILE = "<script>alert(1)</script> \u05e9\u05dc\u05d5\u05dd \U0001f389 "


@pytest.mark.parametrize("scripts", [True, False])
def test_unsaved_values_are_tested_then_saved_and_the_secret_stays(
    open_page: Opened, served: Served, receiver: Receiver, scripts: bool
) -> None:
    made = served.make("Edited", url=receiver.url("/bearer"), auth={"type": "bearer", "token": TOKEN}, events=[STARTED])
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


def test_two_tabs_that_edit_the_same_webhook_both_versions_are_shown(open_page: Opened, served: Served) -> None:
    made = served.make("Shared", events=[STARTED], managed_by=MARK)
    first, second = (open_page(f"/settings/webhooks/{made['id']}") for _ in range(2))
    first.get_by_label("Description").fill("first")
    first.get_by_role("button", name="Save changes").click()
    first.get_by_text("The changes were saved.").wait_for()
    second.get_by_label("Name", exact=True).fill("Renamed")
    second.get_by_role("button", name="Save changes").click()
    second.get_by_role("heading", name="Changed meanwhile").wait_for()
    second.locator("#errors:focus").wait_for()
    assert served.named("Shared")["description"] == "first"
    second.get_by_role("button", name="Save your version over it").click()
    second.get_by_text("The changes were saved.").wait_for()
    after = served.named("Renamed")
    assert (after["description"], after["managed_by"]) == ("", MARK)


def test_the_switch_of_the_list_disables_and_enables(open_page: Opened, served: Served) -> None:
    made = served.make("Switched")
    page = open_page("/settings/webhooks")
    page.get_by_role("button", name="Disable Switched").click()
    page.get_by_text("The webhook is disabled.").wait_for()
    assert served.named("Switched")["enabled"] is False
    page.locator(f"#webhook-{made['id']}:focus").wait_for()  # where one was in the list
    page.get_by_role("button", name="Enable Switched").press("Enter")
    page.get_by_text("The webhook is enabled.").wait_for()
    assert served.named("Switched")["enabled"] is True


def test_a_webhook_is_deleted_after_a_confirmation_that_names_it(open_page: Opened, served: Served) -> None:
    served.make(HOSTILE.strip())
    page = open_page("/settings/webhooks")
    page.get_by_role("link", name="Delete").click()
    assert HOSTILE.strip() in page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("link", name="Cancel").click()
    assert served.named(HOSTILE.strip())
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Yes, proceed").click()
    page.get_by_text("The webhook was deleted.").wait_for()
    assert served.process.webhooks() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_about_a_hostile_webhook_has_an_accessibility_fault_or_is_wider_than_its_window(
    open_page: Opened, served: Served, width: int
) -> None:
    name = (HOSTILE + "x" * 255)[:255]
    long = "t" * 255
    events = [STARTED, {"type": long, "version": long, "severity": long}]
    mark = {**MARK, "owner": "o" * 255, "sources": [f"{'s' * 250}.yaml"]}
    made = served.make(name, url="https://a.example/" + "u" * 2000, description="d" * 1024, events=events, managed_by=mark)
    where, states = f"/settings/webhooks/{made['id']}", []
    for dark in (False, True):
        page = open_page(where, width=width, dark=dark)
        states += [violations(page), sideways(page)]
        served.process.edit(name, description=f"changed {dark}")
        page.get_by_label("Endpoint URL").fill("nonsense")
        page.get_by_role("button", name="Save changes").click()
        page.get_by_role("alert").wait_for()
        states += [violations(page), sideways(page)]
        page.get_by_label("Endpoint URL").fill("https://b.example/" + "u" * 2000)
        page.get_by_role("button", name="Save changes").click()
        page.get_by_role("heading", name="Changed meanwhile").wait_for()
        states += [violations(page), sideways(page)]
        page.goto(where + "/delete")
        states += [violations(page), sideways(page)]
        page.goto("/settings/webhooks")
        served.process.edit(name, description=f"changed {dark} again")
        page.get_by_role("button", name="Disable").click()
        page.get_by_role("heading", name="Disable").wait_for()
        states += [violations(page), sideways(page)]
    assert states == [[], 0] * 10
