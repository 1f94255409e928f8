from __future__ import annotations

import json

import pytest

from reconciler.core.model.catalogue import BY_TYPE
from reconciler.core.model.webhook import Subscription
from reconciler.delivery.envelope import envelope, real_event, sample_event

ID, TIME = "11111111-1111-1111-1111-111111111111", "2026-01-02T03:04:05Z"


@pytest.mark.parametrize("type_", sorted(BY_TYPE))
def test_a_sample_of_a_known_type_is_its_example_with_id_and_time_of_now(type_: str) -> None:
    event = sample_event(Subscription(type_, "v0", "info"), event_id=ID, time=TIME)
    assert {
        "event_id": ID,
        "event_time": TIME,
        "event_kind": type_,
        "event_version": "v0",
    }.items() <= event.items()
    example = json.loads(BY_TYPE[type_].example or "{}")
    assert {**example, **event} == event
    assert event["deprecation_warning"] is None


def test_a_sample_of_an_unknown_type_has_the_common_fields_alone() -> None:
    event = sample_event(Subscription("acme:thing", None, None), event_id=ID, time=TIME)
    common = {"event_id": ID, "event_kind": "acme:thing", "event_time": TIME, "event_version": "v0"}
    assert event == {**common, "deprecation_warning": None}


def test_what_was_posted_cannot_change_the_common_fields_but_keeps_its_own() -> None:
    posted = {
        "event_id": "other",
        "event_kind": "other",
        "deprecation_warning": {"notice": "n"},
        "extra": [1],
    }
    event = real_event("acme:thing", "v1", posted, ID, TIME)
    common = {"event_id": ID, "event_kind": "acme:thing", "event_time": TIME, "event_version": "v1"}
    assert event == {**common, "deprecation_warning": {"notice": "n"}, "extra": [1]}
    assert posted["event_id"] == "other"


def test_the_envelope_is_v0_with_one_event() -> None:
    assert (
        envelope({"a": "é\u2028"})
        == '{"version":"v0","deprecation_warning":null,"events":[{"a":"é\u2028"}]}'.encode()
    )


def test_a_lone_surrogate_becomes_valid_json() -> None:
    assert json.loads(envelope({"a": "\ud800"}))["events"] == [{"a": "\ud800"}]


def test_nan_is_refused_because_it_is_not_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        envelope({"a": float("nan")})
