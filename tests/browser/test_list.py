"""The list in a real browser: the widget and its graph, rows, paging, search; and the catalogue of
events.
"""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import EVENT, LIST, MARK, Opened, Served, faults
from tests.support.receiver import Receiver

KNOWN = {  # docs.elastio.com and Elastio's sample receiver: what is public of each event
    "elastio:recovery-point:create:started": (
        "Versions: v0.",
        "The creation of a recovery point has begun.",
    ),
    "elastio:recovery-point:create:succeeded": (
        "Versions: v0.",
        "A new recovery point was created without failure.",
    ),
    "elastio:recovery-point:iscan:healthy": (
        "Versions: not recorded.",
        "No description is public.",
    ),
    "elastio:recovery-point:iscan:unhealthy": (
        "Versions: not recorded.",
        "No description is public.",
    ),
}


def rows(page: Page) -> list[str]:
    """The names in the list, in order."""
    return page.locator("table.list tbody th bdi").all_inner_texts()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_empty_list_teaches_the_first_steps(open_page: Opened, scripts: bool) -> None:
    page = open_page(LIST, scripts=scripts)
    page.get_by_role("heading", name="No webhooks yet").wait_for()
    assert page.get_by_role("list").get_by_role("listitem").count() == 3
    assert not scripts or faults(page) == []
    page.get_by_role("link", name="Create new").click()
    page.get_by_role("heading", name="Create a webhook").wait_for()


def test_the_widget_the_graph_and_the_rows_show_delivered_and_failed_deliveries(
    open_page: Opened, served: Served, receiver: Receiver
) -> None:
    _, before = served.process.call("GET", "/invocations")
    good = served.make(
        "Good",
        url=receiver.url("/ok"),
        events=[EVENT, {**EVENT, "severity": "critical"}],
        managed_by=MARK,
    )
    bad = served.make("Bad", url=receiver.url("/status/410"), events=[EVENT])
    served.make("Off", url="https://off.example.com/secret-path", enabled=False)
    served.happen(deliveries=2)
    served.happen(severity="critical")
    served.ended(good, 2)
    served.ended(bad)
    page = open_page(LIST)
    widget = page.get_by_role("region", name="Invocations")
    assert widget.locator("dl > div").all_inner_texts() == [
        f"Successful\n{before['succeeded'] + 2:,}\n{before['last_day']['succeeded'] + 2:,} in the last 24 hours",
        (
            f"Failed\n{before['failed'] + 1:,}\n{before['last_day']['failed'] + 1:,} in the "
            "last 24 hours"
        ),
    ]
    graph = widget.get_by_role("img", name="Successful and failed invocations, last 24 hours")
    counts = (
        f"{before['last_day']['succeeded'] + 2:,} successful and "
        f"{before['last_day']['failed'] + 1:,} failed invocations"
    )
    assert counts in graph.locator("desc").text_content()
    widget.get_by_text("Numbers").click()
    assert widget.locator("tbody tr").count() == 24
    said = [
        " ".join(text.split()) for text in page.locator("table.list tbody tr").all_inner_texts()
    ]
    assert [text.partition("http")[0].strip() for text in said] == [
        "Bad",
        "Good Managed by Git",
        "Off",
    ]
    assert f"http://127.0.0.1:{receiver.port} Enabled 1 Failed " in said[0]
    assert said[0].endswith("0 1 1 in 24 h Edit Bad Disable Bad Delete Bad")
    assert " Enabled 2 Delivered " in said[1]
    assert said[1].endswith("2 2 in 24 h 0 Edit Good Disable Good Delete Good")
    assert (
        "https://off.example.com Disabled None None yet 0 0 Edit Off Enable Off Delete Off"
        in said[2]
    )
    assert "secret-path" not in page.content()
    assert faults(page) == []
    widget.get_by_role("link", name="Last 30 days").click()
    widget.get_by_role("img", name="Successful and failed invocations, last 30 days").wait_for()
    page.goto(f"{LIST}/{bad['id']}")
    graph = page.get_by_role("img", name="Successful and failed invocations, last 24 hours")
    assert "0 successful and 1 failed invocations" in (graph.locator("desc").text_content() or "")


