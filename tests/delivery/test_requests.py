from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import traceback
from base64 import b64encode
from contextlib import closing

import pytest

from reconciler import __version__
from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import Webhook
from reconciler.core.results.cause import Cause
from reconciler.core.results.reports import Verdict
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from tests.delivery.conftest import BODY, EVENT, LOOPBACK, Deliver
from tests.support.receiver import HEADER, KEY, PASSWORD, TOKEN, USERNAME, Receiver
from tests.support.tls import Authority, TlsReceiver

GOOD: list[tuple[str, Auth, str, str]] = [
    (
        "/basic",
        BasicAuth(USERNAME, Secret(PASSWORD)),
        "Authorization",
        "Basic " + b64encode(b"user:pass-word-1").decode(),
    ),
    (
        "/basic",
        BasicAuth(Secret(USERNAME), Secret(PASSWORD)),
        "Authorization",
        "Basic dXNlcjpwYXNzLXdvcmQtMQ==",
    ),
    ("/bearer", BearerAuth(Secret(TOKEN)), "Authorization", f"Bearer {TOKEN}"),
    ("/apikey", ApiKeyAuth(HEADER, Secret(KEY)), HEADER, KEY),
    ("/ok", ApiKeyAuth("x-api-key", Secret("a b~!")), "x-api-key", "a b~!"),
    ("/ok", ApiKeyAuth("User-Agent", Secret("mine")), "User-Agent", "mine"),
    (
        "/ok",
        BasicAuth("u", Secret("with:colon")),
        "Authorization",
        "Basic " + b64encode(b"u:with:colon").decode(),
    ),
]


@pytest.mark.parametrize(("path", "auth", "header", "value"), GOOD)
def test_each_authentication_arrives_exactly_once_and_exactly(
    receiver: Receiver, deliver: Deliver, path: str, auth: Auth, header: str, value: str
) -> None:
    assert deliver(receiver.url(path), auth=auth).verdict is Verdict.DELIVERED
    assert [pair for pair in receiver.requests[0].headers if pair[0].lower() == header.lower()] == [
        (header, value)
    ]


WRONG: list[tuple[str, Auth]] = [
    ("/basic", BasicAuth(USERNAME, Secret("other"))),
    ("/bearer", BearerAuth(Secret("other"))),
    ("/apikey", ApiKeyAuth(HEADER, Secret("other"))),
    ("/bearer", NoAuth()),
]


@pytest.mark.parametrize(("path", "auth"), WRONG)
def test_a_wrong_credential_is_refused(
    receiver: Receiver, deliver: Deliver, path: str, auth: Auth
) -> None:
    assert deliver(receiver.url(path), auth=auth).verdict is Verdict.AUTH_REFUSED


def test_elastios_sample_receiver_accepts_what_is_sent(
    receiver: Receiver, deliver: Deliver
) -> None:
    assert (
        deliver(receiver.url("/sample"), auth=BearerAuth(Secret(TOKEN))).verdict
        is Verdict.DELIVERED
    )
    assert (
        deliver(receiver.url("/sample"), auth=BearerAuth(Secret("other"))).verdict
        is Verdict.AUTH_REFUSED
    )
    assert (
        deliver(
            receiver.url("/sample"), auth=BearerAuth(Secret(TOKEN)), body=b'{"version": "v1"}'
        ).verdict
        is Verdict.REJECTED
    )


def test_the_headers_are_these_and_no_others(receiver: Receiver, deliver: Deliver) -> None:
    deliver(receiver.url("/ok"))
    (request,) = receiver.requests
    assert request.method == "POST"
    assert request.body == BODY
    assert dict(request.headers) == {
        "Host": f"127.0.0.1:{receiver.port}",
        "User-Agent": f"webhook-reconciler/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Content-Length": str(len(BODY)),
    }


def test_the_content_type_is_exactly_these_bytes_on_the_wire(deliver: Deliver) -> None:
    async def main() -> bytes:
        raw = bytearray()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            raw.extend(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(len(BODY))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, Sender(LOOPBACK) as sender:
            port = server.sockets[0].getsockname()[1]
            await sender.send(Webhook("hook", f"http://127.0.0.1:{port}/a%20b?c=d&e"), EVENT, BODY)
        return bytes(raw)

    head = asyncio.run(main())
    assert head.startswith(b"POST /a%20b?c=d&e HTTP/1.1\r\n")
    assert head.count(b"\r\nContent-Type: application/json\r\n") == 1


def test_the_path_and_query_of_the_url_arrive_as_written(
    receiver: Receiver, deliver: Deliver
) -> None:
    deliver(hidden_url(receiver.url("/ok") + "?token=a%2Fb&x="))
    assert receiver.requests[0].path == "/ok?token=a%2Fb&x="


def test_cookies_are_not_kept(receiver: Receiver, deliver: Deliver) -> None:
    deliver(receiver.url("/cookie"), receiver.url("/ok"))
    assert [request.header("Cookie") for request in receiver.requests] == [None, None]


def test_a_connection_is_used_again_for_its_own_name_only(deliver: Deliver) -> None:
    authority = Authority()
    with TlsReceiver(authority, "localhost", "127.0.0.1") as receiver:
        urls = [
            receiver.url("/ok"),
            receiver.url("/ok"),
            receiver.url("/ok", "127.0.0.1"),
            receiver.url("/ok"),
        ]
        deliver(*urls, tls=authority.trust())
        assert [request.connection for request in receiver.requests] == [1, 1, 2, 1]


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, deliver: Deliver) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    names = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, f"http://127.0.0.1:{port}"))
    try:
        assert deliver(receiver.url("/ok")).verdict is Verdict.DELIVERED
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


