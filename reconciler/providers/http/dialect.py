"""What differs between products that speak HTTP: the client asks here instead of knowing.

A dialect is data and one pure function; it sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.errors import (
    BadAnswer,
    Conflict,
    NotFound,
    Overloaded,
    ProviderError,
    Rejected,
    TenantFault,
    Unauthorized,
)
from reconciler.core.model.scopes import Allowance
from reconciler.providers.http.faults import Sent, clean, fault, foreign, shortened
from reconciler.providers.http.label import E, Label

Fault = Callable[[Sent, int, float | None, object], ProviderError]
"""(request, status, seconds to wait, decoded body) -> the error that the answer stands for."""

_RIGHTS: Final = "the token needs the right to read and to change webhooks there"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one product speaks HTTP.

    The token goes into `header` behind `prefix`, encoded as RFC 7617 says if it is a `pair` of user
    and password. `headers` are sent with every request. `limit` names the headers of what
    is left of a limit and of its reset in epoch seconds. `bodyless` says that a success of any
    status may have no body. `fault` is asked about every answer of status 300 or more.
    """

    header: str = "Authorization"
    prefix: str = "Bearer "
    pair: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    limit: tuple[str, str] | None = None
    bodyless: bool = False
    fault: Fault = fault

    @property
    def is_contract(self) -> bool:
        """Whether it is this project's own contract."""
        return self.fault is fault

    def explain(self, error: E, label: Label, base_url: str) -> E:
        """The error with its tenant's name; one of an address that does not speak this project's
        contract says what the url must be. A product has urls of its own.
        """
        return label.foreign(error, base_url) if self.is_contract else label.named(error)

    def refuse_body(self, sent: Sent, why: str) -> BadAnswer:
        """The error of a success whose body cannot be read; `why` is a fixed text."""
        if self.is_contract:
            return foreign(sent, why)
        return BadAnswer(
            f"{sent}: this is no answer of the product's API: {why}; check that the Tenant's url "
            "is the address of the API"
        )


TENANT: Final = Dialect()
"""The dialect of this project's own contract: problem documents (RFC 9457)."""


def read_allowance(headers: Mapping[str, str], dialect: Dialect) -> Allowance | None:
    """What an answer says of the product's limit, None if it says nothing."""
    if dialect.limit is None:
        return None
    left, reset = (headers.get(name, "") for name in dialect.limit)
    is_known = all(text.isascii() and text.isdecimal() for text in (left, reset))
    return Allowance(int(left[:10]), int(reset[:10])) if is_known else None


def product_fault(sent: Sent, status: int, wait: float | None, body: object) -> ProviderError:
    """The error of a product whose error bodies are JSON with a `message` or `detail`, or anything
    else.

    A 403 with Retry-After is a limit, not a refusal. A text is left out if a value that was sent
    occurs in it.
    """
    return _find_fault(sent, status, wait, body, _RIGHTS)


def name_rights(rights: str) -> Fault:
    """The same, for a product where 403 means that the token lacks `rights`, which its message then
    says. It may have them elsewhere, so other webhooks go on.
    """

    def find_fault(sent: Sent, status: int, wait: float | None, body: object) -> ProviderError:
        return _find_fault(sent, status, wait, body, rights)

    return find_fault


def _find_fault(
    sent: Sent, status: int, wait: float | None, body: object, rights: str
) -> ProviderError:
    texts = [text for text in _list_texts(body) if text and not sent.echoed_in(text)]
    shown = f": {shortened(': '.join(texts))}" if texts else ""
    text = f"{sent}: the product answered {status}{shown}"
    if status < 400:
        return BadAnswer(
            f"{text}: it was moved or renamed; redirects are not followed: give its new name or "
            "address"
        )
    if status in {429, 503} or (status == 403 and wait is not None):
        wish = "" if wait is None else f"; it asks to wait {wait:g} s"
        return Overloaded(f"{text}{wish}", wait)
    if status >= 500:
        return TenantFault(text)
    return _refusal(status, text, rights)


def _list_texts(body: object) -> Iterator[str]:
    """The texts of an error body: `message`, and `detail`, which is a text or a list of places
    (`loc`) with a message each (`msg`), as FastAPI and Svix write it.
    """
    if not isinstance(body, Mapping):
        return
    yield clean(body.get("message"))
    detail = body.get("detail")
    for item in detail[:20] if isinstance(detail, list) else [detail]:
        if isinstance(item, Mapping):
            place = item.get("loc")
            yield clean(".".join(map(str, place))) if isinstance(place, list) else ""
            yield clean(item.get("msg"))
        else:
            yield clean(item)


def _refusal(status: int, text: str, rights: str) -> ProviderError:
    match status:
        case 401:
            return Unauthorized(text)
        case 403:
            return Unauthorized(f"{text}: {rights}", object_only=True, explained=True)
        case 404:
            return NotFound(text)
        case 409 | 412:
            return Conflict(text, ())
        case _:
            return Rejected(text)
