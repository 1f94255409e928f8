"""`tenant serve`: the application behind uvicorn until SIGTERM or SIGINT.

The only process that sends queued events, under an exclusive lock on the file beside the database.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import ipaddress
import logging
import os
import re
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette

from reconciler.core.errors import BadRequest, NotServed, StoreError
from reconciler.tenant.server.protocol import CONNECTIONS, IDLE_SECONDS, PER_ADDRESS, Protocol, Room
from reconciler.tenant.store.store import Store

FILES: Final = (
    4 * CONNECTIONS
)  # that this process may have open: connections both ways, and some of its own
GRACE: Final = 10  # seconds for requests under way at the end
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
# what the system says when an address cannot be listened on, in words that say what to do
_WHY: Final = {
    errno.EADDRINUSE: "the port is taken; give another --port, or 0 for any that is free",
    errno.EADDRNOTAVAIL: "this machine does not have that address; give another --host",
    errno.EAFNOSUPPORT: "this machine does not have addresses of that kind; give another --host",
    errno.EACCES: "only root may use that port on this system; give one from 1024 up",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tenant is served. `names` are hosts that it answers to beside loopback's and its own;
    TLS needs both files.

    `plain`: HTTP without TLS also on other addresses than loopback. `public`: the origin at which a
    proxy that ends TLS shows it. `per_address`: how many connections one client address may have.
    """

    host: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = ()
    plain: bool = False
    certificate: str | None = None
    key: str | None = None
    public: str | None = None
    per_address: int = PER_ADDRESS

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host name that is answered."""
        public = () if self.public is None else (str(urlsplit(self.public).hostname),)
        return (*LOOPBACK, self.host, *self.names, *public)

    @property
    def shown_host(self) -> str:
        """The host of the addresses that are printed: one that can be opened, where it listens on
        all.
        """
        if self.host in {"0.0.0.0", "::"}:  # noqa: S104  compared, not bound
            return self.names[0] if self.names else "localhost"
        return f"[{self.host}]" if ":" in self.host else self.host


_ORIGIN: Final = re.compile(r"https://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([1-9]\d{0,4}))?/?")


def read_origin(url: str) -> str:
    """The origin of a public address as browsers send it; raises ValueError for anything but https,
    a host and a port.
    """
    match = _ORIGIN.fullmatch(url.lower())
    if match is None or int(match[2] or 443) > 65535:
        raise ValueError(
            "wants https://HOST or https://HOST:PORT, without user, path and query, the "
            "name in ASCII"
        )
    return f"https://{match[1]}" + (f":{match[2]}" if match[2] not in {None, "443"} else "")


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


def _check_encrypted(place: Place, address: str) -> None:
    """Raises BadRequest for plain HTTP on an address that others reach, unless that is allowed."""
    if place.certificate is not None or place.plain:
        return
    if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise BadRequest(
            f"{place.host} is not a loopback address: plain HTTP would show tokens to the network. "
            "Give --tls-cert and --tls-key, or --allow-plain-http"
        )


def _listen(place: Place) -> socket.socket:
    """A socket that listens; raises NotServed, and BadRequest as `_check_encrypted`."""
    where = f"cannot listen on {place.host} port {place.port}"
    try:
        addresses = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        family, address = addresses[0], str(addresses[4][0])
        _check_encrypted(place, address)
        listener = socket.create_server((address, place.port), family=family, backlog=2048)
        # Inherited by every connection. asyncio sets it on sockets that it made itself only;
        # without it an answer, which is written as head and body, waits 40 ms for the client's
        # delayed acknowledgement of the head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener  # noqa: TRY300  an `else` would hide what belongs together
    except (socket.gaierror, UnicodeError):
        raise NotServed(f"{where}: no such host is known") from None
    except OSError as error:
        raise NotServed(f"{where}: {_WHY.get(error.errno or 0, 'the system refuses it')}") from None


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
    with _lock_file(store.path), _listen(place) as listening:
        origin = f"{'http' if place.certificate is None else 'https'}://{place.shown_host}:{listening.getsockname()[1]}"
        store.record_origin(place.public or origin)
        _Server(config, lambda: ready(origin)).run(sockets=[listening])
