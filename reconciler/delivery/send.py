"""One attempt at one endpoint: authentication, exact content type, time limits, TLS, and the verdict.

Called by the tenant and by `test --via probe`. One of the two places that reveal secrets. No retries here, and nothing of an
answer but its status is kept.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import httpcore
import httpx

from reconciler import __version__
from reconciler.core.model import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth, Subscription, Webhook
from reconciler.core.report import Delivery, Verdict
from reconciler.core.secret import Secret, Withheld
from reconciler.delivery.guard import AddressPolicy, Blocked, GuardedBackend, Unresolved

TOTAL_SECONDS: Final = 10.0
DRAINED_BYTES: Final = 16 * 1024

# They log urls and headers, which may be secret: never, whatever level a program sets.
for _name in ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).disabled = True

DETAILS: Final = {
    Verdict.DELIVERED: None,
    Verdict.AUTH_REFUSED: "the endpoint refused the credential",
    Verdict.NOT_FOUND: "nothing takes deliveries at this path",
    Verdict.REJECTED: "the endpoint did not accept the event",
    Verdict.RECEIVER_ERROR: "the endpoint failed",
    Verdict.REDIRECTED: "redirects are not followed",
    Verdict.TIMEOUT: "no answer in time",
    Verdict.UNRESOLVED: "the host name does not resolve",
    Verdict.REFUSED: "the connection was refused",
    Verdict.BROKEN: "the connection broke, or the answer was not HTTP",
    Verdict.TLS: "the certificate or the TLS handshake failed",
    Verdict.BLOCKED: "the address is not one that deliveries may reach",
    Verdict.INTERRUPTED: "stopped before the answer",
}


def classify(status: int) -> Verdict:  # noqa: PLR0911  the table of cli.md, a line each
    """The verdict of a status code."""
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if 300 <= status < 400:
        return Verdict.REDIRECTED
    if status in {401, 403}:
        return Verdict.AUTH_REFUSED
    if status in {404, 405, 410}:
        return Verdict.NOT_FOUND
    if 400 <= status < 500:
        return Verdict.REJECTED
    if 500 <= status < 600:
        return Verdict.RECEIVER_ERROR
    return Verdict.BROKEN


def _text(value: str | Secret | Withheld) -> str:
    if isinstance(value, Withheld):
        raise TypeError("a withheld credential cannot be sent")
    return value.reveal() if isinstance(value, Secret) else value


def _headers(auth: Auth) -> dict[str, str]:
    match auth:
        case NoAuth():
            return {}
        case BasicAuth(username=username, password=password):
            pair = f"{_text(username)}:{_text(password)}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        case BearerAuth(token=token):
            return {"Authorization": f"Bearer {_text(token)}"}
        case ApiKeyAuth(header=header, value=value):
            return {header: _text(value)}


def _failed(error: BaseException) -> Verdict:
    """The verdict of an exception, by the types in its chain: httpx and httpcore wrap the one that matters."""
    seen: BaseException | None = error
    chain = []
    while seen is not None and seen not in chain:
        chain.append(seen)
        seen = seen.__cause__ or seen.__context__
    table: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Verdict], ...] = (
        (Blocked, Verdict.BLOCKED),
        (Unresolved, Verdict.UNRESOLVED),
        (ssl.SSLError, Verdict.TLS),
        ((TimeoutError, httpx.TimeoutException, httpcore.TimeoutException), Verdict.TIMEOUT),
        ((httpx.ConnectError, httpcore.ConnectError, ConnectionRefusedError), Verdict.REFUSED),
    )
    for kinds, verdict in table:
        if any(isinstance(item, kinds) for item in chain):
            return verdict
    return Verdict.BROKEN


class Sender:
    """Sends attempts under one address policy; an async context manager that closes its connections and its resolver.

    `total` seconds of wall clock from resolving to the end of the drained body; `tls` replaces the system's certificates.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        total: float = TOTAL_SECONDS,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Nothing is opened before the first attempt."""
        self._total, self._clock = total, clock
        self._backend = GuardedBackend(policy)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=64,
            max_keepalive_connections=16,
            keepalive_expiry=5.0,
            network_backend=self._backend,
        )
        transport = httpx.AsyncHTTPTransport(trust_env=False)
        transport._pool = self._pool  # noqa: SLF001  httpx offers no other way to give it a network backend
        self._client = httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False, timeout=total)

    async def __aenter__(self) -> Self:
        """The same sender."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Closes what is open."""
        await self.close()

    async def close(self) -> None:
        """Closes connections and the resolver's threads."""
        await self._client.aclose()
        self._backend.close()

    async def send(self, webhook: Webhook, subscription: Subscription, body: bytes) -> Delivery:
        """One attempt; never raises for what the endpoint does, only for a credential that is not there."""
        url, headers = _text(webhook.url), _headers(webhook.auth)
        started, status = self._clock(), None
        try:
            async with asyncio.timeout(self._total):
                status = await self._post(url, headers, body)
            verdict = classify(status)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  whatever an endpoint does is a verdict
            verdict = _failed(error)
        seconds = self._clock() - started
        return Delivery(webhook.name, subscription, verdict, status, DETAILS[verdict], seconds)

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        fixed = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": f"webhook-reconciler/{__version__}",
        }
        request = self._client.build_request("POST", url, content=body, headers={**fixed, **headers})
        answer = await self._client.send(request, stream=True)
        try:
            drained = 0
            try:
                async for chunk in answer.aiter_raw():
                    drained += len(chunk)
                    if drained >= DRAINED_BYTES:
                        break
            except (httpx.HTTPError, httpcore.NetworkError):
                pass  # the head has arrived: what becomes of the body is not ours
        finally:
            await answer.aclose()
        return answer.status_code
