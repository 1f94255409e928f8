"""All headers of a delivery. Their credentials come from `send.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler import __version__
from reconciler.core.model import limits
from reconciler.core.results.cause import Cause
from reconciler.delivery.guard import Stopped

Texts = tuple[tuple[str, str], ...]
Headers = list[tuple[bytes, bytes]]

TEST_MARK: Final = (b"Webhook-Test", b"true")


def make_headers(
    credentials: Texts, host: bytes, *, is_test: bool, product_headers: Texts = ()
) -> Headers:
    """All headers of a delivery; raises Stopped if a credential or a value cannot stand in one.

    `product_headers` are those of a product, in place of ours.
    """
    headers: Headers = [
        (b"Host", host),
        (b"User-Agent", f"webhook-reconciler/{__version__}".encode()),
        (b"Accept", b"*/*"),
        (b"Accept-Encoding", b"identity"),
        (
            b"Content-Type",
            b"application/json",
        ),  # exactly: Elastio's sample receiver refuses a charset
        *([TEST_MARK] if is_test else []),
    ]
    own = (*product_headers, *credentials)
    is_usable = all(limits.header(name) is None for name, _ in credentials) and _can_stand(own)
    if not is_usable:
        raise Stopped(Cause.BLOCKED_HEADER)
    own_names = {name.lower().encode() for name, _ in own}
    other_headers = [
        item for item in headers if item[0].lower() not in own_names
    ]  # a customer may choose User-Agent
    return [*other_headers, *((name.encode(), value.encode()) for name, value in own)]


def _can_stand(headers: Iterable[tuple[str, str]]) -> bool:
    return all(
        value.isascii() and value.isprintable() and value == value.strip(" ")
        for _, value in headers
    )
