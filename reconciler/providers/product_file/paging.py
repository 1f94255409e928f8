"""How a listing goes on: the ways that a product file can name.

Every way ends: by a short page, by an answer that names no further one, or by a limit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from reconciler.core.errors import BadAnswer
from reconciler.core.model.pointer import MISSING, read_pointer
from reconciler.providers.http.answer import Answer
from reconciler.providers.http.client import Client
from reconciler.providers.http.resources import NEXT_LINK

_PAGES: Final = 10_000
Query = dict[str, str | int]


async def list_items(
    http: Client, path: str, query: Query, pointer: str, page: Mapping[str, Any]
) -> AsyncIterator[list[Any]]:
    """The items of each page. Raises ProviderError, BadAnswer for another answer or a listing that
    never ends.
    """
    more: Query | None = _first(page)
    seen: set[str] = set()
    while more is not None:
        answer = await http.request("GET", path, params={**query, **more}, idempotent=True)
        items = read_pointer(answer.body, pointer)
        if not isinstance(items, list):
            raise BadAnswer(f"GET {path}: the answer has no list at {pointer or 'its top'}")
        yield items
        asked, more = more, _further(path, page, more, answer, len(items))
        if more is not None and (repr(more) in seen or len(seen) == _PAGES or more == asked):
            raise BadAnswer(f"GET {path}: the listing never ends")
        seen.add(repr(more))


def _first(page: Mapping[str, Any]) -> Query:
    """What the first request asks for beside the file's own query."""
    size: Query = {page["size"]: page["count"]} if "size" in page else {}
    return {**size, **({page["number"]: 1} if "number" in page else {})}


def _further(
    path: str, page: Mapping[str, Any], asked: Query, answer: Answer, count: int
) -> Query | None:
    """What the next request asks for, None after the last page."""
    match page:
        case {"number": str(name)}:
            return {**asked, name: int(asked[name]) + 1} if count >= page["count"] else None
        case {"offset": str(name)}:
            offset = int(asked.get(name, 0)) + count
            return {**asked, name: offset} if count >= page["count"] else None
        case {"cursor": str(name)}:
            cursor = read_pointer(answer.body, page["at"])
            return {**asked, name: str(cursor)} if cursor and cursor is not MISSING else None
        case {"next": str(pointer)}:
            found = read_pointer(answer.body, pointer)
            return _query_of(path, found) if found and found is not MISSING else None
        case {"link": True}:
            link = NEXT_LINK.search(answer.headers.get("link", ""))
            return _query_of(path, link[1]) if link else None
        case _:
            return None


def _query_of(path: str, address: object) -> Query:
    """The query of a further page's address; where it leads is not followed, the path stays."""
    parts = urlsplit(address) if isinstance(address, str) else None
    if parts is None or (parts.path and not parts.path.endswith(path)):
        raise BadAnswer(f"GET {path}: the next page is at another path")
    return dict(parse_qsl(parts.query, keep_blank_values=True))
