"""What an agent answers over HTTP: page, health, metrics, status, and push webhooks of forges."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.continuous.forges.push import MAX_BODY, PushRefused, read_push
from reconciler.continuous.page.html import HEADERS
from reconciler.continuous.page.routes import for_hosts, make_routes
from reconciler.core.model.secret import Secret
from reconciler.net.listening import LOOPBACK, Place, listen
from reconciler.rendering.document import to_json

CONNECTIONS: Final = 200  # at once
_NO_SECRET: Final = Secret(None, "")
_HEAD_BYTES: Final = 32 * 1024
_log = logging.getLogger("reconciler.continuous.server")


class Board(Protocol):
    """What the server shows."""

    @property
    def is_ready(self) -> bool:
        """Whether the desired state can be read; one that was read before stays in use."""
        ...

    def make_status(self) -> dict[str, Any]:
        """The state of everything as JSON values."""
        ...

    def render_metrics(self) -> bytes:
        """The metrics in Prometheus' text format."""
        ...

    def take_push(self, ref: str, delivery: str) -> bool:
        """A genuine push; whether the agent looks at the repository now."""
        ...


def create_app(
    board: Board, secrets: Mapping[str, Secret], hosts: Sequence[str] = LOOPBACK
) -> Starlette:
    """The application; `secrets` are those of the forges that may push. Page and status are
    answered to these hosts only; a push may come through a proxy of any name.
    """
    endpoints = _Endpoints(board, secrets)
    app = Starlette(
        routes=[
            *make_routes(board.make_status, hosts),
            Route("/healthz", endpoints.show_health),
            Route("/readyz", endpoints.show_readiness),
            Route("/metrics", endpoints.show_metrics),
            Route("/status", for_hosts(hosts, endpoints.show_status)),
            Route("/hooks/{forge}", endpoints.take_push, methods=["POST"]),
        ]
    )
    app.router.redirect_slashes = False
    return app


class _Endpoints:
    def __init__(self, board: Board, secrets: Mapping[str, Secret]) -> None:
        self._board, self._secrets = board, secrets

    async def show_health(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def show_readiness(self, _request: Request) -> Response:
        if self._board.is_ready:
            return PlainTextResponse("ok\n")
        return PlainTextResponse("the desired state cannot be read: see /status\n", 503)

    async def show_metrics(self, _request: Request) -> Response:
        return Response(
            self._board.render_metrics(), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    async def show_status(self, _request: Request) -> Response:
        text = to_json(self._board.make_status(), indent=None)
        return Response(text, headers=HEADERS, media_type="application/json")

    async def take_push(self, request: Request) -> Response:
        forge = request.path_params["forge"]
        secret = self._secrets.get(forge, _NO_SECRET)
        try:
            body = await _read_body(request)
            push = read_push(forge, request.headers, body, secret, now=time.time())
        except PushRefused as refusal:
            _log.warning("push webhook refused: %s", refusal)
            return PlainTextResponse(f"{refusal}\n", refusal.status)
        if push is None:
            return PlainTextResponse("not a push: ignored\n")
        is_new = self._board.take_push(push.ref, push.delivery)
        if not is_new:
            return PlainTextResponse("another branch, or a delivery that came before: ignored\n")
        return PlainTextResponse("looking at the repository\n", 202)


async def _read_body(request: Request) -> bytes:
    """The body; raises PushRefused for one that is too large."""
    too_large = PushRefused(413, f"the body has over {MAX_BODY} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > MAX_BODY:
        raise too_large
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MAX_BODY:
            raise too_large
    return bytes(data)


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        await super().startup(sockets)
        self.is_listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """No handlers of its own: the agent's signals end it."""
        yield


@asynccontextmanager
async def serving(app: Starlette, place: Place) -> AsyncIterator[str]:
    """Serves while the block runs; yields the origin, such as http://127.0.0.1:8081. Raises
    NotServed and BadRequest as `listen`.
    """
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # its lines may quote what was sent
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=2,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )
    with listen(place) as listening:
        server = _Server(config)
        task = asyncio.ensure_future(server.serve(sockets=[listening]))
        scheme = "http" if place.certificate is None else "https"
        try:
            await server.is_listening.wait()
            yield f"{scheme}://{place.shown_host}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
