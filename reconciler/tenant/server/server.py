"""`tenant serve`: the application behind uvicorn until SIGTERM or SIGINT.

The only process that sends queued events, under an exclusive lock on the file beside the database.
"""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, cast

import uvicorn
from starlette.applications import Starlette

from reconciler.core.errors import BadRequest, StoreError
from reconciler.net.listening import Place, listen
from reconciler.tenant.server.protocol import CONNECTIONS, IDLE_SECONDS, Protocol, Room
from reconciler.tenant.store.store import Store

FILES: Final = (
    4 * CONNECTIONS
)  # that this process may have open: connections both ways, and some of its own
GRACE: Final = 10  # seconds for requests under way at the end


class _Server(uvicorn.Server):
    """Says when it listens, and returns after a signal instead of raising it again."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, then `ready`. What is there by now stays, so no collection of garbage has
        to walk through it again.
        """
        await super().startup(sockets)
        gc.freeze()  # else each full one stops every request for tens of milliseconds
        if self.started:
            self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the server gracefully; the handlers before are put back."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _lock_file(path: str) -> Iterator[None]:
    """The exclusive lock of the one engine of this file; raises StoreError when another process has
    it.
    """
    try:
        handle = os.open(path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f"{path}.lock: cannot be opened: {os.strerror(error.errno or 0)}"
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"{path}: is already served by another process") from None
        yield
    finally:
        os.close(handle)


def _raise_file_limit() -> None:
    """Raises the soft limit of open files, so that the connections' own limit is met first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _make_config(app: Starlette, place: Place) -> uvicorn.Config:
    """Uvicorn's settings; raises BadRequest for a certificate or key that cannot be used."""
    logging.getLogger("uvicorn").setLevel(
        logging.CRITICAL
    )  # its lines may quote what was sent; ours stand in telemetry.py
    config = uvicorn.Config(
        app,
        http=cast("Any", partial(Protocol, room=Room(place.per_address))),  # it is only called
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )
    try:
        config.load()
    except OSError:  # ssl.SSLError is one
        raise BadRequest(
            "--tls-cert, --tls-key: cannot be read, or are no certificate and its key"
        ) from None
    return config


def serve(store: Store, app: Starlette, place: Place, ready: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is under way; `ready` gets the origin,
    such as http://127.0.0.1:8080.

    Port 0 takes a free one. Raises StoreError when another process serves this file, NotServed for
    an address that cannot be used, BadRequest for a certificate that is none, and for plain HTTP
    that is not allowed.
    """
    config = _make_config(app, place)
    _raise_file_limit()
    with _lock_file(store.path), listen(place) as listening:
        origin = f"{'http' if place.certificate is None else 'https'}://{place.shown_host}:{listening.getsockname()[1]}"
        store.record_origin(place.public or origin)
        _Server(config, lambda: ready(origin)).run(sockets=[listening])
