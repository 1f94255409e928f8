"""Deliveries through a proxy: the address guard decides before the proxy is asked, and the proxy is
asked for an address.
"""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from reconciler.core.model.auth import BearerAuth, NoAuth
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Webhook
from reconciler.core.results.cause import Cause
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.net.proxies import parse_proxy
from tests.delivery.conftest import BODY, EVENT, LOOPBACK, Deliver
from tests.support.connect_proxy import ConnectProxy
from tests.support.receiver import Receiver
from tests.support.servers import free_port
from tests.support.tls import Authority, TlsReceiver

TOKEN = "dp-81f0c2"


def test_an_https_endpoint_is_reached_through_the_proxy_by_its_address(deliver: Deliver) -> None:
    authority = Authority()
    with TlsReceiver(authority, "hooks.test") as receiver, ConnectProxy() as proxy:
        auth = BearerAuth(Secret(TOKEN, "fromEnv: X"))
        options = {"tls": authority.trust(), "resolve": lambda _host, _port: ["127.0.0.1"]}
        done = deliver(
            receiver.url("/ok", "hooks.test"),
            auth=auth,
            proxy=parse_proxy(proxy.url, "x"),
            **options,
        )
        assert (done.verdict, done.detail) == (Verdict.DELIVERED, None)
        assert proxy.targets == [f"127.0.0.1:{receiver.port}"]
        assert receiver.requests[0].header("Host") == f"hooks.test:{receiver.port}"
        assert receiver.requests[0].header("Authorization") == f"Bearer {TOKEN}"
        assert receiver.requests[0].body == BODY
        assert TOKEN.encode() not in proxy.passed


def test_a_connection_through_the_proxy_is_used_again(deliver: Deliver) -> None:
    authority = Authority()
    with TlsReceiver(authority) as receiver, ConnectProxy() as proxy:
        urls = [receiver.url("/ok"), receiver.url("/ok")]
        done = deliver(
            *urls,
            tls=authority.trust(),
            proxy=parse_proxy(proxy.url, "x"),
            resolve=lambda _host, _port: ["127.0.0.1"],
        )
        assert [one.verdict for one in done] == [Verdict.DELIVERED, Verdict.DELIVERED]
        assert len(proxy.targets) == 1


def test_an_address_that_the_guard_blocks_is_never_asked_for(deliver: Deliver) -> None:
    with ConnectProxy() as proxy:
        for url, cause in (
            ("https://127.0.0.1:8443/x", Cause.BLOCKED_ADDRESS),
            ("https://127.0.0.1:25/x", Cause.BLOCKED_PORT),
        ):
            done = deliver(url, policy=AddressPolicy(), proxy=parse_proxy(proxy.url, "x"))
            assert (done.verdict, done.detail) == (Verdict.BLOCKED, cause.text)
        assert proxy.targets == []


def test_a_name_that_changes_its_address_during_a_delivery_changes_nothing(
    deliver: Deliver,
) -> None:
    """DNS rebinding: what was checked is what the proxy is asked for."""
    authority, lookups = Authority(), count()
    with (
        TlsReceiver(authority, "hooks.test") as receiver,
        ConnectProxy({"hooks.test": ("127.0.0.1", 9)}) as proxy,
    ):

        def resolve(_host: str, _port: int) -> list[str]:
            return ["127.0.0.1"] if next(lookups) == 0 else ["169.254.169.254"]

        done = deliver(
            receiver.url("/ok", "hooks.test"),
            tls=authority.trust(),
            proxy=parse_proxy(proxy.url, "x"),
            resolve=resolve,
        )
        assert done.verdict is Verdict.DELIVERED
        assert (proxy.targets, next(lookups)) == ([f"127.0.0.1:{receiver.port}"], 1)


def test_plain_http_goes_past_the_proxy(receiver: Receiver, deliver: Deliver) -> None:
    with ConnectProxy() as proxy:
        assert (
            deliver(receiver.url("/ok"), proxy=parse_proxy(proxy.url, "x")).verdict
            is Verdict.DELIVERED
        )
        assert (proxy.targets, proxy.plain) == ([], [])


def test_a_proxy_that_wants_a_credential_gets_it_and_a_wrong_one_is_reported(
    deliver: Deliver,
) -> None:
    authority = Authority()
    with TlsReceiver(authority) as receiver, ConnectProxy(credential="bo:hunter2") as proxy:
        causes = []
        for url in (
            proxy.with_credential("bo:hunter2"),
            proxy.with_credential("bo:wrong"),
            proxy.url,
        ):
            done = deliver(
                receiver.url("/ok", "127.0.0.1"), tls=authority.trust(), proxy=parse_proxy(url, "x")
            )
            causes.append((done.verdict, done.detail))
        refused = (Verdict.REFUSED, Cause.PROXY_CREDENTIAL.text)
        assert causes == [(Verdict.DELIVERED, None), refused, refused]


@pytest.mark.parametrize("status", [403, 502])
def test_a_proxy_that_refuses_is_reported_as_the_proxy(deliver: Deliver, status: int) -> None:
    with ConnectProxy(refuses=status) as proxy:
        done = deliver("https://127.0.0.1:8443/x", proxy=parse_proxy(proxy.url, "x"))
    assert (done.verdict, done.detail) == (Verdict.REFUSED, Cause.PROXY_REFUSED.text)


def test_a_proxy_that_is_not_there_or_is_none_is_reported_as_the_proxy(
    receiver: Receiver, deliver: Deliver
) -> None:
    for port in (free_port(), receiver.port):
        done = deliver(
            "https://127.0.0.1:8443/x", proxy=parse_proxy(f"http://127.0.0.1:{port}", "x")
        )
        assert done.verdict is Verdict.REFUSED
        assert done.detail in {Cause.PROXY_DOWN.text, Cause.PROXY_REFUSED.text}


def test_the_connection_to_the_proxy_may_itself_be_tls() -> None:
    authority = Authority()
    with (
        TlsReceiver(authority) as receiver,
        ConnectProxy(tls=authority.server("127.0.0.1")) as proxy,
    ):

        async def main() -> Delivery:
            async with Sender(
                LOOPBACK, tls=authority.trust(), proxy=parse_proxy(proxy.url, "x")
            ) as sender:
                return await sender.send(
                    Webhook("hook", receiver.url("/ok", "127.0.0.1"), auth=NoAuth()), EVENT, BODY
                )

        done = asyncio.run(main())
        assert (done.verdict, done.detail) == (Verdict.DELIVERED, None)
        assert len(proxy.targets) == 1
