"""A proxy in front of a product: it loses answers, or answers instead of the product."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_AUTHORIZATION = re.compile(rb"\r\nauthorization:\s*([^\r]*)", re.IGNORECASE)
_REFUSED = re.compile(rb"HTTP/1\.[01] [45]")
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


class _Server(ABC):
    """An async context manager: a server on this machine that gets one request per connection."""

    url: str = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._path}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length.group(1))) if length else b""
            answer = await self._answer(head, body)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client left
        finally:
            writer.close()

    @property
    @abstractmethod
    def _path(self) -> str:
        """The path of `url`."""

    @abstractmethod
    async def _answer(self, head: bytes, body: bytes) -> bytes | None:
        """The raw answer to a request; None closes the connection without one."""


@dataclass
class FaultProxy(_Server):
    """An async context manager; `url` is the product's address behind it.

    `lose` counts, by method, the requests that are passed on and whose answer is lost. `answers`
    holds, by method, raw answers that are sent instead of asking the product, in their order.
    `refusals` are the bodies of the product's own answers of status 400 or more.
    """

    target: str
    lose: dict[str, int] = field(default_factory=dict)
    answers: dict[str, list[bytes]] = field(default_factory=dict)
    refusals: list[bytes] = field(default_factory=list)

    @property
    def _path(self) -> str:
        return urlsplit(self.target).path

    async def _answer(self, head: bytes, body: bytes) -> bytes | None:
        method = head.split(b" ", 1)[0].decode("ascii", "replace")
        instead = self.answers.get(method)
        answer = instead.pop(0) if instead else await self._ask(head, body)
        if self.lose.get(method, 0) > 0:
            self.lose[method] -= 1
            return None
        return answer

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        """The product's answer, on a connection of its own."""
        parts = urlsplit(self.target)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        request = _CONNECTION.sub(b"", head[:-4]) + b"\r\nConnection: close\r\n\r\n"
        writer.write(request + body)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        head, _, rest = answer.partition(b"\r\n\r\n")
        if _REFUSED.match(head):
            self.refusals.append(rest)
        return _CONNECTION.sub(b"", head) + b"\r\nConnection: close\r\n\r\n" + rest


def make_answer(status: int, body: bytes, media: str, **headers: str) -> bytes:
    """A raw answer; `Retry_After` becomes the header Retry-After."""
    fields = {"Content-Type": media, "Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


@dataclass
class Receiver(_Server):
    """An endpoint; an async context manager. `credentials` are the Authorization headers it got,
    `deliveries` all headers, their names in lower case, and the bodies. `status` is its answer.
    """

    credentials: list[str] = field(default_factory=list)
    deliveries: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200

    @property
    def _path(self) -> str:
        return "/hook"

    async def _answer(self, head: bytes, body: bytes) -> bytes:
        lines = (line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:])
        self.deliveries.append(({name.lower(): value for name, _, value in lines}, body))
        header = _AUTHORIZATION.search(head)
        self.credentials.append(header.group(1).decode() if header else "")
        return make_answer(self.status, b"{}", "application/json")
