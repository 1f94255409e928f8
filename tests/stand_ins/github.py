"""GitHub's webhooks and Actions variables, as far as a provider meets them, over real HTTP.

Source: GitHub's REST API documentation. The traps of it are behaviour here: a secret comes back as
eight asterisks; PATCH of a hook with `config` replaces all of it; PATCH of `/config` keeps what is
not sent; a list of events is replaced; a second hook with one url is refused with 422; a ping is
answered with 204 and delivered later, into the delivery log; a repository that one may not see is
404; `fault` answers as the secondary limit (403 with Retry-After) or the primary one does.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ"
REPOSITORY = "acme/api"
MASK = "********"
VALUES = {"url", "content_type", "insecure_ssl", "secret"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        place = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer(401, {"message": "Bad credentials"})
        body = json.loads(raw) if raw else {}
        with self.server.lock:
            self.server.calls.append((self.command, place.path))
            if self.server.faults:
                return self._answer(*self.server.faults.pop(0))
            parts = place.path.removeprefix(self.server.scope).strip("/").split("/")
            match parts:
                case ["hooks"]:
                    return self._hooks(body, query)
                case ["hooks", ident, *rest]:
                    return self._hook(self.server.hooks.get(int(ident)), body, rest)
                case ["actions", "variables", *names]:
                    return self._variables(body, query, names)
                case _:  # also what one may not see
                    return self._answer(404, {"message": "Not Found"})

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  names of the library

    def _hooks(self, body: dict[str, Any], query: dict[str, str]) -> None:
        server = self.server
        if self.command == "GET":
            return self._page([shown(hook) for hook in server.hooks.values()], query, 30, 100)
        if any(hook["config"]["url"] == body["config"]["url"] for hook in server.hooks.values()):
            error = {"message": "Hook already exists on this repository"}
            return self._answer(422, {"message": "Validation Failed", "errors": [error]})
        server.last += 1
        now = server.now()
        server.hooks[server.last] = hook = {
            "type": "Repository",
            "id": server.last,
            "name": "web",
            "active": body.get("active", True),
            "events": body.get("events", ["push"]),
            "config": {"content_type": "form", "insecure_ssl": "0", **body["config"]},
            "created_at": now,
            "updated_at": now,
            "deliveries": [],
        }
        return self._answer(201, shown(hook))

    def _hook(self, hook: dict[str, Any] | None, body: dict[str, Any], rest: list[str]) -> None:
        if hook is None:
            return self._answer(404, {"message": "Not Found"})
        match self.command, rest:
            case "GET", []:
                self._answer(200, shown(hook))
            case "PATCH", []:
                hook |= {name: body[name] for name in ("active", "events") if name in body}
                if "config" in body:
                    hook["config"] = {"content_type": "form", "insecure_ssl": "0", **body["config"]}
                hook["updated_at"] = self.server.now()
                self._answer(200, shown(hook))
            case "PATCH", ["config"]:
                hook["config"] |= {name: body[name] for name in VALUES & body.keys()}
                hook["updated_at"] = self.server.now()
                self._answer(200, shown(hook)["config"])
            case "DELETE", [] if "DELETE" in self.server.refused:
                self._answer(404, {"message": "Not Found"})
            case "DELETE", []:
                del self.server.hooks[hook["id"]]
                self._answer(204, None)
            case "POST", ["pings"]:
                threading.Timer(0.2, ping, (hook,)).start()
                self._answer(204, None)
            case "GET", ["deliveries"]:
                self._answer(200, hook["deliveries"][::-1])
            case _:
                self._answer(404, {"message": "Not Found"})
        return None

    def _variables(self, body: dict[str, Any], query: dict[str, str], names: list[str]) -> None:
        variables = self.server.variables
        match self.command, names:
            case "GET", []:
                self._page(list(variables.values()), query, 10, 30, "variables")
            case "POST", []:
                if body["name"] in variables:
                    return self._answer(409, {"message": "Already exists - Variable"})
                variables[body["name"]] = {"name": body["name"], "value": body["value"]}
                self._answer(201, {})
            case "PATCH", [name] if name in variables:
                variables[name]["value"] = body["value"]
                self._answer(204, None)
            case _:
                self._answer(404, {"message": "Not Found"})
        return None

    def _page(
        self, items: list[Any], query: dict[str, str], size: int, most: int, name: str = ""
    ) -> None:
        size = min(int(query.get("per_page", size)), most)
        first = (int(query.get("page", 1)) - 1) * size
        page = items[first : first + size]
        self._answer(200, {"total_count": len(items), name: page} if name else page)

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
        pass


def shown(hook: dict[str, Any]) -> dict[str, Any]:
    config = dict(hook["config"])
    if config.get("secret"):
        config["secret"] = MASK
    else:
        config.pop("secret", None)
    return {**{name: hook[name] for name in hook if name != "deliveries"}, "config": config}


def sign(key: str, body: bytes) -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def ping(hook: dict[str, Any]) -> None:
    body, config = b'{"zen": "Speak like a human."}', hook["config"]
    headers = {"Content-Type": "application/json", "X-GitHub-Event": "ping"}
    if config.get("secret"):
        headers["X-Hub-Signature-256"] = sign(config["secret"], body)
    request = urllib.request.Request(config["url"], body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError:
        status = 0
    hook["deliveries"].append(
        {"id": len(hook["deliveries"]) + 1, "event": "ping", "status_code": status}
    )


class Server(ThreadingHTTPServer):
    """One GitHub with one repository; hooks by id, variables by name. `faults` are answered to the
    next requests, one each.
    """

    def __init__(self, scope: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.scope = threading.Lock(), scope
        self.hooks: dict[int, dict[str, Any]] = {}
        self.variables: dict[str, dict[str, Any]] = {}
        self.faults: list[tuple[int, Any, dict[str, str]]] = []
        self.calls: list[tuple[str, str]] = []
        self.refused: set[str] = set()  # methods that the token has no right to: 404, as at GitHub
        self.last, self._ticks = 4000, 0

    def now(self) -> str:
        """A later time at each call, in whole seconds as GitHub has them."""
        self._ticks += 1
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_790_000_000 + self._ticks))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def github(scope: str = f"/repos/{REPOSITORY}") -> Iterator[Server]:
    server = Server(scope)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
