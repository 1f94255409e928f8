"""What every request goes through: method, token, scope, body, and turning a refusal into its
answer.

What a request does stands in the other modules of `api`; their handlers get a Call and return a
Response or raise Refusal.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconciler.delivery.send import Sender
from reconciler.net.host_header import is_served
from reconciler.tenant import problems
from reconciler.tenant.engine.engine import Engine
from reconciler.tenant.problems import Problem, Refusal
from reconciler.tenant.requests import strict
from reconciler.tenant.requests.rates import Rates
from reconciler.tenant.store.faults import RESTORE, StorageFailed
from reconciler.tenant.store.store import Store
from reconciler.tenant.store.values.token import SCOPES, Principal
from reconciler.tenant.store.vault import Unreadable
from reconciler.tenant.telemetry import Telemetry

MAX_BODY: Final = 256 * 1024  # bytes
BODY_SECONDS: Final = 30.0  # in which a body has to arrive
JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
_DIGITS: Final = 9  # of a query's number


SIGN_IN: Final = "reconciler tenant login"


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the requests of one application share. `engine` is None where nothing is sent in the
    background.

    `rates` are of tests, `requests` of everything that a token asks for. `public` is the origin at
    which a browser sees the page, None where that is where it is served. `sign_in` is the command
    that prints a sign-in link.
    """

    store: Store
    sender: Sender
    engine: Engine | None
    rates: Rates
    requests: Rates
    telemetry: Telemetry
    local: bytes | None = field(repr=False)  # SHA-256 of the in-memory token
    hosts: tuple[str, ...] | None
    max_pending: int
    public: str | None = None
    sign_in: str = SIGN_IN
    running: set[tuple[str, str, str]] = field(default_factory=set)  # idempotency keys under way

    def wake(self, *webhook_ids: str) -> None:
        """Something of these webhooks may have become due, without any: of whichever."""
        if self.engine is not None:
            self.engine.wake(*webhook_ids)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of somebody who may make it."""

    tenant: Tenant
    request: Request
    principal: Principal

    @property
    def store(self) -> Store:
        """The tenant's file."""
        return self.tenant.store

    def read_part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def read_query(self, name: str) -> str | None:
        """A parameter of the query, None when absent; raises 400 when it is there twice."""
        values = self.request.query_params.getlist(name)
        if len(values) > 1:
            raise Refusal("bad-request", f"{name} is given twice")
        return values[0] if values else None

    def read_limit(self) -> int:
        """The `limit` of a listing: 1 to 500, default 100; raises 400."""
        text = self.read_query("limit")
        if text is None:
            return 100
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 0
        if not 1 <= number <= 500:
            raise Refusal("bad-request", "limit must be a number from 1 to 500")
        return number

    def read_if_match(self) -> tuple[str, ...] | None:
        """The strong entity tags of If-Match, or `*`; None without the header."""
        values = self.request.headers.getlist("if-match")
        if not values:
            return None
        return tuple(part.strip() for value in values for part in value.split(","))

    async def read_json(self, media_type: str = JSON, *, optional: bool = False) -> Any:
        """The body's value; raises 400, 408, 413, 415, 422. `optional`: no body at all is an empty
        object.
        """
        content_type = (
            self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        )
        raw = await read_body(self.request)
        if optional and not raw:
            return {}
        accept = (
            {"Accept-Patch": media_type}
            if self.request.method == "PATCH"
            else {"Accept": media_type}
        )
        if content_type != media_type:
            raise Refusal("media-type", f"send {media_type}", headers=accept)
        if self.request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise Refusal(
                "media-type",
                "send it without Content-Encoding",
                headers={**accept, "Accept-Encoding": "identity"},
            )
        return strict.read_json(raw)


async def read_body(request: Request) -> bytes:
    """A request's body; raises 408, and 413 as soon as it is too long."""
    length = request.headers.get("content-length", "")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if length.isdecimal() and (len(length) > _DIGITS or int(length) > MAX_BODY):
                raise Refusal("too-large", f"at most {MAX_BODY} bytes")
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY:
                    raise Refusal("too-large", f"at most {MAX_BODY} bytes")
    except TimeoutError:
        raise Refusal(
            "timeout", headers={"Connection": "close"}
        ) from None  # who is that slow must not hold a connection
    return bytes(body)


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the contract: `scopes` of which one is needed, None for no token."""

    method: str
    path: str
    scopes: tuple[str, ...] | None
    handler: Handler


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    content = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    common = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(content, status, {**common, **(headers or {})}, JSON)


ANONYMOUS: Final = Principal("", frozenset())
LOCAL: Final = "local"  # the id of the in-memory token, which is this very process


async def _authenticate(tenant: Tenant, request: Request) -> Principal:
    """Who sends a request; raises 401."""
    challenge = 'Bearer realm="reconciler tenant"'
    headers = request.headers.getlist("authorization")
    scheme, _, text = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not text.strip():
        raise Refusal(
            "unauthorized",
            "send Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": challenge},
        )
    text = text.strip()
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()
    if tenant.local is not None and hmac.compare_digest(digest, tenant.local):
        return Principal(LOCAL, frozenset(SCOPES))
    token = await tenant.store.tokens.authenticate(text)
    if token is None:
        challenge += ', error="invalid_token"'
        raise Refusal(
            "unauthorized",
            "the token is unknown or expired",
            headers={"WWW-Authenticate": challenge},
        )
    return token


def check_host(tenant: Tenant, request: Request) -> None:
    """Raises 421 for a Host that this tenant does not answer to, or that is no host with at most a
    port.
    """
    header = request.headers.get("host", "")
    if tenant.hosts is not None and not is_served(header, tenant.hosts):
        raise Refusal("misdirected")


class Endpoint:
    """The ASGI application of one path: its operations by method."""

    def __init__(self, tenant: Tenant, operations: Mapping[str, Operation]) -> None:
        self._tenant, self._operations = tenant, operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; only a defect leaves as an exception."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refusal as refusal:
            response = problems.make_response(refusal.problem)
        except StorageFailed as error:
            response = problems.make_response(make_storage_problem(error))
        except Unreadable:
            response = problems.make_response(
                Problem("credential", "give the credential again with a PATCH")
            )
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        check_host(self._tenant, request)
        operation = self._operations.get(request.method)
        if operation is None:
            raise Refusal(
                "method-not-allowed", headers={"Allow": ", ".join(sorted(self._operations))}
            )
        principal = ANONYMOUS
        if operation.scopes is not None:
            principal = await _authenticate(self._tenant, request)
            if principal.id != LOCAL:
                self._tenant.requests.spend(principal.id)
            if not any(principal.has_scope(scope) for scope in operation.scopes):
                raise Refusal("scope", f"the token lacks the scope {operation.scopes[0]}")
        return await operation.handler(Call(self._tenant, request, principal))


def make_storage_problem(error: StorageFailed) -> Problem:
    """503 for a disk or a lock that stands in the way, 500 for a damaged file; anything else is a
    defect and raised again.
    """
    if error.problem == "damaged":
        return Problem("damaged", RESTORE)
    if not error.problem:
        raise error.cause
    return Problem(error.problem, "nothing was written", headers={"Retry-After": error.retry_after})
