"""The connections to a tenant: certificates, proxy, no cookies, no redirects; and in fixed words
why one was lost.

No retry and no status is judged here: that is `client.py`'s.
"""

from __future__ import annotations

import os
import socket
import ssl
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from reconciler.net.proxies import Proxy
from reconciler.net.trust import make_context
from reconciler.providers.http.answer import MAX_BODY

_TLS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (
        ssl.SSLCertVerificationError,
        (
            "its TLS certificate is not trusted, or is for another name; --ca-file FILE adds "
            "a private certificate authority"
        ),
    ),
    (ssl.SSLError, "the TLS handshake failed: is it a TLS server?"),
)
_NOT_CONNECTED: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (socket.gaierror, "its name does not resolve"),
    (ConnectionRefusedError, "it refused the connection"),
    (httpx.ConnectError, "no connection could be made"),
)
_TLS_REASONS: Final = {  # by OpenSSL's own names
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate, which is not supported",
    "WRONG_VERSION_NUMBER": "the TLS handshake failed: is it a TLS server? If it speaks "
    "plain HTTP, the url "
    "begins with http://",
}


def open_transport(
    base_url: str, app: Any, ca_file: str | None, proxy: Proxy | None, parallelism: int
) -> httpx.AsyncClient:
    """A client for one tenant, which opens nothing before the first request; raises BadRequest for
    a bad `ca_file`.

    `app` is an ASGI application that is spoken to in process.
    """
    tls = urlsplit(base_url).scheme == "https" and app is None
    context = (
        _trust(ca_file, _stamp_authorities(ca_file))
        if tls
        else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )  # no authorities: no TLS is spoken
    return httpx.AsyncClient(
        base_url=base_url,
        headers={
            "Accept": "application/json, application/problem+json",
            "Accept-Encoding": "identity",
        },
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False)
        if app is not None
        else None,
        verify=context,
        proxy=httpx.Proxy(proxy.url, ssl_context=context if proxy.is_tls else None)
        if proxy is not None
        else None,
        timeout=None,  # noqa: S113  asyncio.timeout bounds a whole try, not each of its reads
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(
            max_connections=parallelism, max_keepalive_connections=parallelism, keepalive_expiry=4.0
        ),
    )


def _stamp_authorities(ca_file: str | None) -> tuple[object, ...]:
    """What changes when a file of authorities does."""
    files = (ca_file, os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile)
    stamps: list[object] = [os.environ.get("SSL_CERT_DIR")]
    for file in files:
        try:
            stat = os.stat(file) if file else None  # noqa: PTH116  the file may be no path
        except (OSError, ValueError):
            stat = None
        stamps.append((file, stat and (stat.st_mtime_ns, stat.st_size, stat.st_ino)))
    return tuple(stamps)


@lru_cache(
    maxsize=4
)  # reading all authorities takes longer than a request; a controller makes many
def _trust(ca_file: str | None, _stamp: tuple[object, ...]) -> ssl.SSLContext:
    """What httpx trusts, what this machine trusts (SSL_CERT_FILE too), and the authorities of
    `ca_file`; read again when one of the files changed.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return make_context(ca_file, context)


def why_lost(lost: BaseException, proxy: Proxy | None) -> tuple[str, bool, bool]:
    """Why there was no answer, in fixed words; whether nothing was sent; whether another try makes
    sense.
    """
    chain: list[BaseException] = []
    at: BaseException | None = lost
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or at.__context__
    if isinstance(lost, httpx.ProxyError) and proxy is not None:
        return _refused_by(proxy, lost)
    for kind, why in _TLS:
        cause = next((error for error in chain if isinstance(error, kind)), None)
        if isinstance(cause, ssl.SSLError):
            return _TLS_REASONS.get(cause.reason or "", why), True, False
    for kind, why in _NOT_CONNECTED:
        if any(isinstance(error, kind) for error in chain):
            return f"the proxy {proxy.display}: {why}" if proxy is not None else why, True, True
    if isinstance(lost, httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.InvalidURL):
        return "the request could not be made", True, False
    return "the connection was lost before the answer was complete", False, True


def _refused_by(proxy: Proxy, lost: httpx.ProxyError) -> tuple[str, bool, bool]:
    """What a proxy's answer to CONNECT means; of its text only the status is repeated."""
    status = int(text) if (text := str(lost)[:3]).isdecimal() else 0
    if status == 407:
        return (
            (
                f"the proxy {proxy.display} wants a user name and password (407): write them "
                "into HTTPS_PROXY"
            ),
            True,
            False,
        )
    suffix = f" ({status})" if status else ""
    why = f"the proxy {proxy.display} did not open a connection to it{suffix}"
    return f"{why}; NO_PROXY lists what is reached without a proxy", True, status >= 500


async def read_body(response: httpx.Response) -> bytes | None:
    """The body as sent, undecoded; None when it has more than 8 MiB, of which no more is read."""
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > MAX_BODY:
        return None
    parts = bytearray()
    async for part in response.aiter_raw():
        parts += part
        if len(parts) > MAX_BODY:
            return None
    return bytes(parts)
