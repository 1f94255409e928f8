from __future__ import annotations

import asyncio
import threading
import time

import pytest

from reconciler.core.results.cause import Cause
from reconciler.core.results.reports import Verdict
from reconciler.delivery.guard import (
    LOOKUPS,
    AddressPolicy,
    Blocked,
    GuardedBackend,
    NameUnresolved,
)
from tests.delivery.conftest import Deliver
from tests.support.receiver import Receiver

# Spellings of addresses that lead to this machine or into a network of it; each is given the port
# of a receiver that listens.
SPELLINGS = """
127.0.0.1 127.1 127.0.1 127.255.255.254 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 017700000001 0177.0.0.01
127.0.0.1. 0 0.0.0.0 0x0 00 localhost LOCALHOST localhost. [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1]
[::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:0001] [::127.0.0.1] [::7f00:1] [2002:7f00:1::] [2002:7f00:0001::1]
[64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2001:0:7f00:1::] [2001:0:0:0:0:0:80ff:fffe] [fe80::1]
[fec0::1] [fc00::1] [fd00:ec2::254] [ff02::1] [2001:db8::1] 10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1
169.254.169.254 0xa9fea9fe 100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.1
203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 [100::1] [5f00::1] [3fff::1]
%31%32%37.0.0.1 127%2e0.0.1 localhost%2e [::ffff:127.0.0.1%25lo] [fe80::1%25lo] localhost.. 127.0.0.1%00
"""


def test_there_are_enough_spellings() -> None:
    assert len(set(SPELLINGS.split())) >= 40


@pytest.mark.parametrize("spelling", SPELLINGS.split())
def test_no_spelling_of_a_special_address_opens_a_connection(
    receiver: Receiver, deliver: Deliver, spelling: str
) -> None:
    done = deliver(f"http://{spelling}:{receiver.port}/ok", policy=AddressPolicy(), total=5.0)
    assert done.verdict in {
        Verdict.BLOCKED,
        Verdict.UNRESOLVED,
    }  # unresolved: not an address to this machine's resolver
    assert receiver.connections == 0


