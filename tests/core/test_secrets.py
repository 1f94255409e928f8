"""docs/security.md: values that cannot be printed, where they are revealed, fingerprints."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback

import pytest

from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, NoAuth
from reconciler.core.model.fields import visible_values
from reconciler.core.model.secret import Secret, Withheld, fingerprint, hidden_url, shown_url
from reconciler.core.model.webhook import Webhook
from reconciler.core.results.reports import Outcome, Report, Status
from reconciler.core.wire import webhooks as codec
from reconciler.core.wire.revealed import authorization
from tests.support.builders import (
    URL,
    VALUE,
    basic,
    bearer,
    declared,
    live,
    only,
    plan_of,
    policy,
    secret,
)

API_KEY = ApiKeyAuth("X-Key", secret(version="1"))
LIVE = live(
    "gone", url=f"https://h.example.com/{VALUE}", auth=BasicAuth(Secret(VALUE), Withheld("1"))
)
POLICY = policy(literal_urls=frozenset({URL}))
PLAN = plan_of(
    [declared("a", auth=bearer("2")), declared("b", auth=basic(secret()))],
    [live("a"), LIVE],
    POLICY,
)
REPORT = Report(PLAN, tuple(Outcome(Status.CREATED, change) for change in PLAN.pending))
HOLDER = Webhook(
    "n", hidden_url(f"https://h.example.com/{VALUE}"), auth=BasicAuth(Secret(VALUE), secret())
)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{!s:>40}".format,
        "{!r}".format,
        pprint.pformat,
        lambda value: f"{value}",
        lambda value: "%s %r" % (value, value),  # noqa: UP031  the old way must not show it either
        lambda value: (
            repr(dataclasses.asdict(value)) if dataclasses.is_dataclass(value) else repr([value])
        ),
        lambda value: (
            repr(dataclasses.astuple(value)) if dataclasses.is_dataclass(value) else repr((value,))
        ),
        lambda value: json.dumps(value, default=repr),
        lambda value: logging.LogRecord("n", 10, "p", 1, "%s", (value,), None).getMessage(),
    ],
)
@pytest.mark.parametrize(
    "value",
    [secret(), HOLDER, declared("a", auth=bearer()), LIVE, PLAN, *PLAN.pending, REPORT, POLICY],
)
def test_section_6_no_way_of_printing_shows_a_secret(show: object, value: object) -> None:
    text = show(value)  # type: ignore[operator]  # each is a function from a value to text
    assert VALUE not in text
    assert text


def test_section_6_formatting_a_secret_pads_its_name() -> None:
    assert f"{secret():>24}" == "   Secret(fromEnv: TOKEN)"[-24:]
    assert f"{hidden_url(URL)}" == "Secret(https://hooks.example.com/…)"


def test_section_6_json_and_pickle_refuse_a_secret() -> None:
    with pytest.raises(TypeError) as caught:
        json.dumps(secret())
    assert VALUE not in str(caught.value)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(HOLDER)


def test_section_6_a_secret_does_not_change_and_has_no_dictionary() -> None:
    for change in (lambda: setattr(secret(), "shown", "x"), lambda: delattr(secret(), "shown")):
        with pytest.raises(AttributeError) as caught:
            change()
        assert VALUE not in str(caught.value)
    assert not hasattr(secret(), "__dict__")
    assert copy.deepcopy(HOLDER) == copy.copy(HOLDER) == HOLDER


def test_section_6_a_traceback_with_its_locals_does_not_show_it() -> None:
    def fails(hidden: Secret) -> None:
        raise ValueError(f"about {hidden}")

    try:
        fails(secret())
    except ValueError as error:
        text = "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
    assert "fromEnv: TOKEN" in text
    assert VALUE not in text


def test_section_6_an_unresolved_reference_is_refused_by_name_only() -> None:
    with pytest.raises(ValueError, match="unresolved secret fromEnv: TOKEN"):
        secret(None).reveal()


def test_a_secret_equals_the_text_it_hides_and_hashes_alike() -> None:
    assert secret() == VALUE
    assert secret() == secret(reference="fromFile: x", version="9")
    assert {VALUE: 1}[secret()] == 1  # type: ignore[index]  # what sets of literal urls rely on
    assert secret("a") != secret("b")
    assert secret() != 1


def test_section_6_a_secret_reveals_its_text_only_to_a_caller_that_has_it() -> None:
    assert secret().reveal_if_in({"other", VALUE}) == VALUE
    assert secret().reveal_if_in({"other", ""}) is None
    assert secret(None).reveal_if_in({VALUE}) is None


def test_an_unresolved_secret_equals_only_the_same_reference() -> None:
    assert secret(None) == secret(None)
    assert secret(None) != secret(None, reference="fromEnv: OTHER")
    assert secret(None) != secret()


def test_lone_surrogates_are_neither_alike_nor_an_error() -> None:
    assert secret("\udc80") != secret("?")
    assert fingerprint({"token": secret("\udc80")}, secret("\udc81")) != fingerprint(
        {"token": "?"}, secret("\udc81")
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h.example.com:8443/a?b", "https://h.example.com:8443/…"),
        ("http://[::1]:80/x", "http://[::1]:80/…"),
        ("https://user:pw@h.example.com/x", "https://h.example.com/…"),
        ("https://h:port/x", "(hidden)"),
        ("no url", "(hidden)"),
        ("https://[/x", "(hidden)"),
    ],
)
def test_section_6_another_url_prints_as_scheme_and_host(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert VALUE not in repr(hidden_url(f"https://h.example.com/{VALUE}"))


def test_section_6_a_live_url_prints_in_full_only_where_a_manifest_of_this_run_says_it() -> None:
    old = "https://old.example.com/T0KEN"
    wanted = declared("a", url=URL)
    [field] = only(plan_of([wanted], [live("a", url=old)])).fields
    assert (field.before, field.after) == ("https://old.example.com/…", URL)
    [field] = only(
        plan_of([wanted], [live("a", url=old)], policy(literal_urls=frozenset({old, URL})))
    ).fields
    assert (field.before, field.after) == (old, URL)


def test_section_6_a_referenced_url_never_prints_and_another_path_is_distinguished() -> None:
    wanted = declared("a", url=hidden_url("https://h.example.com/new", "fromEnv: U"))
    plan = plan_of(
        [wanted, declared("b", url=wanted.spec.url)], [live("a", url="https://h.example.com/old")]
    )
    created, updated = plan.pending
    assert {field.dotted: field.after for field in created.fields}[
        "url"
    ] == "https://h.example.com/…"
    assert [(field.before, field.after) for field in updated.fields] == [
        ("https://h.example.com/…", "https://h.example.com/… (another)")
    ]
    assert "/new" not in repr(plan)


def test_section_6_a_fingerprint_covers_names_and_values_under_the_key() -> None:
    key = secret("key")
    mark = fingerprint({"password": secret("a"), "username": "b"}, key)
    assert mark is not None
    assert mark.startswith("hmac-sha256:")
    assert len(mark) == len("hmac-sha256:") + 32
    assert mark == fingerprint({"username": "b", "password": "a"}, key)
    others = [
        ({"password": "b", "username": "a"}, key),
        ({"password": "a", "username": "b"}, secret("k2")),
        ({"password": "a"}, key),
    ]
    assert mark not in {fingerprint(fields, other) for fields, other in others}
    assert VALUE not in (fingerprint({"token": secret()}, key) or "")


def test_section_6_there_is_no_fingerprint_without_value_or_key() -> None:
    assert fingerprint({"token": secret(None)}, secret("key")) is None
    assert fingerprint({"token": secret()}, secret(None)) is None


def test_section_6_the_codec_reveals_on_the_way_to_a_tenant() -> None:
    bodies = [codec.auth_to_wire(auth) for auth in (NoAuth(), basic("u"), bearer("2"), API_KEY)]
    assert bodies == [
        {"type": "none"},
        {"type": "basic", "username": "u", "password": VALUE, "credential_version": "1"},
        {"type": "bearer", "token": VALUE, "credential_version": "2"},
        {"type": "apiKey", "header": "X-Key", "value": VALUE, "credential_version": "1"},
    ]


@pytest.mark.parametrize("auth", [NoAuth(), basic("u"), bearer("2"), API_KEY])
def test_section_6_what_is_compared_field_by_field_holds_no_secret(auth: Auth) -> None:
    spec = Webhook("n", hidden_url(f"https://h/{VALUE}"), auth=auth)
    assert VALUE not in repr(visible_values(spec))


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "\u00e9"])
def test_section_6_an_unusable_token_is_refused_without_its_value(token: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        authorization(Secret(token), "Authorization", "Bearer ")
    assert not token or token not in str(caught.value)
    assert authorization(secret(), "Authorization", "Bearer ") == {
        "Authorization": f"Bearer {VALUE}"
    }
