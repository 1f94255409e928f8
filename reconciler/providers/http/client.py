"""One HTTP client for every provider that speaks HTTP: retries, deadlines, limits, and no secret in
any text.

Decides whether a failed try may be repeated (`temporary` errors, never a write that may have been
carried out unless it is safe to repeat); when that is stands in `tries.py`, what a status means in
`faults.py`.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import logging
import random
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from reconciler.core.errors import (
    BadRequest,
    Conflict,
    Overloaded,
    ProviderError,
    TenantFault,
    Unreachable,
)
from reconciler.core.model import limits
from reconciler.core.model.scopes import Allowance
from reconciler.core.model.secret import Secret, shown_url
from reconciler.core.wire.retry_after import parse_retry_after
from reconciler.core.wire.revealed import authorization, plain
from reconciler.net.proxies import DIRECT, Network
from reconciler.providers.http.answer import Answer, decoded, success
from reconciler.providers.http.cut import telling
from reconciler.providers.http.dialect import TENANT, Dialect, read_allowance
from reconciler.providers.http.faults import (
    IN_PROGRESS,
    MAX_RETRY_AFTER,
    Sent,
    clean,
    shortened,
)
from reconciler.providers.http.label import Label
from reconciler.providers.http.transport import open_transport, read_body, why_lost
from reconciler.providers.http.tries import (
    MAX_TOTAL,
    Call,
    Failed,
    Observe,
    Tries,
    Waits,
    ignore_try,
)

E = TypeVar("E", bound=ProviderError)

_log = logging.getLogger("reconciler.http")


class Client:
    """A tenant's address and our token; an async context manager.

    `timeout` is seconds of wall clock for each try, `deadline` for everything from entering on.
    `app` is an ASGI application that is spoken to in process instead of a server. `network` gives
    the proxy and the certificate authorities, `label` how errors name the tenant, `dialect` how the
    product speaks HTTP. Raises BadRequest for a url, token, proxy or authority that cannot be used.
    """

    allowance: Allowance | None = None  # by the last answer
    observe: Observe = staticmethod(ignore_try)  # gets each try
    patience: float = MAX_TOTAL  # seconds for one request with all its tries
    # until it is entered
    _end: float | None = None
    _http: httpx.AsyncClient | None = None

    def __init__(  # noqa: PLR0913  every part of the world that a test has to hold still comes in by name
        self,
        base_url: str,
        token: Secret,
        *,
        app: Any = None,
        label: Label = Label(),  # noqa: B008  a frozen value
        dialect: Dialect = TENANT,
        timeout: float = 30.0,
        deadline: float | None = None,
        parallelism: int = 10,
        network: Network = DIRECT,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        rng: Callable[[], float] = random.random,
        tries: int = 6,
    ) -> None:
        _check_url(base_url)
        self.shown: Final = shown_url(base_url)
        self._base, self._app, self._dialect, self.label = base_url, app, dialect, label
        self._authorization = _authorization(token, dialect)
        self.timeout, self._deadline, self._tries = timeout, deadline, tries
        self._clock, self._wall, self._rng = clock, wall, rng
        self._network, self._proxy = network, network.proxy_for(base_url) if app is None else None
        self._waits = Waits(label.name or self.shown, clock, sleep)
        self.storage_full = False  # whether the tenant ever answered so
        self.parallelism: Final = parallelism
        self._room = asyncio.Semaphore(parallelism)

    async def __aenter__(self) -> Self:
        for name in (
            "httpx",
            "httpcore",
        ):  # they log queries and header values, which -vvv must not show
            logging.getLogger(name).setLevel(logging.WARNING)
        if self._deadline is not None:
            self._end = self._clock() + self._deadline
        self._http = open_transport(
            self._base, self._app, self._network.ca_file, self._proxy, self.parallelism
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def request(  # noqa: PLR0913  a request has these parts
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool,
        passing: frozenset[int] = frozenset(),
        patient: bool = False,
        try_seconds: float | None = None,
    ) -> Answer:
        """Sends it until it is answered, refused for good, out of tries or out of time; raises
        ProviderError.

        A `Secret` in `json` is revealed while the body is serialised. `idempotent`: may be sent
        again although an earlier try may have been carried out. `passing`: statuses that are handed
        back, with their error, instead of raised. `patient`: a 429 costs time but no try, until the
        deadline; always so where the product tells its limit. `try_seconds`: of each try.
        """
        body = plain(json)
        values = (body, dict(params or {}), self._token())
        content = None if json is None else jsonlib.dumps(body, separators=(",", ":")).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        extra = {**self._dialect.headers, **kind, **(headers or {})}
        seconds = self.timeout if try_seconds is None else try_seconds
        is_patient = patient or self._dialect.limit is not None
        sent = Sent(method, path, values)
        call = Call(sent, content, params or {}, extra, idempotent, is_patient, seconds)
        return await self._repeat(call, passing)

    async def _repeat(self, call: Call, passing: frozenset[int]) -> Answer:
        tries = Tries(call, self._tries, self._clock(), self.patience)
        while True:
            tries.made += 1
            result = await telling(tries.earlier, self._attempt(call, tries.made))
            if isinstance(result, Answer):
                return result
            if result.answer is not None and not result.again and result.handed_back(passing):
                return result.answer
            self.storage_full = self.storage_full or (
                isinstance(result.error, Overloaded) and result.error.storage_full
            )
            wait = tries.pause(result, self._clock(), self._left(), self._rng())
            if wait is None:
                raise self.label.unreachable(tries.given_up(result))
            tries.earlier = result.error
            if not await telling(
                result.error, self._waits.wait(wait, result.error, tries.following)
            ):
                raise tries.interrupted(result.error)

    def stop(self) -> None:
        """Ends every wait for another try, for good; requests that are under way go on."""
        self._waits.stop()

    def explained(self, error: E) -> E:
        """The same error, with its tenant and what a wrong url must be."""
        return self._dialect.explain(error, self.label, self._base)

    def shows(self, text: object, sent: object) -> str | None:
        """A tenant's text fit to be shown: cleaned and cut; None if our token or a text in `sent`
        is in it.
        """
        cleaned = clean(text)
        return (
            shortened(cleaned)
            if cleaned and not Sent("", "", (plain(sent), self._token())).echoed_in(cleaned)
            else None
        )

    def _token(self) -> tuple[str, ...]:
        """The texts of our token that no message may show."""
        (value,) = self._authorization.values()
        text = value.removeprefix(self._dialect.prefix)
        if not self._dialect.pair:
            return (text,)
        pair = b64decode(text).decode()
        return text, pair, pair.partition(":")[2]

    def _left(self) -> float | None:
        """Seconds until the deadline, None without one."""
        return None if self._end is None else self._end - self._clock()

    async def _attempt(self, call: Call, number: int) -> Answer | Failed:
        async with self._room:
            remaining = self._left()
            if remaining is not None and remaining <= 0:
                return Failed(
                    Unreachable(f"{call.sent}: the deadline was reached before it was sent"),
                    again=False,
                    cut=True,
                )
            seconds = call.timeout if remaining is None else min(call.timeout, remaining)
            started = self._clock()
            result = await self._exchange(call, number, seconds)
        answer = result.answer if isinstance(result, Failed) else result
        message = (
            answer.status
            if answer is not None
            else result.error.kind
            if isinstance(result, Failed)
            else ""
        )
        self.observe(call.sent.method, answer.status if answer is not None else 0)
        spent = self._clock() - started
        _log.debug(
            "%s %s: %s in %.3f s, try %d", call.sent.method, call.sent.path, message, spent, number
        )
        return result

    async def _exchange(self, call: Call, number: int, seconds: float) -> Answer | Failed:
        """One try. A library's exception holds our headers, so none leaves this function, not even
        as a context.
        """
        if self._http is None:
            raise RuntimeError("the client is used outside its `async with`")
        try:
            async with (
                asyncio.timeout(seconds),
                self._http.stream(
                    call.sent.method,
                    httpx.URL(self._base.rstrip("/") + call.sent.path),
                    content=call.content,
                    params=call.params,
                    headers={**call.headers, **self._authorization},
                ) as response,
            ):
                headers = {name.lower(): value for name, value in response.headers.items()}
                self.allowance = read_allowance(headers, self._dialect) or self.allowance
                raw = await read_body(response)
        except TimeoutError:
            cut, text = (
                seconds < call.timeout,
                f"{call.sent}: {self.shown} did not answer within {seconds:g} s",
            )
            late = Unreachable(text, None if cut else seconds)
            return Failed(self.label.named(late), call.idempotent, cut=cut)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as lost:
            why, unsent, again = why_lost(lost, self._proxy)
            error = Unreachable(f"{call.sent}: {self.shown}: {why}")
            return Failed(self.label.named(error), again and (unsent or call.idempotent))
        return self._judge(call, response.status_code, headers, raw, number)

    def _find_wait(self, headers: Mapping[str, str]) -> float | None:
        """The seconds that an answer asks for: by Retry-After, or by the product's own limit."""
        wait = parse_retry_after(headers.get("retry-after"), self._wall(), MAX_RETRY_AFTER)
        if wait is not None:
            return wait
        allowance = read_allowance(headers, self._dialect)
        if allowance is None or allowance.left:
            return None
        return min(max(allowance.reset - self._wall(), 0.0), MAX_RETRY_AFTER)

    def _judge(
        self, call: Call, status: int, headers: Mapping[str, str], raw: bytes | None, number: int
    ) -> Answer | Failed:
        """An answer with its body, or the error it stands for."""
        if status < 300 and raw == b"" and self._dialect.bodyless:
            return Answer(status, headers, None, number)
        if status < 300:
            good = success(call.sent, status, headers, raw, number, self._dialect.refuse_body)
            return good if isinstance(good, Answer) else Failed(self.explained(good), again=False)
        if status == 304 and "If-None-Match" in call.headers:
            return Answer(status, headers, None, number)
        body = decoded(headers, raw or b"")
        wait = self._find_wait(headers)
        error = self.explained(
            self.label.refused(self._dialect.fault(call.sent, status, wait, body), status)
        )
        waiting = isinstance(error, Conflict) and error.problem == IN_PROGRESS
        # a 503 without a problem document may be a proxy's, which may have passed the request on
        unread = isinstance(error, Overloaded) and (
            call.idempotent or status == 429 or isinstance(body, Mapping)
        )
        again = unread or waiting or (isinstance(error, TenantFault) and call.idempotent)
        return Failed(error, again, Answer(status, headers, body, number, error))


def _check_url(url: str) -> None:
    fault = limits.url(url) or ("must not have a query" if "?" in url else None)
    if fault is not None:
        raise BadRequest(f"the tenant's url {fault}")


def _authorization(token: Secret, dialect: Dialect) -> dict[str, str]:
    try:
        return authorization(token, dialect.header, dialect.prefix, pair=dialect.pair)
    except ValueError as error:
        raise BadRequest(f"the tenant's token cannot be used: {error}") from None
