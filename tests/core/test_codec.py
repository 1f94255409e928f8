"""What crosses the wire: both directions, and bodies that do not fit the contract."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.model.auth import ApiKeyAuth, BasicAuth, BearerAuth, NoAuth
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import ManagedBy, Use
from reconciler.core.results import delivery_codec
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.core.wire import webhooks as codec
from tests.support.builders import (
    FAILED,
    OWNER,
    STARTED,
    URL,
    VALUE,
    basic,
    bearer,
    declared,
    live,
    secret,
    withheld_bearer,
)


def body(**other: object) -> dict[str, Any]:
    start = {
        "id": "wh-1",
        "revision": "r1",
        "name": "a",
        "url": f"https://h.example.com/{VALUE}",
        "description": "d",
        "enabled": True,
        "auth": {"type": "none"},
        "events": codec.events_to_wire(frozenset({STARTED})),
        "managed_by": {"owner": "payments", "key": "a", "sources": ["x.yaml"], "revision": None},
        "protected": False,
        "invocations": {"succeeded": 12, "failed": 0, "last_day": {"succeeded": 3, "failed": 1}},
    }
    return {**start, **other}


def test_a_tenants_answer_becomes_a_live_webhook() -> None:
    item = codec.live_from_wire(body())
    assert (item.id, item.revision, item.spec.name, item.spec.description) == (
        "wh-1",
        "r1",
        "a",
        "d",
    )
    assert item.managed_by == ManagedBy("payments", "a", ("x.yaml",), None)
    assert item.use == Use(3, 1)
    assert item.spec.subscriptions == {STARTED}
    assert VALUE not in repr(item)


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ({"type": "none"}, NoAuth()),
        (
            {"type": "basic", "username": "u", "credential_version": "1"},
            BasicAuth(Secret("u"), Withheld("1")),
        ),
        ({"type": "bearer", "credential_version": None}, BearerAuth(Withheld())),
        (
            {"type": "apiKey", "header": "X-Key", "credential_version": "1"},
            ApiKeyAuth("X-Key", Withheld("1")),
        ),
    ],
)
def test_every_authentication_is_read(auth: dict[str, object], expected: object) -> None:
    assert codec.live_from_wire(body(auth=auth)).spec.auth == expected


def test_an_unmanaged_webhook_without_deliveries_is_read() -> None:
    item = codec.live_from_wire(body(managed_by=None, invocations=None))
    assert (item.managed_by, item.use) == (None, Use())
    assert codec.live_from_wire(body(invocations={"succeeded": 1})).use == Use()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": 7}, "/id"),
        ({"name": None}, "/name"),
        ({"name": "\ud800"}, "/name"),
        ({"enabled": 1}, "/enabled"),
        ({"protected": VALUE}, "/protected"),
        ({"auth": VALUE}, "/auth"),
        ({"auth": {"type": VALUE}}, "/auth/type"),
        ({"events": {"a": 1}}, "/events"),
        ({"events": [{"type": 3}]}, "/events/0/type"),
        ({"events": [VALUE]}, "/events/0"),
        ({"managed_by": {"owner": "x", "key": "y", "sources": [None]}}, "/managed_by/sources/0"),
        (
            {"invocations": {"last_day": {"succeeded": -1, "failed": 0}}},
            "/invocations/last_day/succeeded",
        ),
        (
            {"invocations": {"last_day": {"succeeded": True, "failed": 0}}},
            "/invocations/last_day/succeeded",
        ),
    ],
)
def test_what_does_not_fit_is_named_by_its_pointer_and_never_quoted(
    change: dict[str, object], pointer: str
) -> None:
    with pytest.raises(ValueError, match=f"^{pointer}:") as caught:
        codec.live_from_wire(body(**change))
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize("value", [None, [], "text", 7, True])
def test_an_answer_that_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not an object"):
        codec.live_from_wire(value)
    with pytest.raises(ValueError, match="not an object"):
        codec.page_from_wire(value)


def test_a_page_names_the_item_that_does_not_fit() -> None:
    assert codec.page_from_wire({"items": [body()], "next_cursor": "c"})[1] == "c"
    with pytest.raises(ValueError, match=r"^/items/1/name: not a text$"):
        codec.page_from_wire({"items": [body(), body(name=1)], "next_cursor": None})


def test_a_mark_has_the_known_repository_or_keeps_that_of_the_tenant() -> None:
    wanted, there = declared("a"), live("a", repository="forge.example/a/b")
    assert "repository" not in codec.make_create_body(wanted, OWNER)["managed_by"]
    assert (
        codec.make_create_body(wanted, replace(OWNER, repository="forge.example/c/d"))[
            "managed_by"
        ]["repository"]
        == "forge.example/c/d"
    )
    assert (
        codec.make_patch_body(there, wanted, OWNER)["managed_by"]["repository"]
        == "forge.example/a/b"
    )
    assert (
        "repository"
        not in codec.make_patch_body(there, wanted, replace(OWNER, name="search"))["managed_by"]
    )


def test_a_create_sends_every_field_and_our_mark() -> None:
    wanted = declared("a", auth=bearer("2"), events=[STARTED, FAILED], protected=True)
    body = codec.make_create_body(wanted, OWNER)
    assert json.loads(json.dumps(body)) == body
    assert body["auth"] == {"type": "bearer", "token": VALUE, "credential_version": "2"}
    assert body["managed_by"] == {
        "owner": "payments",
        "key": "a",
        "sources": ["webhooks/payments.yaml"],
        "revision": "4fd1c2e",
    }
    assert (body["url"], body["enabled"], body["protected"]) == (URL, True, True)
    assert [event["type"] for event in body["events"]] == [FAILED.type, STARTED.type]


def test_a_patch_sends_only_different_fields_and_our_mark() -> None:
    wanted = declared("a", description="new", enabled=False, protected=True)
    body = codec.make_patch_body(live("a"), wanted, OWNER)
    assert {key: value for key, value in body.items() if key != "managed_by"} == {
        "description": "new",
        "enabled": False,
        "protected": True,
    }
    assert body["managed_by"]["revision"] == OWNER.revision


def test_a_patch_leaves_a_withheld_credential_out() -> None:
    there = live("a", auth=withheld_bearer("1"))
    assert "auth" not in codec.make_patch_body(
        there, declared("a", auth=withheld_bearer("1"), name="n"), OWNER
    )


def test_a_test_of_unsaved_details_sends_the_fields_that_a_delivery_needs() -> None:
    wanted = declared("a", auth=basic(secret("user"))).spec
    body = codec.make_test_body(wanted, live("a"), STARTED)
    assert set(body["webhook"]) == {"name", "url", "auth"}
    assert body["id"] == "wh-a"
    assert body["webhook"]["auth"]["username"] == "user"
    assert "id" not in codec.make_test_body(wanted, None, STARTED)


def test_a_delivery_crosses_the_wire_and_back() -> None:
    delivery = Delivery("a", STARTED, Verdict.REJECTED, 422, "x", 0.25)
    assert (
        delivery_codec.delivery_from_wire(delivery_codec.delivery_to_wire(delivery), "a", STARTED)
        == delivery
    )


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"verdict": VALUE}, "/verdict"),
        ({"status_code": "200"}, "/status_code"),
        ({"status_code": 99}, "/status_code"),
        ({"status_code": True}, "/status_code"),
        ({"seconds": float("nan")}, "/seconds"),
        ({"seconds": -1}, "/seconds"),
        ({"seconds": None}, "/seconds"),
        ({"detail": 7}, "/detail"),
    ],
)
def test_a_delivery_that_does_not_fit_is_refused(change: dict[str, object], pointer: str) -> None:
    delivery = {
        **delivery_codec.delivery_to_wire(Delivery("a", STARTED, Verdict.DELIVERED, 200)),
        **change,
    }
    with pytest.raises(ValueError, match=f"^{pointer}: ") as caught:
        delivery_codec.delivery_from_wire(delivery, "a", STARTED)
    assert VALUE not in str(caught.value)


def test_a_url_is_sent_as_it_is() -> None:
    assert (
        codec.spec_to_wire(declared("a", url=hidden_url("https://h/x?y=1")).spec)["url"]
        == "https://h/x?y=1"
    )
