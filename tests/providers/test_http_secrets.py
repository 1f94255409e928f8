"""Addresses and tokens that cannot be used, and what no message, traceback or log may hold."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback

import pytest

from reconciler.core.errors import (
    BadAnswer,
    BadRequest,
    ProviderError,
    Rejected,
)
from reconciler.core.model.secret import Secret
from reconciler.providers.http.client import Client
from reconciler.providers.http.faults import Sent, clean
from tests.providers.asking import OK, ask
from tests.providers.builders import LOST, TOKEN, Reply, client, problem, reply, serving


@pytest.mark.parametrize("token", ["", "with space", "new\nline", "bärer", "nul\0", "tab\t"])
def test_a_token_that_no_header_can_hold_is_a_clear_error_without_the_token(token: str) -> None:
    with pytest.raises(BadRequest, match="must be printable ASCII") as caught:
        Client("http://127.0.0.1/x", Secret(token, "fromEnv: T"))
    text = "".join(traceback.format_exception(caught.value))
    assert not token or token not in text


def test_a_token_that_does_not_resolve_is_named_by_its_reference() -> None:
    with pytest.raises(BadRequest, match="unresolved secret fromEnv: TENANT_TOKEN"):
        Client("http://127.0.0.1/x", Secret(None, "fromEnv: TENANT_TOKEN"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/",
        "https://user:hunter2@x/",
        "nonsense",
        "https://x/?token=hunter2",
        "https://x:99999/",
    ],
)
def test_an_address_that_cannot_be_one_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(BadRequest, match="the tenant's url") as caught:
        Client(url, Secret(TOKEN))
    assert "hunter2" not in str(caught.value)


def test_no_secret_is_in_a_message_a_traceback_or_a_log_even_if_the_tenant_echoes_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "pass-Word-77"
    body = {
        "auth": {"type": "basic", "username": "bo", "password": secret},
        "url": "https://hooks.example.com/s3cr3t-path",
    }
    echoes = [
        problem(422, secret.lower(), f"value {secret}", (f"/auth/{secret}",)),
        problem(422, "invalid", "token is " + TOKEN),
        problem(422, "invalid", "password is pass\u200b-Word-77"),
        problem(422, "invalid", "PASS-WORD-77"),
        problem(401, "x", "https://hooks.example.com/s3cr3t-path"),
        Reply(500, secret.encode(), {"X-Echo": secret}, "text/plain"),
        Reply(200, secret.encode(), {"X-Echo": TOKEN}, "text/html"),
        Reply(302, b"", {"Location": f"http://x/{secret}"}),
        LOST,
        Reply(raw=f"HTTP/1.1 200 OK\r\nX: {secret}\x00\r\n\r\n".encode()),
        Reply(raw=f"{secret} {TOKEN}\r\n\r\n".encode()),
    ]
    seen = ""
    for given in echoes:
        error, _ = ask([given], method="PATCH", json=body, tries=2)
        assert isinstance(error, ProviderError)
        seen += "".join(traceback.format_exception(error)) + repr(error)
        assert error.__cause__ is None
        assert error.__context__ is None
    seen += caplog.text + json.dumps([str(vars(record)) for record in caplog.records])
    for hidden in (secret, TOKEN, "s3cr3t-path"):
        assert hidden.casefold() not in seen.casefold()
    assert "reconciler.http" in caplog.text
    assert not [
        record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))
    ]


def test_each_try_is_one_line_of_the_log_without_the_query(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "reconciler.http")

    async def run() -> None:
        given = [problem(503, "busy"), OK]
        async with serving(lambda _asked: given.pop(0)) as server, client(server.url) as http:
            await http.request("GET", "/webhooks", params={"name": "Private name"}, idempotent=True)

    asyncio.run(run())
    lines = [record.getMessage() for record in caplog.records if record.name == "reconciler.http"]
    assert lines == ["GET /webhooks: 503 in 0.000 s, try 1", "GET /webhooks: 200 in 0.000 s, try 2"]


def test_a_rejection_says_type_title_pointers_and_a_detail_that_holds_nothing_of_ours() -> None:
    error, _ = ask(
        [
            problem(
                422, "https://x/problems/invalid", "is too long", ("/auth/token", "/evil\x1b[31m")
            )
        ],
        json={"name": "Hook"},
    )
    assert isinstance(error, Rejected)
    assert (
        str(error)
        == "GET /webhooks: the tenant answered 422: No: is too long [invalid] (/auth/token)"
    )
    assert error.fields == ("/auth/token",)


def test_a_tenants_text_loses_control_characters_and_is_cut() -> None:
    error, _ = ask([problem(422, "invalid", "\x1b[31mred\u202e\n\x9b" + "x" * 10_000)])
    assert "\x1b" not in str(error)
    assert "\u202e" not in str(error)
    assert len(str(error)) < 400
    assert clean("a\r\n\x00b\ud800c") == "a bc"
    assert clean(7) == ""


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        7,
        {"type": 7, "title": [], "errors": {"a": 1}},
        {"errors": [1, {"pointer": 2}] * 100},
    ],
)
def test_a_problem_document_of_any_shape_is_an_error_of_the_tree(body: object) -> None:
    error, _ = ask([Reply(422, json.dumps(body).encode(), media="application/problem+json")])
    assert isinstance(error, Rejected | BadAnswer)


def test_short_and_empty_values_do_not_hide_a_detail() -> None:
    assert not Sent("POST", "/x", ({"a": "", "b": "ab"},)).echoed_in("about")
    assert Sent("POST", "/x", ({"a": ["bout"]},)).echoed_in("About")


def test_cookies_of_a_tenant_are_not_sent_back() -> None:
    async def run() -> None:
        async with (
            serving(lambda _asked: reply({}, Set_Cookie="a=b; Path=/")) as server,
            client(server.url) as http,
        ):
            for _ in range(2):
                await http.request("GET", "/webhooks", idempotent=True)
            assert "cookie" not in server.asked[1].headers

    asyncio.run(run())


def test_a_client_outside_its_context_is_a_defect_that_says_so() -> None:
    with pytest.raises(RuntimeError, match="outside its `async with`"):
        asyncio.run(client("http://127.0.0.1:1/x").request("GET", "/webhooks", idempotent=True))
