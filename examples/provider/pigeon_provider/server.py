"""Serves Pigeon's webhooks over HTTP, in memory. Standard library only.

Usage: `PIGEON_KEY=… python -m pigeon_provider.server PORT`; it prints the address. Two lofts exist:
`north` and `south`.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 50
FIELDS = {"title", "target", "notes", "paused", "events", "auth", "secret", "urgent", "tags"}
LOFTS: dict[str, dict[int, dict[str, Any]]] = {"north": {}, "south": {}}


class Handler(BaseHTTPRequestHandler):
    """GET, POST, PATCH and DELETE of `/lofts/LOFT/hooks[/ID[/ping]]`."""

    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        if self.headers.get("X-Pigeon-Key") != os.environ["PIGEON_KEY"]:
            return self._answer(401, {"message": "who are you?"})
        place = urlsplit(self.path)
        parts = place.path.strip("/").split("/")
        if len(parts) < 3 or parts[0] != "lofts" or parts[1] not in LOFTS or parts[2] != "hooks":
            return self._answer(404, {"message": "no such loft"})
        hooks, body = LOFTS[parts[1]], json.loads(raw) if raw else {}
        if not isinstance(body, dict) or not body.keys() <= FIELDS | {"event"}:
            return self._answer(422, {"message": "unknown field"})
        if len(parts) == 3:
            return self._all(hooks, body, parse_qs(place.query))
        hook = hooks.get(int(parts[3])) if parts[3].isdecimal() else None
        if hook is None:
            return self._answer(404, {"message": "no such hook"})
        return self._one(hooks, hook, body, parts[4:])

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  names of the library

    def _all(
        self, hooks: dict[int, dict[str, Any]], body: dict[str, Any], query: dict[str, list[str]]
    ) -> None:
        if self.command == "GET":
            page = int(query.get("page", ["1"])[0])
            listed = [_shown(hook) for hook in hooks.values()]
            more = page + 1 if len(listed) > page * PAGE else None
            return self._answer(
                200, {"hooks": listed[(page - 1) * PAGE : page * PAGE], "next": more}
            )
        number = max(hooks, default=0) + 1
        hooks[number] = {"id": number, **body}
        return self._answer(201, _shown(hooks[number]))

    def _one(
        self,
        hooks: dict[int, dict[str, Any]],
        hook: dict[str, Any],
        body: dict[str, Any],
        rest: list[str],
    ) -> None:
        if rest == ["ping"] and self.command == "POST":
            return self._answer(200, {"status": _ping(hook, str(body.get("event")))})
        if self.command == "DELETE":
            del hooks[hook["id"]]
            return self._answer(204, None)
        if self.command == "PATCH":
            hook.update(body)
        return self._answer(200, _shown(hook))

    def _answer(self, status: int, body: Any) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if body is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def _shown(hook: dict[str, Any]) -> dict[str, Any]:
    """Everything but the secret, which never comes back."""
    return {name: value for name, value in hook.items() if name != "secret"}


def _ping(hook: dict[str, Any], event: str) -> int | None:
    headers = {"Content-Type": "application/json"}
    if hook["auth"] == "bearer":
        headers["Authorization"] = f"Bearer {hook.get('secret', '')}"
    data = json.dumps({"event": event}).encode()
    try:
        request = urllib.request.Request(hook["target"], data, headers)  # noqa: S310  an example
        with urllib.request.urlopen(request) as said:  # noqa: S310  an example
            return int(said.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201  the address
    server.serve_forever()
