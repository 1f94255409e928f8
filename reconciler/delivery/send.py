"""One attempt at one endpoint: authentication, exact content type, time limits, TLS, and what the
outcome is called.

Never retries. One of the two places that reveal secrets: nothing of a url, a header, a body or an
exception leaves this file, only a verdict and a text of the closed list in `core/results/cause.py`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Final, Self

import httpcore
import httpx

from reconciler.core.model import limits
from reconciler.core.model.auth import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    NoAuth,
    SignatureAuth,
    TokenAuth,
)
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.cause import Cause, find_cause
from reconciler.core.results.reports import Delivery
from reconciler.core.wire.product_request import ProductRequest
from reconciler.core.wire.retry_after import parse_retry_after
from reconciler.delivery.guard import (
    AddressPolicy,
    GuardedBackend,
    Resolve,
    Stopped,
    resolve_by_system,
)
from reconciler.delivery.headers import Headers, Texts, make_headers
from reconciler.delivery.idle_cache import IdleCache
from reconciler.delivery.signing import Message, list_signature_headers
from reconciler.delivery.tls import find_tls_cause, probe_tls
from reconciler.delivery.tunnel import Tunnels
from reconciler.net.proxies import Proxy

TOTAL: Final = 10.0  # seconds from resolving to the end of the answer
CONNECT: Final = 4.0  # seconds for each address of a name, and for the TLS handshake
DRAINED: Final = (
    16 * 1024
)  # bytes of an answer's body that are read, so that the connection can be used again
MAX_RETRY_AFTER: Final = 3600.0  # seconds; a longer wish is cut
KEPT: Final = 4.0  # seconds that an idle connection is kept: less than servers usually keep it
_NOISY: Final = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.proxy")
_FAILURES: Final = (
    Stopped,
    OSError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


_Place = tuple[bytes, bytes, int | None]  # scheme, host, port
_Pools = IdleCache[_Place, httpcore.AsyncConnectionPool]


@dataclass(frozen=True, slots=True, repr=False)
class _Request:
    """What is sent, secrets revealed; lives for one attempt."""

    url: httpcore.URL
    headers: Headers
    body: bytes


def _reveal(value: str | Secret | Withheld) -> str:
    if isinstance(value, Withheld):
        raise ValueError("a withheld credential cannot be sent")  # noqa: TRY004  as for an unresolved secret
    return value.reveal() if isinstance(value, Secret) else value


def _list_credentials(auth: Auth, message: Message | None, body: bytes | ProductRequest) -> Texts:
    """The headers with the credential or the signature; none without authentication."""
    match auth:
        case NoAuth():
            return ()
        case BasicAuth(username=username, password=password):
            pair = f"{_reveal(username)}:{_reveal(password)}"
            if not pair.isascii():
                raise Stopped(Cause.BLOCKED_HEADER)
            text = b64encode(pair.encode("ascii")).decode("ascii")
            return (("Authorization", f"Basic {text}"),)
        case BearerAuth(token=token):
            return (("Authorization", "Bearer " + _reveal(token)),)
        case ApiKeyAuth(header=header, value=value):
            return ((header, _reveal(value)),)
        case TokenAuth(value=value):
            header = body.envelope.credential_header if isinstance(body, ProductRequest) else ""
            if not header:
                raise ValueError("only a product knows the header of its token")
            return ((header, _reveal(value)),)
        case SignatureAuth(scheme=scheme, secret=secret):
            return list_signature_headers(scheme, _reveal(secret), message, body)


def _make_request(
    webhook: Webhook, body: bytes | ProductRequest, message: Message | None, *, is_test: bool
) -> _Request:
    """The request of an attempt; raises Stopped where it cannot be made, ValueError for a secret
    that is not there.
    """
    url = _reveal(webhook.url)
    try:
        parsed_url = None if limits.url(url) is not None else httpx.URL(url)
    except httpx.InvalidURL:
        parsed_url = None
    if parsed_url is None:
        raise Stopped(Cause.BLOCKED_URL)
    target = httpcore.URL(
        scheme=parsed_url.raw_scheme,
        host=parsed_url.raw_host,
        port=parsed_url.port,
        target=parsed_url.raw_path,
    )
    credentials = _list_credentials(webhook.auth, message, body)
    if isinstance(body, ProductRequest):
        product_headers, body = body.headers, body.body
    else:
        product_headers = ()
    headers = make_headers(
        credentials, parsed_url.netloc, is_test=is_test, product_headers=product_headers
    )
    return _Request(target, headers, body)


def _find_cause(error: Exception) -> Cause:
    """The cause of a failed attempt."""
    if isinstance(error, Stopped):
        return error.cause
    if isinstance(error, httpcore.ConnectTimeout):
        return Cause.NO_CONNECTION_IN_TIME
    if isinstance(error, TimeoutError | httpcore.TimeoutException):
        return Cause.NO_ANSWER_IN_TIME
    if isinstance(error, httpcore.LocalProtocolError):
        return Cause.BLOCKED_HEADER
    if isinstance(error, httpcore.RemoteProtocolError):
        return (
            Cause.NOT_HTTP if error.__context__ is not None else Cause.LOST
        )  # the parser complained, or nothing came
    return find_tls_cause(error) or Cause.LOST


@dataclass(slots=True)
class _Head:
    """The head of an answer: the sender's time of its arrival, its status and its Retry-After."""

    arrival: float | None = None
    status: int | None = None
    retry_after: str | None = None

    def read(self, response: httpcore.Response, time: float) -> None:
        self.arrival, self.status = time, response.status
        values = (value for name, value in response.headers if name.lower() == b"retry-after")
        self.retry_after = next(values, b"").decode("ascii", "replace")


