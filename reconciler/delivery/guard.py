"""The addresses that deliveries may reach: a network backend that resolves, checks, connects.

The check is at the opening of the socket, on the resolved addresses, so no spelling of an address
bypasses it; url, Host, SNI, certificate name and connection pool keep the name. `send.py` reports
the result.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self
from weakref import WeakValueDictionary

import httpcore

from reconciler.core.results.cause import Cause
from reconciler.delivery.addresses import Address, Network, find_embedded, is_special
from reconciler.delivery.tunnel import NoTunnel, Tunnels

LOOKUPS: Final = 32  # threads that resolve names at once
LOOKUPS_A_NAME: Final = 2  # of these, so that no name whose lookup hangs can use them up
LOOKUP_SECONDS: Final = 5.0
WELL_KNOWN: Final = frozenset({80, 443})

Resolve = Callable[[str, int], Iterable[str]]
_Option = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Stopped(Exception):
    """No connection was made; `cause` is the reason. The text holds nothing of the url."""

    def __init__(self, cause: Cause) -> None:
        """`cause` of the closed list."""
        super().__init__(cause.text)
        self.cause = cause


class Blocked(Stopped):
    """The port, or one of the addresses of the name, is not allowed."""


class NameUnresolved(Stopped):
    """The name did not resolve within 5 s, or has no address."""


class Unconnected(Stopped):
    """None of the addresses took the connection."""


def _parse_network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not a network such as 10.0.0.0/8 or fd00::/8") from None
    raise ValueError(f"{text!r} has bits behind its prefix; {network} would be the network")


def _parse_port(port: int | str) -> int:
    text = str(port)
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0
    if not 1 <= number <= 65535:
        raise ValueError(f"{text!r} is not a port from 1 to 65535")
    return number


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What deliveries may reach beside public addresses and the ports 80, 443 and 1024 up."""

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, cidrs: Iterable[str] = (), ports: Iterable[int | str] = ()) -> Self:
        """The policy of `--allow-network` and `--allow-port`; raises ValueError with a text for
        people.
        """
        return cls(
            tuple(_parse_network(text.strip()) for text in cidrs),
            frozenset(_parse_port(port) for port in ports),
        )

    def allows_port(self, port: int) -> bool:
        """Whether a port may be connected to."""
        return port in WELL_KNOWN or port in self.ports or 1024 <= port <= 65535

    def allows(self, ip: str) -> bool:
        """Whether an address, as the resolver tells it, may be connected to; what is not an address
        may not.

        A mapped address is allowed if its IPv4 address is; a translated one if both are.
        """
        try:
            address = ipaddress.ip_address(ip.partition("%")[0])
        except ValueError:
            return False
        if self._is_listed(address):
            return all(
                self._is_listed(inner) or not is_special(inner) for inner in find_embedded(address)
            )
        return not is_special(address)

    def _is_listed(self, address: Address) -> bool:
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any(
            address in network or (mapped is not None and mapped in network)
            for network in self.networks
        )


def resolve_by_system(host: str, port: int) -> list[str]:
    """The addresses of a name, or of a spelling of an address, from the system's resolver; raises
    OSError or ValueError. Blocks.
    """
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _Lookups:
    """Resolves names in threads of its own, at most 32 at once and two a name.

    A thread cannot be stopped, so one that outlives its 5 s keeps its places until the system's
    resolver gives up. They are daemons: a hanging resolver does not keep the program from ending,
    as the threads of an executor would.
    """

    def __init__(self, resolve: Resolve, seconds: float) -> None:
        self._room = asyncio.Semaphore(LOOKUPS)
        self._of_name: WeakValueDictionary[str, asyncio.Semaphore] = (
            WeakValueDictionary()
        )  # as long as a lookup holds one
        self._resolve, self._seconds = resolve, seconds

    async def find_addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a name in the resolver's order, each once; raises Unresolved."""
        try:
            async with asyncio.timeout(self._seconds):
                addresses = await self._look_up(host, port)
        except TimeoutError:
            raise NameUnresolved(Cause.UNRESOLVED) from None
        if not addresses:
            raise NameUnresolved(Cause.UNRESOLVED)
        return addresses

    async def _look_up(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[list[str]] = loop.create_future()
        own = self._of_name.setdefault(host, asyncio.Semaphore(LOOKUPS_A_NAME))
        await own.acquire()
        try:
            await self._room.acquire()
        except BaseException:
            own.release()
            raise

        def end(addresses: list[str]) -> None:
            self._room.release()
            own.release()
            if not result.done():
                result.set_result(addresses)

        threading.Thread(
            target=self._resolve_in_thread, args=(loop, end, host, port), daemon=True
        ).start()
        return await result

    def _resolve_in_thread(
        self,
        loop: asyncio.AbstractEventLoop,
        end: Callable[[list[str]], None],
        host: str,
        port: int,
    ) -> None:
        try:
            addresses = list(dict.fromkeys(self._resolve(host, port)))
        except (
            OSError,
            ValueError,
            OverflowError,
        ):  # UnicodeError, of a label that is too long, is a ValueError
            addresses = []
        with suppress(RuntimeError):  # the loop has ended, so no task waits for the result
            loop.call_soon_threadsafe(end, addresses)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to allowed addresses only; raises Blocked, Unresolved or Unconnected.

    `resolve` asks for a name's addresses, in a thread; `lookup_seconds` bounds that, a connection's
    `timeout` each address. With `tunnels` the same is resolved and checked here, and the proxy is
    asked for the address, not for the name: what a name means to the proxy, or a moment later, does
    not count.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        resolve: Resolve = resolve_by_system,
        lookup_seconds: float = LOOKUP_SECONDS,
        tunnels: Tunnels | None = None,
    ) -> None:
        self._policy, self._tunnels = policy, tunnels
        self._lookups = _Lookups(resolve, lookup_seconds)
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[_Option] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of the name that takes one; one refused address refuses
        the name.
        """
        if not self._policy.allows_port(port):
            raise Blocked(Cause.BLOCKED_PORT)
        addresses = await self._lookups.find_addresses(host, port)
        if not all(self._policy.allows(address) for address in addresses):
            raise Blocked(Cause.BLOCKED_ADDRESS)
        cause: Cause = Cause.REFUSED
        for address in addresses:
            try:
                if self._tunnels is not None:
                    return await self._tunnels.open(self._network, address, port, timeout)
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except NoTunnel as error:
                cause = error.cause
            except httpcore.ConnectTimeout:
                cause = Cause.NO_CONNECTION_IN_TIME
            except httpcore.ConnectError:
                cause = Cause.REFUSED
        raise Unconnected(cause)
