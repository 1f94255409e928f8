"""One connection of the server: uvicorn's, with limits that uvicorn has not, and its refusals as problem documents.

A request's head has at most 32 KiB and has to arrive in 10 seconds, however it drips; beyond 1,000 connections a request is 503
and its connection closed, beyond twice that it is not even listened to. Used by `server.py`.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Any, Final, cast

import h11
from starlette.types import Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.tenant import problems
from reconciler.tenant.problems import Problem

CONNECTIONS: Final = 1000  # at once
HEAD_BYTES: Final = 32 * 1024  # of a request's line and headers
HEAD_SECONDS: Final = 10.0  # from a connection's begin, or a later request's first byte, to the end of its head
_WHOLE_URL: Final = re.compile(rb"(?i:https?)://(?P<host>[^/?#]*)(?P<path>.*)")


async def _overloaded(scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem("overloaded", headers={"Retry-After": "2", "Connection": "close"})
    await problems.response(problem)(scope, receive, send)


def _with_path(request: h11.Request) -> h11.Request:
    """A request whose target is a whole url, as if it had named the path, and the url's host as Host: RFC 9112, 3.2.2."""
    found = _WHOLE_URL.fullmatch(request.target)
    if found is None:
        return request
    path = found["path"] if found["path"].startswith(b"/") else b"/" + found["path"]
    others = [item for item in request.headers.raw_items() if item[0].lower() != b"host"]
    headers = [(b"Host", found["host"]), *others]
    return h11.Request(method=request.method, target=path, headers=headers, http_version=request.http_version)


class _Requests(h11.Connection):
    """Reads requests. h11 itself counts only what is not complete yet, and a head may arrive complete, in one piece."""

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
        return _with_path(event)


class Protocol(H11Protocol):
    """A connection."""

    _waiting: asyncio.TimerHandle | None = None  # until the head is there

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _Requests(h11.SERVER, HEAD_BYTES)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begins to wait for a head."""
        super().connection_made(transport)
        if len(self.connections) > 2 * CONNECTIONS:
            transport.abort()
        elif len(self.connections) > CONNECTIONS:
            self.app = cast("ASGI3Application", _overloaded)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the waiting."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As uvicorn's; what is not yet a request is waited for."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_no_more()
        elif self._waiting is None and not self.transport.is_closing():
            self._wait()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_slow(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self._refuse(Problem("timeout"))

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's signature
        """Answers and closes the connection; `msg` may quote what was sent and is not told."""
        self._refuse(Problem("bad-request", "it is not HTTP/1.1, or its head is over 32 KiB"))

    def _refuse(self, problem: Problem) -> None:
        answer: Any = problems.response(problem)
        line = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()
        head = [line, *(name + b": " + value for name, value in answer.raw_headers), b"connection: close"]
        self.transport.write(b"\r\n".join(head) + b"\r\n\r\n" + answer.body)
        self.transport.close()
