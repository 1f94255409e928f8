"""What stands on the wire between the installed command and a tenant: a server with prepared
answers, and a proxy.

    with wire(lambda asked: Reply(200, b"<html>", media="text/html")) as server: ...   # a tenant
    that is none
    with proxy(tenant.url, after=losing("POST")) as between: ...                       # serves a
    create, loses its answer

Both run in a thread of their own and record what they were asked, which is a tenant's view of a
run.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.providers.builders import LOST, Answering, Asked, Reply, Server, serving

Before = Callable[[Asked], "Reply | Awaitable[Reply | None] | None"]
After = Callable[[Asked, Reply], "Reply | None"]

_PASSED_ON = ("authorization", "content-type", "if-match", "idempotency-key", "accept")
_KEPT = ("ETag", "Location", "Retry-After", "WWW-Authenticate")


@contextmanager
def wire(answer: Answering) -> Iterator[Server]:
    """A server on 127.0.0.1, in a thread, that gives each request to `answer`."""
    loop, ready, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    made: list[Server] = []

    async def run() -> None:
        async with serving(answer) as server:
            made.append(server)
            ready.set()
            await ended.wait()
        await loop.shutdown_default_executor()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        ready.wait()
        yield made[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def nothing(_asked: Asked) -> None:
    """No answer of the proxy's own: the request is passed on."""


def as_it_is(_asked: Asked, answer: Reply) -> Reply:
    """The tenant's answer, passed back."""
    return answer


@contextmanager
def proxy(url: str, *, before: Before = nothing, after: After = as_it_is) -> Iterator[Server]:
    """A server that passes requests on to the tenant at `url`.

    What `before` answers is not passed on; `after` sees the tenant's answer and says what goes out,
    None loses it.
    """

    async def answer(asked: Asked) -> Reply | None:
        early = before(asked)
        own = early if early is None or isinstance(early, Reply) else await early
        if own is not None:
            return own
        given = await asyncio.to_thread(_passed_on, url, asked)
        return LOST if given is None else after(asked, given)

    with wire(answer) as server:
        yield server


def _passed_on(url: str, asked: Asked) -> Reply | None:
    """The tenant's answer, None while it is away."""
    to = urlsplit(url)
    connection = http.client.HTTPConnection(to.hostname or "", to.port, timeout=30)
    body = None if asked.body is None else json.dumps(asked.body)
    try:
        connection.request(
            asked.method,
            asked.target,
            body,
            {n: v for n, v in asked.headers.items() if n in _PASSED_ON},
        )
        given = connection.getresponse()
        headers = {name: value for name in _KEPT if (value := given.getheader(name)) is not None}
        return Reply(
            given.status, given.read(), headers, given.getheader("Content-Type", "application/json")
        )
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
