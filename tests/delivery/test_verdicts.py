from __future__ import annotations

import asyncio
import socket
import ssl
import time
from contextlib import closing

import pytest

from reconciler.core.model.auth import BearerAuth
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Webhook
from reconciler.core.results.cause import DETAILS, Cause
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from tests.delivery.conftest import BODY, EVENT, LOOPBACK, Deliver
from tests.support.receiver import Receiver
from tests.support.tls import Authority, TlsReceiver

STATUSES = [
    *[(status, Verdict.DELIVERED) for status in (200, 201, 202, 204, 299)],
    *[(status, Verdict.AUTH_REFUSED) for status in (401, 403)],
    *[(status, Verdict.NOT_FOUND) for status in (404, 405, 410)],
    *[(status, Verdict.REJECTED) for status in (400, 402, 408, 409, 415, 422, 429, 451)],
    *[(status, Verdict.RECEIVER_ERROR) for status in (500, 502, 503, 504)],
    *[(status, Verdict.REDIRECTED) for status in (301, 302, 303, 307, 308)],
    (600, Verdict.BROKEN),
]


@pytest.mark.parametrize(("status", "verdict"), STATUSES)
def test_each_status_has_its_verdict_and_is_reported(
    receiver: Receiver, deliver: Deliver, status: int, verdict: Verdict
) -> None:
    done: Delivery = deliver(receiver.url(f"/status/{status}"))
    assert (done.verdict, done.status_code, done.webhook, done.event) == (
        verdict,
        status,
        "hook",
        EVENT,
    )
    assert (done.detail is None) == (verdict is Verdict.DELIVERED)
    assert done.detail in DETAILS
    assert len(receiver.requests) == 1


BROKEN = [
    ("/drop", Cause.LOST),
    ("/reset", Cause.LOST),
    ("/garbage", Cause.NOT_HTTP),
    ("/switch", Cause.NOT_HTTP),
]


@pytest.mark.parametrize(("path", "cause"), BROKEN)
def test_a_connection_that_breaks_or_does_not_speak_http_is_broken(
    receiver: Receiver, deliver: Deliver, path: str, cause: Cause
) -> None:
    done = deliver(receiver.url(path))
    assert (done.verdict, done.detail) == (Verdict.BROKEN, cause.text)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_an_endpoint_that_hangs_or_drips_its_head_times_out_within_the_total(
    receiver: Receiver, deliver: Deliver, path: str
) -> None:
    started = time.perf_counter()
    done = deliver(receiver.url(path), total=0.5)
    assert (done.verdict, done.status_code) == (Verdict.TIMEOUT, None)
    assert 0.4 < done.seconds < 2
    assert time.perf_counter() - started < 3


def test_a_body_that_drips_is_a_success_that_ends_within_the_total(
    receiver: Receiver, deliver: Deliver
) -> None:
    started = time.perf_counter()
    done = deliver(receiver.url("/drip-body"), total=0.5)
    assert (done.verdict, done.status_code, done.detail) == (Verdict.DELIVERED, 200, None)
    assert time.perf_counter() - started < 3


def test_a_body_that_is_cut_off_does_not_undo_the_answer(
    receiver: Receiver, deliver: Deliver
) -> None:
    assert deliver(receiver.url("/cut")).verdict is Verdict.DELIVERED


def test_a_big_body_is_not_read_to_its_end_and_costs_the_connection(
    receiver: Receiver, deliver: Deliver
) -> None:
    done = deliver(receiver.url("/big"), receiver.url("/ok"))
    assert [one.verdict for one in done] == [Verdict.DELIVERED, Verdict.DELIVERED]
    assert receiver.connections == 2


def test_redirects_are_not_followed(receiver: Receiver, deliver: Deliver) -> None:
    done = deliver(receiver.url("/redirect"))
    assert (done.verdict, done.status_code) == (Verdict.REDIRECTED, 302)
    assert [request.path for request in receiver.requests] == ["/redirect"]


def test_a_port_without_a_listener_is_refused(deliver: Deliver) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    assert deliver(f"http://127.0.0.1:{port}/").verdict is Verdict.REFUSED


def test_a_name_that_does_not_exist_is_unresolved(deliver: Deliver) -> None:
    assert deliver("https://missing.invalid/hook").verdict is Verdict.UNRESOLVED


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
def test_a_name_that_cannot_exist_is_unresolved_or_blocked(deliver: Deliver, host: str) -> None:
    assert deliver(f"https://{host}/hook").verdict in {Verdict.UNRESOLVED, Verdict.BLOCKED}


def test_an_attempt_that_is_under_way_when_the_sender_closes_is_interrupted(
    receiver: Receiver,
) -> None:
    async def main() -> Delivery:
        async with Sender(LOOPBACK) as sender:
            attempt = asyncio.create_task(
                sender.send(Webhook("hook", receiver.url("/hang")), EVENT, BODY)
            )
            assert await asyncio.to_thread(receiver.wait, 1)
            await sender.close()
            return await attempt

    done = asyncio.run(main())
    assert (done.verdict, done.detail) == (Verdict.INTERRUPTED, Cause.INTERRUPTED.text)


def test_a_cancelled_attempt_stays_cancelled(receiver: Receiver) -> None:
    async def main() -> None:
        async with Sender(LOOPBACK) as sender:
            attempt = asyncio.create_task(
                sender.send(Webhook("hook", receiver.url("/hang")), EVENT, BODY)
            )
            assert await asyncio.to_thread(receiver.wait, 1)
            attempt.cancel()
            await attempt

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