REFUSED = """
0.0.0.0 0.1.2.3 10.255.255.255 100.127.255.255 127.0.0.1 168.63.129.16 169.254.0.1 172.31.255.255 192.0.0.0 192.0.0.9
192.0.0.170 192.0.0.255 192.0.2.255 192.31.196.1 192.52.193.1 192.88.99.1 192.168.255.255 192.175.48.1 198.19.255.255
198.51.100.255 203.0.113.255 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1 ::8.8.8.8 ::ffff:8.8.8.8
::ffff:10.0.0.1 64:ff9b::8.8.8.8 64:ff9b::a00:1 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:1::1 2001:2::1 2001:20::1
2001:1ff:ffff::1 2001:db8::1 2002:808:808::1 2002:a00:1:: 2620:4f:8000::1 3fff:fff::1 4000::1 5f00::1 fc00::1 fdff::1
fe80::1 fe80::1%eth0 febf::1 fec0::1 feff::1 ff00::1 ff0e::1 nonsense
"""
ALLOWED = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17
172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 203.0.112.255 223.255.255.255
2001:200::1 2001:4860:4860::8888 2001:db7::1 2001:db9::1 2003::1 2606:4700::1111 2a00::1 3ffe::1 3fff:1000::1
"""


@pytest.mark.parametrize("address", REFUSED.split())
def test_special_addresses_are_refused(address: str) -> None:
    assert not AddressPolicy().allows(address)


@pytest.mark.parametrize("address", ALLOWED.split())
def test_public_addresses_are_allowed(address: str) -> None:
    assert AddressPolicy().allows(address)


NAMED = [
    ("127.0.0.0/8", "127.1.2.3", True),
    ("127.0.0.0/8", "::ffff:127.0.0.1", True),
    ("127.0.0.0/8", "::1", False),
    ("127.0.0.0/8", "10.0.0.1", False),
    ("127.0.0.0/8", "64:ff9b::127.0.0.1", False),
    ("127.0.0.1", "127.0.0.1", True),
    ("127.0.0.1", "127.0.0.2", False),
    ("::1/128", "::1", True),
    ("fd00::/8", "fd12::1", True),
    ("fe80::/10", "fe80::1%eth0", True),
    ("64:ff9b::/96", "64:ff9b::8.8.8.8", True),
    ("64:ff9b::/96", "64:ff9b::169.254.169.254", False),
    ("64:ff9b:1::/48", "64:ff9b:1::8.8.8.8", True),
    ("64:ff9b:1::/48", "64:ff9b:1::10.0.0.1", False),
    ("64:ff9b:1::/48", "64:ff9b:1:a00:0:100::", False),
    ("2002::/16", "2002:a00:1::1", False),
    ("2001::/32", "2001:0:7f00:1::", False),
    ("::/96", "::127.0.0.1", False),
    ("0.0.0.0/0", "169.254.169.254", True),
]


@pytest.mark.parametrize(("network", "address", "allowed"), NAMED)
def test_a_named_network_is_allowed_and_a_translated_address_only_with_what_it_leads_to(
    network: str, address: str, allowed: bool
) -> None:
    assert AddressPolicy.parse([network], []).allows(address) is allowed


PORTS = [
    (80, True),
    (443, True),
    (1024, True),
    (65535, True),
    (22, False),
    (25, False),
    (1023, False),
    (0, False),
    (65536, False),
]


@pytest.mark.parametrize(("port", "allowed"), PORTS)
def test_low_ports_other_than_80_and_443_need_to_be_named(port: int, allowed: bool) -> None:
    assert AddressPolicy().allows_port(port) is allowed
    assert AddressPolicy.parse([], [22]).allows_port(22)


def test_a_low_port_is_blocked_before_the_name_is_resolved(deliver: Deliver) -> None:
    done = deliver("http://missing.invalid:25/")
    assert (done.verdict, done.detail) == (Verdict.BLOCKED, Cause.BLOCKED_PORT.text)


MISTAKES = [
    ("10.0.0.0/99", (), "'10.0.0.0/99' is not a network"),
    ("nonsense", (), "'nonsense' is not a network"),
    ("127.0.0.1/8", (), "127.0.0.0/8 would be the network"),
    ("10.0.0.0/8", ("ssh",), "'ssh' is not a port"),
    ("10.0.0.0/8", (0,), "'0' is not a port"),
    ("10.0.0.0/8", ("99999999999999",), "is not a port"),
]


@pytest.mark.parametrize(("network", "ports", "message"), MISTAKES)
def test_a_mistaken_option_is_explained(network: str, ports: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=r"is not a|would be") as caught:
        AddressPolicy.parse([network], ports)
    assert message in str(caught.value)


def test_a_name_with_one_refused_address_is_refused_altogether(receiver: Receiver) -> None:
    async def main() -> None:
        backend = GuardedBackend(
            AddressPolicy.parse(["127.0.0.0/8"]),
            resolve=lambda _host, _port: ["127.0.0.1", "10.0.0.1"],
        )
        await backend.connect_tcp("two.example", receiver.port)

    with pytest.raises(Blocked):
        asyncio.run(main())
    assert receiver.connections == 0


def test_the_name_is_resolved_once_and_the_next_address_is_tried_when_one_takes_no_connection(
    receiver: Receiver,
) -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.2", "127.0.0.1"]

    async def main() -> tuple[str, int]:
        backend = GuardedBackend(AddressPolicy.parse(["127.0.0.0/8"]), resolve=resolve)
        stream = await backend.connect_tcp("two.example", receiver.port, 5.0)
        address: tuple[str, int] = stream.get_extra_info("server_addr")
        await stream.aclose()
        return address

    assert asyncio.run(main()) == ("127.0.0.1", receiver.port)
    assert asked == ["two.example"]


@pytest.mark.parametrize("answer", [[], OSError("no such name"), UnicodeError("label too long")])
def test_a_name_without_an_address_is_unresolved(answer: list[str] | Exception) -> None:
    def resolve(_host: str, _port: int) -> list[str]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(NameUnresolved):
        asyncio.run(
            GuardedBackend(AddressPolicy(), resolve=resolve).connect_tcp("none.example", 443)
        )


def test_a_resolver_that_hangs_is_given_up_and_stops_neither_the_loop_nor_other_names() -> None:
    release = threading.Event()

    def resolve(host: str, _port: int) -> list[str]:
        if host == "slow.example":
            release.wait(30)
        return ["10.0.0.1"]

    async def main() -> list[object]:
        backend = GuardedBackend(AddressPolicy(), resolve=resolve, lookup_seconds=0.2)
        names = [*["slow.example"] * 20, "quick.example"]
        return await asyncio.gather(
            *(backend.connect_tcp(name, 443) for name in names), return_exceptions=True
        )

    started = time.perf_counter()
    try:
        ends = asyncio.run(main())
    finally:
        release.set()
    assert time.perf_counter() - started < 5
    assert [type(end) for end in ends] == [*[NameUnresolved] * 20, Blocked]


def test_names_that_hang_cannot_take_more_than_32_threads() -> None:
    release, most, now, lock = threading.Event(), [0], [0], threading.Lock()

    def resolve(_host: str, _port: int) -> list[str]:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        release.wait(30)
        return []

    async def main() -> None:
        backend = GuardedBackend(AddressPolicy(), resolve=resolve, lookup_seconds=0.3)
        await asyncio.gather(
            *(backend.connect_tcp(f"n{n}.example", 443) for n in range(50)), return_exceptions=True
        )

    try:
        asyncio.run(main())
    finally:
        release.set()
    assert most[0] == LOOKUPS
