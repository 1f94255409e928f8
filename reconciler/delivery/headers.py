"""All headers of a delivery. Their credentials come from `send.py`."""

from __future__ import annotations

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
    texts = (*product_headers, *credentials)
    is_usable = all(limits.header(name) is None for name, _ in credentials)
    if not is_usable or not all(_is_header_value(value) for _, value in texts):
        raise Stopped(Cause.BLOCKED_HEADER)
    own_names = {name.lower().encode() for name, _ in texts}
    other_headers = [
        item for item in headers if item[0].lower() not in own_names
    ]  # a customer may choose User-Agent
    return [*other_headers, *((name.encode(), value.encode()) for name, value in texts)]


def _is_header_value(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip(" ")