def test_a_trusted_certificate_for_the_name_delivers(deliver: Deliver) -> None:
    authority = Authority()
    with TlsReceiver(authority) as receiver:
        done = deliver(receiver.url("/ok"), receiver.url("/ok", "127.0.0.1"), tls=authority.trust())
        assert [one.verdict for one in done] == [Verdict.DELIVERED, Verdict.DELIVERED]
        assert receiver.requests[0].header("Host") == f"localhost:{receiver.port}"


def test_a_certificate_that_the_machine_does_not_trust_is_a_tls_failure_before_anything_is_sent(
    deliver: Deliver,
) -> None:
    with TlsReceiver(Authority()) as receiver:
        done = deliver(receiver.url("/ok"))
        assert (done.verdict, done.detail) == (Verdict.TLS, Cause.TLS_UNTRUSTED.text)
        assert receiver.requests == ()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_for_another_name_is_a_tls_failure(deliver: Deliver, host: str) -> None:
    authority = Authority()
    with TlsReceiver(authority, "other.example.com") as receiver:
        done = deliver(receiver.url("/ok", host), tls=authority.trust())
        assert (done.verdict, done.detail) == (Verdict.TLS, Cause.TLS_OTHER_NAME.text)
        assert receiver.requests == ()


def test_an_expired_certificate_is_a_tls_failure(deliver: Deliver) -> None:
    authority = Authority()
    with TlsReceiver(authority, "localhost", expired=True) as receiver:
        done = deliver(receiver.url("/ok"), tls=authority.trust())
        assert (done.verdict, done.detail) == (Verdict.TLS, Cause.TLS_EXPIRED.text)


def test_https_to_a_port_that_speaks_no_tls_is_a_tls_failure(
    receiver: Receiver, deliver: Deliver
) -> None:
    done = deliver(receiver.url("/ok").replace("http://", "https://"), total=2.0)
    assert (done.verdict, done.detail) == (Verdict.TLS, Cause.TLS_NOT_SPOKEN.text)
    assert receiver.requests == ()


def test_an_endpoint_that_wants_a_client_certificate_says_so_in_tls_1_3(deliver: Deliver) -> None:
    """There the alert comes with the first read, after the handshake is over for the client."""
    authority = Authority()
    with TlsReceiver(authority, client_certificate=ssl.TLSVersion.TLSv1_3) as receiver:
        done = deliver(receiver.url("/ok"), tls=authority.trust())
        assert (done.verdict, done.detail) == (Verdict.TLS, Cause.TLS_CLIENT_CERTIFICATE.text)
        assert receiver.requests == ()


def test_an_endpoint_that_wants_a_client_certificate_says_so_in_tls_1_2(deliver: Deliver) -> None:
    authority = Authority()
    with TlsReceiver(authority, client_certificate=ssl.TLSVersion.TLSv1_2) as receiver:
        done = deliver(receiver.url("/ok"), tls=authority.trust())
        assert done.verdict is Verdict.TLS
        assert "client certificate" in (done.detail or "")
        assert receiver.requests == ()


CAUSES = [
    (413, Cause.TOO_LARGE),
    (415, Cause.OTHER_TYPE),
    (429, Cause.TOO_MANY),
    (400, Cause.REJECTED),
]


@pytest.mark.parametrize(("status", "cause"), CAUSES)
def test_what_the_endpoint_does_not_take_is_reported_with_its_cause(
    receiver: Receiver, deliver: Deliver, status: int, cause: Cause
) -> None:
    done = deliver(receiver.url(f"/status/{status}"))
    assert (done.verdict, done.detail) == (Verdict.REJECTED, cause.text)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_a_request_without_a_credential_is_reported_as_that(
    receiver: Receiver, deliver: Deliver, status: int
) -> None:
    url = receiver.url(f"/status/{status}")
    assert deliver(url).detail == Cause.NO_CREDENTIAL.text
    assert deliver(url, auth=BearerAuth(Secret("a-token", "x"))).detail == Cause.AUTH_REFUSED.text


def test_http_to_a_port_that_speaks_tls_is_broken(deliver: Deliver) -> None:
    with TlsReceiver(Authority()) as receiver:
        assert (
            deliver(receiver.url("/ok").replace("https://", "http://"), total=2.0).verdict
            is Verdict.BROKEN
        )


def test_a_tls_handshake_that_hangs_times_out(deliver: Deliver) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        done = deliver(f"https://127.0.0.1:{silent.getsockname()[1]}/", connect_timeout=0.3)
    assert (done.verdict, done.detail) == (Verdict.TIMEOUT, Cause.NO_CONNECTION_IN_TIME.text)


def test_a_loopback_address_is_blocked_unless_it_is_named(
    receiver: Receiver, deliver: Deliver
) -> None:
    done = deliver(receiver.url("/ok"), policy=AddressPolicy())
    assert (done.verdict, done.detail, receiver.connections) == (
        Verdict.BLOCKED,
        Cause.BLOCKED_ADDRESS.text,
        0,
    )


def test_seconds_are_those_of_the_clock_until_the_head_of_the_answer(
    receiver: Receiver, deliver: Deliver
) -> None:
    ticks = iter((100.0, 102.5))
    assert deliver(receiver.url("/ok"), clock=lambda: next(ticks)).seconds == 2.5


def test_every_verdict_has_a_text_for_people() -> None:
    assert {cause.verdict for cause in Cause} == set(Verdict)
    assert [cause for cause in Cause if cause.text is None] == [Cause.DELIVERED]