class Sender:
    """Sends attempts; an async context manager, which opens nothing before the first attempt and
    closes everything.

    `connect_timeout` is seconds for each address and for the TLS handshake, `total` for an attempt
    from resolving on. `tls` stands in for what the machine trusts, `resolve` for its resolver.
    `clock` tells seconds. `proxy` is asked for connections to https endpoints, once the address
    guard has let them pass; plain http never goes through one.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        connect_timeout: float = CONNECT,
        total: float = TOTAL,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve_by_system,
        proxy: Proxy | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._policy, self._tls, self._resolve, self._proxy, self._clock = (
            policy,
            tls,
            resolve,
            proxy,
            clock,
        )
        self._connect, self._total = connect_timeout, total
        self._pools: _Pools | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def prepare(self) -> None:
        """Loads what the first attempt needs, such as certificates, so that no task waits for it:
        tens of milliseconds.
        """
        self._open_pools()
        _ = self._context
        await httpcore.AnyIOBackend().sleep(0)  # imports what all its connections are made of

    async def close(self) -> None:
        """Closes all connections; an attempt that is under way ends as interrupted."""
        pools, self._pools = self._pools, None
        if pools is not None:
            await pools.close()

    def _open_pools(self) -> _Pools:
        if self._pools is None:
            for (
                name
            ) in _NOISY:  # at DEBUG they log the headers of answers and the hosts of secret urls
                logging.getLogger(name).setLevel(logging.WARNING)
            self._pools = IdleCache(self._make_pool, KEPT)
        return self._pools

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()  # the machine's store, SSL_CERT_FILE too

    def _make_pool(self, place: _Place) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._context,
            max_connections=None,  # how much is under way at once is for the caller to decide
            keepalive_expiry=KEPT,
            network_backend=self._make_backend(place[0]),
        )

    def _make_backend(self, scheme: bytes) -> GuardedBackend:
        tunnels = (
            Tunnels(self._proxy, self._context)
            if self._proxy is not None and scheme == b"https"
            else None
        )
        return GuardedBackend(self._policy, resolve=self._resolve, tunnels=tunnels)

    async def send(
        self,
        webhook: Webhook,
        subscription: Subscription,
        body: bytes | ProductRequest,
        *,
        message: Message | None = None,
        is_test: bool = False,
        total: float | None = None,
    ) -> Delivery:
        """One attempt, whatever its end; `seconds` until the answer's head, or until the attempt
        was given up.

        A test is marked by a header, so that a receiver opens no incident for it. `total` is a
        shorter limit for this attempt. A signature needs the `message`. A product's request brings
        headers of its own. Raises ValueError for a secret that did not resolve or is withheld.
        """
        pools, head = self._open_pools(), _Head()
        started = self._clock()
        limit = self._total if total is None else min(total, self._total)
        cause = await self._attempt(
            pools,
            webhook,
            lambda: _make_request(webhook, body, message, is_test=is_test),
            head,
            limit,
        )
        if head.status is None and self._pools is not pools:
            cause = Cause.INTERRUPTED
        seconds = (self._clock() if head.arrival is None else head.arrival) - started
        wait = (
            None
            if cause is Cause.DELIVERED
            else parse_retry_after(head.retry_after, time.time(), MAX_RETRY_AFTER)
        )
        return Delivery(
            webhook.name, subscription, cause.verdict, head.status, cause.text, seconds, wait
        )

    async def _attempt(
        self,
        pools: _Pools,
        webhook: Webhook,
        make: Callable[[], _Request],
        head: _Head,
        total: float,
    ) -> Cause:
        """The cause of the end; `head` gets what arrived. Library exceptions may quote headers, so
        none is passed on.
        """
        request: _Request | None = None
        try:
            request = make()
            limit = {"timeout": {"connect": self._connect}}
            async with (
                asyncio.timeout(total),
                pools.use((request.url.scheme, request.url.host, request.url.port)) as pool,
                pool.stream(
                    "POST",
                    request.url,
                    headers=request.headers,
                    content=request.body,
                    extensions=limit,
                ) as response,
            ):
                head.read(response, self._clock())
                await _drain(response)
        except _FAILURES as error:
            if head.status is None:
                return await self._find_tls_cause(_find_cause(error), request)
        return find_cause(head.status or 0, credential=not isinstance(webhook.auth, NoAuth))

    async def _find_tls_cause(self, cause: Cause, request: _Request | None) -> Cause:
        """The cause, or a TLS cause for a connection that was lost over TLS; no request is sent to
        find it.
        """
        if (
            cause is not Cause.LOST
            or request is None
            or request.url.scheme != b"https"
            or self._pools is None
        ):
            return cause
        with suppress(Stopped):
            return (
                await probe_tls(self._make_backend(request.url.scheme), self._context, request.url)
                or cause
            )
        return cause


async def _drain(response: httpcore.Response) -> None:
    """Reads up to 16 KiB of the body and forgets it; a longer one costs the connection."""
    remaining = DRAINED
    async for part in response.aiter_stream():
        remaining -= len(part)
        if remaining <= 0:
            return
