"""Where this program serves HTTP, and a socket that listens there. Serves nothing itself."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from reconciler.core.errors import BadRequest, NotServed

PER_ADDRESS: Final = 250  # connections that one client address may have
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
    """Where HTTP is served. `names` are hosts that it answers to beside loopback's and its own;
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


def _check_encrypted(place: Place, address: str) -> None:
    """Raises BadRequest for plain HTTP on an address that others reach, unless that is allowed."""
    if place.certificate is not None or place.plain:
        return
    if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise BadRequest(
            f"{place.host} is not a loopback address: plain HTTP would show tokens to the network. "
            "Give --tls-cert and --tls-key, or --allow-plain-http"
        )


def listen(place: Place) -> socket.socket:
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
