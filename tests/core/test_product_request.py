"""Deliveries as a product sends them: placeholders, forms, signatures."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs

import pytest
from standardwebhooks import Webhook as Verifier

from reconciler.core.model.capabilities import (
    TENANT,
    Capabilities,
    Envelope,
    Signature,
    list_dated_schemes,
)
from reconciler.core.model.webhook import Subscription
from reconciler.core.wire.product_request import (
    ProductRequest,
    list_product_signatures,
    make_product_request,
)

EVENT = Subscription("a", None, None)
WORDS = {"id": "i", "time": "now", "place": "acme", "empty": ""}


def make(envelope: Envelope, example: str | None = None, **options: Any) -> ProductRequest:
    return make_product_request(envelope, EVENT, options, WORDS, example)


@pytest.mark.parametrize(
    ("sample", "body"),
    [
        ({"a": "{event} at {time}"}, {"a": "a at now"}),
        ({"a": "{unknown}", "b": 1}, {"b": 1}),
        ({"a": "{empty}"}, {}),
        ({"a": {"b": "{unknown}", "c": None}}, {"a": {"c": None}}),
        ({"a": {"b": "{unknown}"}, "c": {}}, {"c": {}}),
        ({"a": ["{unknown}", "{id}", {"b": "{place}"}]}, {"a": ["i", {"b": "acme"}]}),
        ({"a": "{{id}}"}, {"a": "{i}"}),
        ({"a": "{not a word}"}, {"a": "{not a word}"}),
    ],
)
def test_placeholders_are_filled_and_what_has_no_value_is_left_out(
    sample: dict[str, Any], body: dict[str, Any]
) -> None:
    assert json.loads(make(Envelope(sample=sample)).body) == body


def test_words_of_an_event_replace_its_name_and_samples_add_members() -> None:
    envelope = Envelope(
        headers={"X-Event": "{event}", "X-Type": "{type}", "X-None": "{unknown}"},
        words={"a": {"event": "A"}, "b": {"event": "B"}},
        sample={"kind": "{event}"},
        samples={"a": {"n": 1}, "b": {"m": 1}},
    )
    request = make(envelope)
    assert json.loads(request.payload) == {"kind": "A", "n": 1}
    headers = {"Content-Type": "application/json", "X-Event": "A", "X-Type": "a"}
    assert dict(request.headers) == headers


def test_a_form_has_the_json_as_its_field_payload() -> None:
    request = make(Envelope(form="content_type"), '{"a": "Ä&="}', content_type="form")
    assert parse_qs(request.body.decode()) == {"payload": ['{"a": "Ä&="}']}
    assert ("Content-Type", "application/x-www-form-urlencoded") in request.headers
    plain = make(Envelope(form="content_type"), "{}", content_type="json")
    assert plain.body == plain.payload == b"{}"


def test_two_keys_of_the_scheme_standard_make_two_signatures() -> None:
    keys = ["whsec_" + b64encode(letter * 32).decode() for letter in (b"a", b"b")]
    own = Signature("x-signature", "v1,", encoding="base64", signed="message")
    request, moment = make(Envelope(signatures=(own,))), int(time.time())
    ((_, value),) = list_product_signatures(request, "standard", " ".join(keys), "i", moment)
    headers = {"webhook-id": "i", "webhook-timestamp": str(moment), "webhook-signature": value}
    for key in keys:
        Verifier(key).verify(request.body, headers)
    with pytest.raises(ValueError, match="HMAC only"):
        list_product_signatures(request, "standard-v1a", keys[0], "i", moment)


def test_only_a_signature_of_the_message_covers_the_time() -> None:
    def dated(*signatures: Signature) -> frozenset[str]:
        envelope = Envelope(signatures=signatures)
        return list_dated_schemes(Capabilities("x", schemes=("product",), envelope=envelope))

    assert list_dated_schemes(TENANT) == {"standard", "standard-v1a"}
    assert dated(Signature("a")) == frozenset()
    assert dated(Signature("a", signed="payload")) == frozenset()
    assert dated(Signature("a"), Signature("b", signed="message")) == {"product"}
