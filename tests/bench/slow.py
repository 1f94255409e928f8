"""A tenant of fixed latency: every request to it is answered after so many seconds. A process of its own; prints its address."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from itertools import count
from typing import Any

import uvicorn

from tests.bench.measure import PYTHON
from tests.support.processes import ROOT, environment

Message = MutableMapping[str, Any]
_numbers = count()


def app_of(latency: float) -> Callable[..., Awaitable[None]]:
    async def app(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await asyncio.sleep(latency)
        number = next(_numbers)
        made = json.dumps({**json.loads(body), "id": f"id-{number}", "revision": "r1", "invocations": None}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(made)).encode()), (b"etag", b'"r1"')]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": made})

    return app


@contextmanager
def served(latency: float) -> Iterator[str]:
    """The address of such a tenant in another process, ended at the end."""
    command = [PYTHON, "-m", "tests.bench.slow", str(latency)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=20)


def main(latency: float) -> None:
    listening = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # asyncio: no TCP_NODELAY without the protocol
    listening.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/public-api/v1", flush=True)
    config = uvicorn.Config(app_of(latency), lifespan="off", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(float(sys.argv[1]))
