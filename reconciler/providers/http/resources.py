"""What every REST API of webhooks has: a listing in pages, one resource, and its removal."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from reconciler.core.errors import BadAnswer, NotFound
from reconciler.providers.http.client import Client

NEXT_LINK: Final = re.compile(r"""<([^<>]*)>\s*;[^,<]*\brel="?next\b""")
"""The next page in a header Link."""


async def list_pages(
    http: Client,
    path: str,
    size: int,
    *,
    field: str = "",
    params: Mapping[str, str | int] | None = None,
) -> AsyncIterator[list[dict[str, Any]]]:
    """The items of each page, by `page` and `per_page`, until one has fewer than `size` or a header
    Link without a next one; `params` are sent with each request.

    The body is a list, or has one in `field`. Raises ProviderError, BadAnswer for another body.
    """
    page, former = 1, None
    while True:
        query = {**(params or {}), "per_page": size, "page": page}
        answer = await http.request("GET", path, params=query, idempotent=True)
        items = _read_items(path, answer.body, field)
        _refuse_endless(path, items, former)
        yield items
        link = answer.headers.get("link", "")
        if len(items) < size or (link and NEXT_LINK.search(link) is None):
            return
        page, former = page + 1, items


async def list_capped_pages(
    http: Client, path: str, size: int
) -> AsyncIterator[list[dict[str, Any]]]:
    """The items of each page, by `page` and `limit`, until one is empty: a server may give fewer
    than `limit` in each.

    The body is a list. Raises ProviderError, BadAnswer for another body.
    """
    page, former = 1, None
    while items := await read_page(http, path, {"limit": size, "page": page}):
        _refuse_endless(path, items, former)
        yield items
        page, former = page + 1, items


async def list_linked_pages(
    http: Client, path: str, size: int
) -> AsyncIterator[list[dict[str, Any]]]:
    """The items of each page, by `per_page` and the `cursor` in the header Link, until there is no
    next one. Where the link leads is not followed, the path stays.

    The body is a list. Raises ProviderError, BadAnswer for another body.
    """
    params: dict[str, str | int] = {"per_page": size}
    while True:
        answer = await http.request("GET", path, params=params, idempotent=True)
        yield _read_items(path, answer.body)
        link = NEXT_LINK.search(answer.headers.get("link", ""))
        cursor = dict(parse_qsl(urlsplit(link[1]).query)).get("cursor") if link else None
        if cursor is None:
            return
        params["cursor"] = cursor


async def read_page(
    http: Client, path: str, params: Mapping[str, str | int], field: str = ""
) -> list[dict[str, Any]]:
    """The items of the page that `params` ask for. Raises ProviderError, BadAnswer for another
    body.
    """
    answer = await http.request("GET", path, params=params, idempotent=True)
    return _read_items(path, answer.body, field)


def _refuse_endless(path: str, items: object, former: object) -> None:
    """Raises BadAnswer if a page is the one before: a server that passes over the number of the
    page answers the first one forever.
    """
    if items == former:
        raise BadAnswer(f"GET {path}: the listing never ends: a page is the same as the last one")


def _read_items(path: str, body: object, field: str = "") -> list[dict[str, Any]]:
    items = body if not field else body.get(field) if isinstance(body, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadAnswer(f"GET {path}: the product answered something else than a list")
    return items


def read_text(value: object) -> str:
    """A text in an answer. Raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


@contextmanager
def explain_missing(text: str) -> Iterator[None]:
    """Adds what a 404 means to its error."""
    try:
        yield
    except NotFound as error:
        raise NotFound(f"{error}: {text}") from None


async def find(
    http: Client, path: str, params: Mapping[str, str | int] | None = None
) -> object | None:
    """The body of one resource, None if there is none. Raises ProviderError."""
    try:
        return (await http.request("GET", path, params=params, idempotent=True)).body
    except NotFound:
        return None


async def remove(http: Client, path: str) -> None:
    """Deletes one resource; one that is gone already counts as deleted. Raises ProviderError."""
    try:
        await http.request("DELETE", path, idempotent=True)
    except NotFound:
        return
