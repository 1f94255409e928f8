"""A tenant of fixed latency: every request to it is answered after so many seconds. A process of
its own; prints its address.

It speaks just enough HTTP/1.1 on asyncio alone (a listing, which is empty, and creates; connections
kept alive), since what a server framework spends on a request would be measured too, on the same
two cores; what is asked is whether the client waits for anything but the latency.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

from tests.bench.measure import PYTHON
from tests.support.processes import ROOT, environment

LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_numbers = count()


def answer(body: bytes) -> bytes:
    if not body:
        return b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 32\r\n\r\n{"items":[], "next_cursor":null}'
    made = json.dumps(
        {**json.loads(body), "id": f"id-{next(_numbers)}", "revision": "r1", "invocations": None}
    ).encode()
    head = f'HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {len(made)}\r\netag: "r1"\r\n\r\n'
    return head.encode() + made


class Slow(asyncio.Protocol):
    """One connection; asyncio sets TCP_NODELAY on what it accepts."""

    def __init__(self, latency: float) -> None:
        self.latency, self.held = latency, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, end, rest = self.held.partition(b"\r\n\r\n")
        if not end:
            return
        length = LENGTH.search(head)
        if len(rest) >= (int(length[1]) if length is not None else 0):
            self.held = b""
            asyncio.get_running_loop().call_later(self.latency, self.reply, rest)

    def reply(self, body: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer(body))


@contextmanager
def served(latency: float, module: str = "tests.bench.slow", *arguments: str) -> Iterator[str]:
    """The address of such a tenant, or of another module's, in a process that is ended at the
    end.
    """
    command = [PYTHON, "-m", module, *arguments, str(latency)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=20)


async def main(latency: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Slow(latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/public-api/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
