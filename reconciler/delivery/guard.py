"""Which addresses may be reached: a network backend that resolves, checks and connects, each once an attempt.

The check stands where the socket is opened, so that url, Host, SNI, certificate name and connection pool keep the name. Used by
`send.py` alone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

import httpcore

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

RESOLVE_SECONDS: Final = 5.0
RESOLVE_THREADS: Final = 32

# IANA IPv4 and IPv6 Special-Purpose Address Registries, multicast, and Azure's wire server (168.63.129.16).
REFUSED: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2620:4f:8000::/48",
        "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
_TEREDO: Final = IPv6Network("2001::/32")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")


class Blocked(Exception):  # noqa: N818  named for what happened
    """The address guard refused a name, an address or a port."""


class Unresolved(Exception):  # noqa: N818  named for what happened
    """The name has no address, or none within the time."""


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address carries: mapped, compatible, 6to4, Teredo (server and client), NAT64."""
    if isinstance(address, IPv4Address):
        return ()
    number = int(address)
    if address in _SIX_TO_FOUR:
        return (IPv4Address((number >> 80) & 0xFFFFFFFF),)
    if address in _TEREDO:
        return (IPv4Address((number >> 64) & 0xFFFFFFFF), IPv4Address(~number & 0xFFFFFFFF))
    if any(address in network for network in (_NAT64, _COMPATIBLE, _MAPPED)):
        return (IPv4Address(number & 0xFFFFFFFF),)
    return ()


def _in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Networks and low ports that may be reached beside public addresses and ports 80, 443 and 1024 up."""

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, cidrs: Iterable[str], ports: Iterable[int] = ()) -> AddressPolicy:
        """From the texts of options; raises ValueError saying what is wrong."""
        networks = []
        for text in cidrs:
            try:
                networks.append(ip_network(text, strict=False))
            except ValueError:
                raise ValueError(f"{text!r} is not a network such as 10.1.0.0/16") from None
        return cls(tuple(networks), frozenset(ports))

    def allowed(self, text: str) -> bool:
        """Whether an address may be connected to, in whatever form it carries another."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        inner = _embedded(address)
        if _in(address, self.networks) or (inner and all(_in(item, self.networks) for item in inner)):
            return True
        if _in(address, REFUSED) or any(_in(item, REFUSED) for item in inner):
            return False
        return not inner or address in _NAT64 or address in _MAPPED

    def port_allowed(self, port: int) -> bool:
        """Whether a port may be connected to."""
        return port >= 1024 or port in {80, 443} or port in self.ports


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name once in a pool of its own, refuses it if one of its addresses is refused, then connects."""

    def __init__(self, policy: AddressPolicy) -> None:
        """The pool's threads start when the first name is resolved."""
        self._policy = policy
        self._inner = httpcore.AnyIOBackend()
        self._pool = ThreadPoolExecutor(RESOLVE_THREADS, thread_name_prefix="resolve")

    def close(self) -> None:
        """Gives up what is still being resolved."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _resolve(self, host: str, port: int) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        try:
            ascii_host = host.encode("ascii").decode()
            query = loop.run_in_executor(self._pool, socket.getaddrinfo, ascii_host, port, 0, socket.SOCK_STREAM)
            found = await asyncio.wait_for(query, RESOLVE_SECONDS)
        except (OSError, UnicodeError, TimeoutError):
            raise Unresolved from None
        return tuple(dict.fromkeys(str(item[4][0]) for item in found))

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to one of the name's addresses; raises Blocked or Unresolved before any socket is opened."""
        if not self._policy.port_allowed(port):
            raise Blocked
        addresses = await self._resolve(host, port)
        if not addresses:
            raise Unresolved
        if not all(self._policy.allowed(address) for address in addresses):
            raise Blocked
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or Unresolved

    async def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:  # noqa: ARG002, ASYNC109  httpcore's signature
        """Refused: an endpoint is never a file."""
        raise Blocked

    async def sleep(self, seconds: float) -> None:
        """As httpcore asks."""
        await asyncio.sleep(seconds)
