"""CloudEvents posted to a real receiver, which verifies their signatures with the package of Standard
Webhooks.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook

from reconciler.continuous.notifications.cloud_event import (
    WAITS,
    CloudEventNotifier,
    make_event,
)
from reconciler.continuous.notifications.notice import KINDS, Result, make_notice
from reconciler.continuous.notifications.notifier import NotSent
from reconciler.core.model.secret import Secret
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from tests.support.receiver import SIGNING_KEY, Receiver

LOOPBACK = AddressPolicy.parse(["127.0.0.0/8"])
RESULT = Result("prod", "drift", 1_790_000_000.25, "c0ffee1", "sha256:d1")
NOTICE = make_notice("drift", RESULT, ["ci: enabled: true → false"])
TEXT = {"type": "string", "minLength": 1}
SCHEMA = {  # of the attributes that CloudEvents 1.0.2 knows; what it requires, and their types
    "type": "object",
    "required": ["id", "source", "specversion", "type"],
    "propertyNames": {"pattern": "^[a-z0-9_]{1,20}$"},
    "properties": {
        "id": TEXT,
        "source": TEXT | {"format": "uri-reference"},
        "specversion": {"const": "1.0"},
        "type": TEXT,
        "datacontenttype": TEXT,
        "dataschema": TEXT | {"format": "uri"},
        "subject": TEXT,
        "time": TEXT | {"format": "date-time"},
        "data": {"type": ["object", "string", "number", "array", "boolean", "null"]},
        "data_base64": {"type": "string", "contentEncoding": "base64"},
    },
}


class Waits:
    """Waits for nothing, and keeps for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def send(
    url: str, *, key: str | None = SIGNING_KEY, policy: AddressPolicy = LOOPBACK, **options: Any
) -> list[float]:
    """Sends one notice; the waits between its tries."""
    waits = Waits()

    async def main() -> None:
        async with Sender(policy, total=2.0) as sender:
            notifier = CloudEventNotifier(
                Secret(url), Secret(key), sender, source="/reconciler/agent", sleep=waits, **options
            )
            await notifier.send(NOTICE)

    try:
        asyncio.run(main())
    except NotSent as failed:
        failed.add_note(json.dumps(waits.seconds))
        raise
    return waits.seconds


def fail(url: str, **options: Any) -> tuple[str, list[float]]:
    with pytest.raises(NotSent) as failed:
        send(url, **options)
    return str(failed.value), json.loads(failed.value.__notes__[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tenant", ["prod", ""])
def test_an_event_is_a_cloud_event(kind: str, tenant: str) -> None:
    result = Result(tenant, "ok", 0.0)
    event = make_event(make_notice(kind, result, ()), "https://agent.example.com/")
    checker = Draft202012Validator.FORMAT_CHECKER
    Draft202012Validator(SCHEMA, format_checker=checker).validate(event)
    assert event["type"] == f"reconciler.{kind}"
    assert event["time"] == "1970-01-01T00:00:00.000Z"


def test_an_event_has_what_the_notice_says() -> None:
    assert make_event(NOTICE, "/reconciler/agent") == {
        "specversion": "1.0",
        "id": NOTICE.id,
        "source": "/reconciler/agent",
        "type": "reconciler.drift",
        "subject": "prod",
        "time": "2026-09-21T14:13:20.250Z",
        "datacontenttype": "application/json",
        "data": {
            "tenant": "prod",
            "state": "drift",
            "severity": "warning",
            "title": "prod: the tenant differs from Git",
            "lines": ["ci: enabled: true → false"],
            "revision": "c0ffee1",
            "digest": "sha256:d1",
        },
    }


def test_an_event_is_posted_in_structured_mode_and_signed() -> None:
    with Receiver() as receiver:
        assert send(receiver.url("/signed")) == []
        (request,) = receiver.requests
    assert request.method == "POST"
    assert request.header("Content-Type") == "application/cloudevents+json"
    assert request.json == make_event(NOTICE, "/reconciler/agent")
    assert request.header("Webhook-Id") == NOTICE.id
    assert request.header("Webhook-Test") is None
    headers = {name.lower(): value for name, value in request.headers}
    assert Webhook(SIGNING_KEY).verify(request.body, headers) == request.json


def test_a_temporary_failure_is_tried_again_with_the_same_id_and_a_new_time() -> None:
    clock = iter([1_790_000_000.0, 1_790_000_100.9])
    with Receiver() as receiver:
        receiver.script("/hook", 503, 200)
        assert send(receiver.url("/hook"), clock=lambda: next(clock)) == [WAITS[0]]
        first, second = receiver.requests
    assert first.body == second.body
    assert first.header("Webhook-Id") == second.header("Webhook-Id")
    stamps = [request.header("Webhook-Timestamp") for request in (first, second)]
    assert stamps == ["1790000000", "1790000100"]


@pytest.mark.parametrize("status", [500, 502, 503, 408, 429])
def test_a_failure_that_stays_is_reported_after_four_tries(status: int) -> None:
    with Receiver() as receiver:
        text, waits = fail(receiver.url(f"/status/{status}"))
        assert len(receiver.requests) == 4
    assert waits == list(WAITS)
    assert re.search(rf"\({status}\), after 4 tries$", text)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 302])
def test_a_permanent_failure_is_reported_at_once(status: int) -> None:
    with Receiver() as receiver:
        text, waits = fail(receiver.url(f"/status/{status}"))
        assert len(receiver.requests) == 1
    assert waits == []
    assert text.endswith(f"({status})")


@pytest.mark.parametrize("path", ["/drop", "/reset", "/garbage"])
def test_a_lost_connection_is_tried_again(path: str) -> None:
    with Receiver() as receiver:
        text, waits = fail(receiver.url(path))
        assert len(receiver.requests) == 4
    assert waits == list(WAITS)
    assert text.endswith("after 4 tries")


def test_a_receiver_that_does_not_run_is_reported() -> None:
    with Receiver() as receiver:
        url = receiver.url("/t0ken")
    text, _ = fail(url)
    assert text == "the connection was refused, or the host cannot be reached, after 4 tries"


def test_an_address_that_is_not_allowed_is_not_reached() -> None:
    with Receiver() as receiver:
        text, waits = fail(receiver.url("/t0ken"), policy=AddressPolicy.parse([]))
        assert receiver.requests == ()
    assert text == "the address is not a public one and is not allowed"
    assert waits == []


@pytest.mark.parametrize("key", ["whsec_no base64", "é", None])
def test_a_key_that_cannot_sign_is_reported_without_it(key: str | None) -> None:
    with Receiver() as receiver:
        text, _ = fail(receiver.url("/ok"), key=key)
        assert receiver.requests == ()
    assert text == "the url or the signing key cannot be used"


def test_no_text_and_no_log_line_has_url_or_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), Receiver() as receiver:
        texts = [fail(receiver.url(f"/status/{status}?k=t0ken"))[0] for status in (404, 503)]
    text = caplog.text + "".join(texts)
    assert "t0ken" not in text
    assert "://" not in text
    assert SIGNING_KEY.removeprefix("whsec_") not in text


def test_a_url_that_is_none_is_reported() -> None:
    assert fail("t0ken")[0] == "the url is not one that deliveries can be sent to"
