"""A product for product files: its webhooks are what was sent, its listing goes on in any of the
ways that a file can name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.stand_ins.server import JsonHandler, StandIn, serve

TOKEN = "rest-token-0123456789"
PAGE = 3


class Rest(StandIn):
    """`way` is how listings go on. `fixed` is an answer to every listing, if it is set."""

    def __init__(self, way: str) -> None:
        super().__init__(Handler)
        self.way = way
        self.fixed: Any = None
        self.asked: list[str] = []


class Handler(JsonHandler):
    server: Rest

    def serve(self) -> None:
        body = self.read_body()
        place = urlsplit(self.path)
        self.server.asked.append(f"{self.command} {self.path}")
        if self.headers.get("Authorization") != f"Token {TOKEN}":
            return self.answer(401, {"detail": "Invalid token."})
        parts = place.path.strip("/").split("/")
        with self.server.lock:
            if len(parts) == 1:
                return self.serve_all(
                    body, {name: one[0] for name, one in parse_qs(place.query).items()}
                )
            hook = self.server.hooks.get(int(parts[1]))
            if hook is None:
                return self.answer(404, {"detail": "Not found."})
            if self.command == "DELETE":
                del self.server.hooks[hook["id"]]
                return self.answer(204, None)
            if self.command == "PUT":
                hook.clear()
                hook["id"] = int(parts[1])
            if self.command in {"PATCH", "PUT"}:
                hook.update(body)
            return self.answer(200, show(hook))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve  # noqa: N815  names of the library

    def serve_all(self, body: dict[str, Any], query: dict[str, str]) -> None:
        server = self.server
        if self.command == "POST":
            server.last += 1
            server.hooks[server.last] = {**body, "id": server.last, "region": "eu"}
            return self.answer(201, show(server.hooks[server.last]))
        if server.fixed is not None:
            return self.answer(200, server.fixed)
        start = self.find_start(query)
        items = list(map(show, server.hooks.values()))
        page = items if server.way == "all" else items[start : start + PAGE]
        further = start + PAGE if start + PAGE < len(items) else None
        return self.answer_page(page, further)

    def find_start(self, query: dict[str, str]) -> int:
        if self.server.way == "number":
            return (int(query.get("page", "1")) - 1) * PAGE
        return int(query.get("start", "0"))

    def answer_page(self, page: list[Any], further: int | None) -> None:
        address = f"{self.server.url}/hooks?{urlencode({'start': further})}"
        if further is None:
            return self.answer(200, {"items": page, "next": None})
        match self.server.way:
            case "link":
                links = f'<{self.server.url}/hooks?start=0>; rel="first", <{address}>; rel="next"'
                return self.answer(200, {"items": page}, {"Link": links})
            case "next":
                return self.answer(200, {"items": page, "next": address})
            case "cursor":
                return self.answer(200, {"items": page, "next": str(further)})
            case _:
                return self.answer(200, {"items": page})


def show(hook: dict[str, Any]) -> dict[str, Any]:
    """A webhook as it comes back: its secrets are masked."""
    masked = {name: "****" for name in ("secret", "gate") if hook.get(name)}
    return {**hook, **masked}


@contextmanager
def open_rest(way: str = "all") -> Iterator[Rest]:
    with serve(Rest(way)) as server:
        yield server
