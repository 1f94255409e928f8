"""The client against tenants that misbehave, on real sockets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from reconciler.core.errors import (
    BadAnswer,
    Conflict,
    NotFound,
    Overloaded,
    ProviderError,
    Rejected,
    TenantFault,
    Unauthorized,
    Unreachable,
)
from reconciler.core.wire.retry_after import parse_retry_after
from reconciler.providers.http.answer import Answer
from tests.providers.asking import OK, ask
from tests.providers.builders import (
    LOST,
    TOKEN,
    Asked,
    Reply,
    Sleeps,
    client,
    problem,
    reply,
    serving,
)


def test_an_answer_has_its_status_lower_case_headers_body_and_tries() -> None:
    answer, asked = ask([reply({"a": 1}, 201, ETag='"r1"')])
    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["etag"], answer.body, answer.tries) == (
        201,
        '"r1"',
        {"a": 1},
        1,
    )
    assert asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (Reply(200, b"<html>sign in</html>", media="text/html"), "a web page"),
        (Reply(200, b""), "an empty answer"),
        (Reply(200, b"{]"), "not JSON"),
        (Reply(200, b'{"a": NaN}'), "not JSON"),
        (Reply(200, b"[" * 200_000), "not JSON"),
        (Reply(200, b"9" * 10_000), "not JSON"),
        (Reply(200, b"\xff\xfe{}"), "not JSON"),
        (Reply(200, b" " * 10_000_000), "more than 8 MiB"),
        (
            Reply(200, b"x" * 9_000_000, {"Content-Length": "9999999999999999999"}),
            "more than 8 MiB",
        ),
        (Reply(404, b"nothing here", media="text/plain"), "404 without a problem document"),
        (Reply(405, b"<html>", media="text/html"), "405 without a problem document"),
    ],
)
def test_an_address_that_is_no_tenant_is_said_to_be_none(given: Reply, why: str) -> None:
    error, asked = ask([given])
    assert isinstance(error, BadAnswer)
    assert "does not speak the contract of tenant-api (this project's own contract): " in str(error)
    assert why in str(error)
    assert len(asked) == 1


def test_ten_megabytes_in_chunks_without_a_length_are_not_swallowed() -> None:
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    raw = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunk * 10
        + b"0\r\n\r\n"
    )
    error, _ = ask([Reply(raw=raw)])
    assert isinstance(error, BadAnswer)
    assert "more than 8 MiB" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    error, asked = ask([Reply(status, b"", {"Location": "/elsewhere"})])
    assert isinstance(error, BadAnswer)
    assert "redirects are not followed" in str(error)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (problem(401, "unauthorized"), Unauthorized),
        (Reply(401, b"<html>", media="text/html"), Unauthorized),
        (problem(403, "scope"), Unauthorized),
        (problem(404, "not-found"), NotFound),
        (problem(409, "name-taken"), Conflict),
        (problem(412, "precondition"), Conflict),
        (problem(400, "bad"), Rejected),
        (problem(422, "invalid"), Rejected),
        (problem(428, "precondition-required"), Rejected),
    ],
)
def test_a_permanent_error_is_raised_at_once(given: Reply, kind: type[ProviderError]) -> None:
    sleeps = Sleeps()
    error, asked = ask([given], sleeps)
    assert type(error) is kind
    assert len(asked) == 1
    assert sleeps == []


def test_a_403_of_type_owner_fails_that_object_alone() -> None:
    owner, _ = ask([problem(403, "https://example.com/problems/owner")])
    scope, _ = ask([problem(403, "scope")])
    assert isinstance(owner, Unauthorized)
    assert owner.object_only
    assert isinstance(scope, Unauthorized)
    assert not scope.object_only


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, Overloaded), (503, Overloaded), (500, TenantFault), (502, TenantFault)],
)
def test_a_temporary_error_is_tried_six_times_with_growing_waits(
    status: int, kind: type[ProviderError]
) -> None:
    sleeps = Sleeps()
    error, asked = ask([problem(status, "busy")], sleeps)
    assert type(error) is kind
    assert len(asked) == 6
    assert sleeps == [0.3, 0.6, 1.2, 2.4, 4.8]
    assert "(after 6 tries)" in str(error)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "waited"),
    [
        ("7", 7.0),
        ("0", 0.3),
        ("86400", 60.0),
        ("soon", 0.3),
        ("-5", 0.3),
        ("1.5", 0.3),
        ("²", 0.3),
        ("", 0.3),
    ],
)
def test_retry_after_in_seconds_is_honoured_capped_and_garbage_ignored(
    status: int, value: str, waited: float
) -> None:
    sleeps = Sleeps()
    raw = f"HTTP/1.1 {status} X\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n".encode(
        "latin-1"
    )
    answer, asked = ask([Reply(raw=raw), OK], sleeps)
    assert isinstance(answer, Answer)
    assert answer.tries == len(asked) == 2
    assert sleeps == [waited]


def test_retry_after_as_a_date_is_seconds_from_now() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for delta, seconds in ((20, 20.0), (-20, 0.0), (9999, 60.0)):
        assert (
            parse_retry_after(
                format_datetime(now + timedelta(seconds=delta), usegmt=True), now.timestamp(), 60
            )
            == seconds
        )
    assert parse_retry_after("Mon, 99 Foo 2026 00:00:00 GMT", now.timestamp(), 60) is None


def test_a_409_in_progress_is_waited_for() -> None:
    answer, asked = ask([problem(409, "idempotency-in-progress"), reply({}, 201)], method="POST")
    assert isinstance(answer, Answer)
    assert len(asked) == 2


def test_a_lost_answer_is_asked_for_again_when_that_is_safe() -> None:
    answer, asked = ask([LOST, LOST, OK])
    assert isinstance(answer, Answer)
    assert answer.tries == len(asked) == 3


@pytest.mark.parametrize("given", [LOST, problem(500, "fault"), problem(502, "gateway")])
def test_a_write_that_may_have_been_carried_out_is_not_sent_again(given: Reply | None) -> None:
    error, asked = ask([given, OK], method="POST", json={"name": "x"}, idempotent=False)
    assert isinstance(error, Unreachable | TenantFault)
    assert len(asked) == 1


def test_a_write_that_was_turned_away_unread_is_sent_again() -> None:
    answer, asked = ask(
        [problem(429, "rate"), problem(503, "busy"), reply({}, 201)],
        method="POST",
        json={},
        idempotent=False,
    )
    assert isinstance(answer, Answer)
    assert len(asked) == 3


def test_an_answer_cut_off_in_its_body_counts_as_lost() -> None:
    cut = Reply(
        raw=b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"items"'
    )
    answer, asked = ask([cut, OK])
    assert isinstance(answer, Answer)
    assert len(asked) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x00garbage\r\n\r\n",
        b"HTTP/9.9 hello\r\n\r\n",
        b"220 mail.example.com ESMTP\r\n",
    ],
)
def test_what_is_not_http_is_unreachable(raw: bytes) -> None:
    error, _ = ask([Reply(raw=raw)], tries=2)
    assert isinstance(error, Unreachable)


def test_no_try_takes_longer_than_the_timeout_even_when_bytes_drip() -> None:
    async def drip(_asked: Asked) -> Reply | None:
        await asyncio.Event().wait()
        return None

    async def run() -> None:
        async with serving(drip) as server, client(server.url, timeout=0.05, tries=2) as http:
            with pytest.raises(
                Unreachable, match=r"did not answer within 0\.05 s \(after 2 tries\)"
            ):
                await http.request("GET", "/webhooks", idempotent=True)
            assert len(server.asked) == 2

    asyncio.run(run())


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    sleeps = Sleeps()
    error, asked = ask([problem(503, "busy", retry_after="20")], sleeps, deadline=50)
    assert isinstance(error, Overloaded)
    assert error.retry_after == 20
    assert sleeps == [20, 20]
    assert len(asked) == 3


def test_a_last_try_that_the_deadline_cuts_short_does_not_hide_what_the_tenant_said_before() -> (
    None
):
    said: list[Reply | None] = [
        problem(503, "busy", "the database is being moved"),
        Reply(raw=b"HTTP/1.1", again=b" "),
    ]
    error, asked = ask(said, deadline=0.5)
    assert len(asked) == 2
    assert isinstance(error, Overloaded)
    assert "the database is being moved" in str(error)
    assert str(error).endswith("(after 2 tries)")


def test_a_tenant_that_asks_for_more_time_than_is_left_is_reported_at_once_with_that_time() -> None:
    for wish, text in (("55", "it asks to wait 55 s"), ("900", "it asks to wait at least 60 s")):
        error, asked = ask([problem(429, "rate", retry_after=wish)], deadline=50)
        assert len(asked) == 1
        assert text in str(error)


def test_after_the_deadline_nothing_is_sent() -> None:
    async def run() -> None:
        sleeps = Sleeps()
        async with (
            serving(lambda _asked: OK) as server,
            client(server.url, sleeps, deadline=5) as http,
        ):
            sleeps.now += 5
            with pytest.raises(Unreachable, match="the deadline was reached before it was sent"):
                await http.request("GET", "/webhooks", idempotent=True)
            assert server.asked == []

    asyncio.run(run())


def test_a_patient_request_waits_out_a_429_until_the_deadline_whatever_the_tries() -> None:
    sleeps = Sleeps()
    answer, asked = ask(
        [problem(429, "rate", retry_after="30")] * 20 + [OK], sleeps, patient=True, deadline=1000
    )
    assert isinstance(answer, Answer)
    assert len(asked) == 21
    error, asked = ask([problem(429, "rate", retry_after="30")], patient=True, deadline=100)
    assert isinstance(error, Overloaded)
    assert len(asked) == 4


def test_all_tries_of_a_request_end_after_five_minutes() -> None:
    sleeps = Sleeps()
    error, _ = ask([problem(503, "busy", retry_after="60")], sleeps, tries=100)
    assert isinstance(error, Overloaded)
    assert sum(sleeps) < 300


def test_no_more_requests_are_under_way_than_allowed() -> None:
    async def run() -> int:
        now = most = 0
        full, free = asyncio.Event(), asyncio.Event()

        async def answer(_asked: Asked) -> Reply:
            nonlocal now, most
            now += 1
            most = max(most, now)
            if now == 3:
                full.set()
            await free.wait()
            now -= 1
            return OK

        async with (
            serving(answer) as server,
            client(server.url, parallelism=3) as http,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(12):
                group.create_task(http.request("GET", "/webhooks", idempotent=True))
            await full.wait()
            free.set()
        return most

    assert asyncio.run(run()) == 3


def test_a_refused_connection_is_unreachable_and_names_the_host() -> None:
    async def run() -> None:
        async with serving(lambda _asked: OK) as server:
            url = server.url
        async with client(url, tries=3) as http:
            with pytest.raises(
                Unreachable,
                match=r"http://127\.0\.0\.1:\d+/…: it refused the connection \(after 3 tries\)",
            ):
                await http.request("GET", "/webhooks", idempotent=True)

    asyncio.run(run())
