"""A connection that a proxy opens for a delivery (CONNECT); `guard.py` decides which addresses it
may be asked for.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

import httpcore

from reconciler.core.results.cause import Cause
from reconciler.net.proxies import Proxy

_UNREACHED: Final = (httpcore.NetworkError, httpcore.ProtocolError, OSError)


class NoTunnel(Exception):
    """The proxy opened no connection; `cause` says why."""

    def __init__(self, cause: Cause) -> None:
        """`cause` of the closed list."""
        super().__init__(cause.text)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Tunnels:
    """A proxy that opens connections; `tls` is for the connection to it, if its address begins with
    https://.
    """

    proxy: Proxy
    tls: ssl.SSLContext

    async def open(
        self,
        network: httpcore.AsyncNetworkBackend,
        address: str,
        port: int,
        timeout: float | None,  # noqa: ASYNC109  httpcore's way
    ) -> httpcore.AsyncNetworkStream:
        """A stream to an IP address; `timeout` in seconds for each step. Raises NoTunnel."""
        target = (f"[{address}]:{port}" if ":" in address else f"{address}:{port}").encode("ascii")
        host, own_port = self.proxy.address
        origin = httpcore.Origin(
            b"https" if self.proxy.is_tls else b"http", host.encode("ascii"), own_port
        )
        connection = httpcore.AsyncHTTPConnection(
            origin, ssl_context=self.tls, network_backend=network
        )
        try:
            answer = await connection.handle_async_request(self._request(origin, target, timeout))
        except BaseException as error:
            await connection.aclose()
            if isinstance(error, httpcore.TimeoutException):
                raise NoTunnel(Cause.NO_CONNECTION_IN_TIME) from None
            if isinstance(error, _UNREACHED):
                raise NoTunnel(Cause.PROXY_DOWN) from None
            raise
        if not 200 <= answer.status < 300:
            await connection.aclose()
            raise NoTunnel(Cause.PROXY_CREDENTIAL if answer.status == 407 else Cause.PROXY_REFUSED)
        stream: httpcore.AsyncNetworkStream = answer.extensions["network_stream"]
        return stream

    def _request(
        self, origin: httpcore.Origin, target: bytes, seconds: float | None
    ) -> httpcore.Request:
        headers = [(b"Host", target)]
        if self.proxy.credential is not None:
            headers.append((b"Proxy-Authorization", self.proxy.credential.encode("ascii")))
        url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=target)
        limits = {"timeout": {"connect": seconds, "read": seconds, "write": seconds}}
        return httpcore.Request(b"CONNECT", url, headers=headers, extensions=limits)
