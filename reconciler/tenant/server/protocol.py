"""One connection of the server: uvicorn's, with limits that uvicorn has not, and its refusals as
problem documents.

A request's head has at most 32 KiB and has to arrive in 10 seconds, however it drips; a connection
without a request ends after 30 seconds, and so does one whose client does not read the answer.
Beyond 1,000 connections, or 250 of one client address, a request is 503 and its connection closed;
far beyond that it is not even listened to.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import Any, Final, cast

import h11
from starlette.types import Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.net.listening import PER_ADDRESS
from reconciler.tenant import problems
from reconciler.tenant.problems import Problem

CONNECTIONS: Final = 1000  # at once
REFUSALS: Final = 50  # connections of one address beyond its limit that still get an answer
# that a connection is kept without a request, or without the client taking anything of an answer
IDLE_SECONDS: Final = 30
HEAD_BYTES: Final = 32 * 1024  # of a request's line and headers
# from a connection's begin, or a later request's first byte, to the end of its head
HEAD_SECONDS: Final = 10.0
_WHOLE_URL: Final = re.compile(rb"(?i:https?)://(?P<host>[^/?#]*)(?P<path>.*)")


class Room:
    """How many connections each client address has, and how many it may have; an IPv6 client's
    address is its /64 network.
    """

    def __init__(self, per_address: int = PER_ADDRESS) -> None:
        self.per_address = per_address
        self._counts: Counter[str] = Counter()

    def enter(self, address: str) -> int:
        """Counts a new connection of an address; returns how many it has now."""
        key = _find_network(address)
        self._counts[key] += 1
        return self._counts[key]

    def leave(self, address: str) -> None:
        """Counts a connection of an address as ended."""
        key = _find_network(address)
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]


def _find_network(address: str) -> str:
    if ":" not in address:
        return address
    parsed = IPv6Address(address)
    return str(parsed.ipv4_mapped) if parsed.ipv4_mapped is not None else str(int(parsed) >> 64)


async def _refuse_overload(scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem("overloaded", headers={"Retry-After": "2", "Connection": "close"})
    await problems.make_response(problem)(scope, receive, send)


def _use_path(request: h11.Request) -> h11.Request:
    """A request whose target is a whole url, as if it had named the path, and the url's host as
    Host: RFC 9112, 3.2.2.
    """
    match = _WHOLE_URL.fullmatch(request.target)
    if match is None:
        return request
    path = match["path"] if match["path"].startswith(b"/") else b"/" + match["path"]
    others = [item for item in request.headers.raw_items() if item[0].lower() != b"host"]
    headers = [(b"Host", match["host"]), *others]
    return h11.Request(
        method=request.method, target=path, headers=headers, http_version=request.http_version
    )


class _Requests(h11.Connection):
    """Reads requests. h11 itself counts only what is not complete yet, and a head may arrive
    complete, in one piece.
    """

    def next_event(self) -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
        """As h11's; raises RemoteProtocolError for a head that is too long."""
        if self.their_state is not h11.IDLE:
            return super().next_event()
        before = len(self.trailing_data[0])
        event = super().next_event()
        if not isinstance(event, h11.Request):
            return event
        if before - len(self.trailing_data[0]) > HEAD_BYTES:
            raise h11.RemoteProtocolError("the head is too long", 431)
        return _use_path(event)


class Protocol(H11Protocol):
    """A connection; `room` is shared by all of a server."""

    _waiting: asyncio.TimerHandle | None = None  # until the head is there
    _unread: asyncio.TimerHandle | None = None  # until the client has taken what was written

    def __init__(self, *args: Any, room: Room, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _Requests(h11.SERVER, HEAD_BYTES)
        self._room, self._address = room, ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begins to wait for a head."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client is not None else ""
        more = self._room.enter(self._address) - self._room.per_address
        if more > REFUSALS or len(self.connections) > 2 * CONNECTIONS:
            self.connections.discard(
                self
            )  # now, and not when its end is met: else it counts against the others until then
            transport.abort()
        elif more > 0 or len(self.connections) > CONNECTIONS:
            self.app = cast("ASGI3Application", _refuse_overload)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the waiting."""
        self._room.leave(self._address)
        self._end_wait()
        self._end_taking()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """As uvicorn's; what was written has to be taken."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """As uvicorn's; enough of what was written is taken."""
        super().resume_writing()
        self._end_taking()

    def on_response_complete(self) -> None:
        """As uvicorn's, which may close the connection; that waits for the client, however long."""
        super().on_response_complete()
        self._await_rest()

    def timeout_keep_alive_handler(self) -> None:
        """As uvicorn's, which closes the connection."""
        super().timeout_keep_alive_handler()
        self._await_rest()

    def _await_rest(self) -> None:
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._await_taking()

    def _await_taking(self) -> None:
        self._end_taking()
        self._unread = self.loop.call_later(
            IDLE_SECONDS, self._end_unread, self.transport.get_write_buffer_size()
        )

    def _end_taking(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _end_unread(self, before: int) -> None:
        """Ends a connection whose client took nothing since there were that many bytes to take."""
        self._unread = None
        if self.transport.get_write_buffer_size() < before:
            self._await_taking()
        else:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """As uvicorn's; what is not yet a request is waited for."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._end_wait()
        elif self._waiting is None and not self.transport.is_closing():
            self._wait()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._refuse_slow)

    def _end_wait(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _refuse_slow(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self._refuse(Problem("timeout"))

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's signature
        """Answers and closes the connection; `msg` may quote what was sent and is not sent on."""
        self._refuse(Problem("bad-request", "it is not HTTP/1.1, or its head is over 32 KiB"))

    def _refuse(self, problem: Problem) -> None:
        answer: Any = problems.make_response(problem)
        line = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()
        head = [
            line,
            *(name + b": " + value for name, value in answer.raw_headers),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join(head) + b"\r\n\r\n" + answer.body)
        self.transport.close()
        self._await_rest()