def test_a_long_list_is_paged_and_searched(open_page: Opened, served: Served) -> None:
    names = [f"Team {number:02}" for number in range(52)]
    for name in names:
        served.make(name, url=f"https://{name.lower().replace(' ', '-')}.example.com/")
    page = open_page(LIST)
    assert rows(page) == names[:50]
    page.get_by_text("1–50 of 52").wait_for()
    assert faults(page) == []
    page.get_by_role("link", name="Next").click()
    page.get_by_text("51–52 of 52").wait_for()
    assert rows(page) == names[50:]
    page.get_by_role("button", name="Disable Team 51").click()
    page.get_by_text("The webhook is disabled.").wait_for()
    assert rows(page) == names[50:]  # still the same page of the list
    page.get_by_role("link", name="Previous").click()
    page.get_by_label("Search by name or url").fill("TEAM-3")
    page.get_by_label("Search by name or url").press("Enter")
    page.get_by_role("status").get_by_text("10 of 52 webhooks").wait_for()
    assert rows(page) == names[30:40]
    page.get_by_label("Search by name or url").fill("<b>missing</b>")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("heading", name="Nothing found").wait_for()
    page.get_by_role("link", name="Show all").first.click()
    page.get_by_text("1–50 of 52").wait_for()


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scripts", [True, False])
def test_what_switching_did_is_said_where_the_person_is(
    open_page: Opened, served: Served, scripts: bool, width: int
) -> None:
    for number in range(40):
        served.make(f"Team {number:02}")
    page = open_page(LIST, scripts=scripts)
    page.set_viewport_size({"width": width, "height": 800})
    for button, sentence in (
        ("Disable", "The webhook is disabled."),
        ("Enable", "The webhook is enabled."),
    ):
        page.get_by_role("button", name=f"{button} Team 30").click()
        said = page.locator("#said", has_text=sentence)
        said.wait_for()
        link = page.get_by_role("link", name="Team 30", exact=True)
        expect(link).to_be_in_viewport()  # the browser scrolls some time after the page is there
        notice, row = said.bounding_box(), link.bounding_box()
        assert notice is not None
        assert row is not None
        assert notice["y"] >= 0
        assert notice["y"] + notice["height"] <= row["y"]  # above the row and not over it
        assert row["y"] + row["height"] <= 800
    if scripts:
        assert faults(page) == []


@pytest.mark.parametrize("scripts", [True, False])
def test_the_catalogue_shows_every_public_event_with_its_example_and_who_receives_it(
    open_page: Opened, served: Served, scripts: bool
) -> None:
    made = served.make(
        "Receives", events=[EVENT, {"type": "acme:thing:done", "version": "v1", "severity": "loud"}]
    )
    _, catalogue = served.process.call("GET", "/events")
    known = {event["type"]: event for event in catalogue["events"]}
    assert set(known) == set(KNOWN)
    page = open_page("/settings/events", scripts=scripts)
    assert page.get_by_role("heading", level=2).all_inner_texts() == [
        "Received by no webhook",
        "Received, but not in the catalogue",
        "Recovery point",
        "Group not recorded",
    ]
    page.get_by_text("info, warning, critical are this project's own").wait_for()
    for kind, (versions, description) in KNOWN.items():
        section = page.get_by_role("region", name=kind, exact=True)
        for text in (versions, "Severities: not recorded.", description):
            section.get_by_text(text).wait_for()
        example = known[kind]["example"]
        if example is None:
            section.get_by_text("No example of its payload is public.").wait_for()
            continue
        section.get_by_text("Example payload").first.click()
        body = json.loads(section.locator("pre").inner_text())
        assert body == {"version": "v0", "deprecation_warning": None, "events": [example]}
        assert body["events"][0]["event_kind"] == kind
    section = page.get_by_role("region", name="acme:thing:done")
    section.get_by_text("v1 loud").wait_for()
    if scripts:
        assert faults(page) == []
    page.get_by_role("region", name=EVENT["type"]).get_by_role("link", name="Receives").click()
    page.wait_for_url(f"**{LIST}/{made['id']}")