UNSENDABLE: list[Auth] = [
    BearerAuth(Secret("line\r\nX-Evil: 1")),
    BearerAuth(Secret("ümlaut")),
    BearerAuth(Secret("nul\0")),
    BasicAuth("user", Secret("ümlaut")),
    ApiKeyAuth("Content-Type", Secret("text/plain")),
    ApiKeyAuth("Host", Secret("other")),
    ApiKeyAuth("X Y", Secret("value")),
]


@pytest.mark.parametrize("auth", UNSENDABLE)
def test_a_credential_that_cannot_stand_in_a_header_is_blocked_and_nothing_is_sent(
    receiver: Receiver, deliver: Deliver, auth: Auth
) -> None:
    done = deliver(receiver.url("/ok"), auth=auth)
    assert (done.verdict, done.detail, receiver.connections) == (
        Verdict.BLOCKED,
        Cause.BLOCKED_HEADER.text,
        0,
    )


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "/relative",
        "http://",
        "http://a:99999/",
        "http://u:p@h/",
    ],
)
def test_a_url_that_is_none_of_an_endpoint_is_blocked(deliver: Deliver, url: str) -> None:
    assert deliver(url).verdict is Verdict.BLOCKED


MISSING: list[Auth] = [
    BearerAuth(Secret(None, "fromEnv: X")),
    BearerAuth(Withheld("1")),
    BasicAuth("u", Secret(None, "fromEnv: X")),
]


@pytest.mark.parametrize("auth", MISSING)
def test_a_secret_that_is_not_there_is_the_callers_mistake(
    receiver: Receiver, deliver: Deliver, auth: Auth
) -> None:
    with pytest.raises(ValueError, match=r"unresolved|withheld"):
        deliver(receiver.url("/ok"), auth=auth)
    assert receiver.connections == 0


SECRET = "s3cr3t-that-is-never-shown"
PATHS = [
    "/ok",
    "/status/401",
    "/status/500",
    "/redirect",
    "/drop",
    "/reset",
    "/garbage",
    "/hang",
    "/drip",
    "/big",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "auth",
    [
        BearerAuth(Secret(SECRET)),
        BasicAuth("u", Secret(SECRET)),
        ApiKeyAuth("X-Key", Secret(SECRET)),
    ],
)
def test_no_secret_stands_in_a_log_or_a_delivery(
    receiver: Receiver, deliver: Deliver, caplog: pytest.LogCaptureFixture, path: str, auth: Auth
) -> None:
    caplog.set_level(logging.DEBUG)
    done = deliver(hidden_url(receiver.url(path) + f"?key={SECRET}"), auth=auth, total=0.3)
    said = caplog.text + repr(done) + repr(auth)
    encoded = b64encode(f"u:{SECRET}".encode()).decode()
    assert SECRET not in said
    assert encoded not in said
    assert str(receiver.port) not in caplog.text


def test_an_unresolved_secret_leaves_no_other_secret_in_its_traceback(
    receiver: Receiver, deliver: Deliver
) -> None:
    url = hidden_url(receiver.url("/ok") + f"?key={SECRET}")
    try:
        deliver(url, auth=BasicAuth(Secret(SECRET), Secret(None, "fromEnv: X")))
    except ValueError as error:
        text = "".join(traceback.format_exception(error))
    assert SECRET not in text
    assert "fromEnv: X" in text


def test_many_attempts_at_once_each_have_their_own_outcome(receiver: Receiver) -> None:
    async def main() -> list[Verdict]:
        async with Sender(AddressPolicy.parse(["127.0.0.0/8"])) as sender:
            paths = ["/ok", "/status/500", "/drop", "/bearer"] * 10
            sent = [sender.send(Webhook(path, receiver.url(path)), EVENT, BODY) for path in paths]
            return [done.verdict for done in await asyncio.gather(*sent)]

    assert (
        asyncio.run(main())
        == [Verdict.DELIVERED, Verdict.RECEIVER_ERROR, Verdict.BROKEN, Verdict.AUTH_REFUSED] * 10
    )
    assert all(json.loads(request.body)["version"] == "v0" for request in receiver.requests)
