"""GitHub's webhooks and Actions variables, as far as a provider meets them, over real HTTP.

Source: GitHub's REST API documentation. The traps of it are behaviour here: a secret comes back as
eight asterisks; PATCH of a hook with `config` replaces all of it; PATCH of `/config` keeps what is
not sent; a list of events is replaced; a second hook with one url is refused with 422; a ping is
answered with 204 and delivered later, into the delivery log, which also has redeliveries and goes
on by a cursor; a repository's hook has the answer to its last delivery; a repository that one may
not see is 404; a status is refused for a commit that is not there, and for a description of over 140
characters; `fault` answers as the secondary limit (403 with Retry-After) or the primary one
does.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.stand_ins.github_bodies import (
    make_refusal,
    make_status_refusal,
    show_delivery,
    show_hook,
    show_status,
    show_variable,
)
from tests.stand_ins.server import JsonHandler, StandIn, deliver, serve

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ"
REPOSITORY = "acme/api"
VALUES = {"url", "content_type", "insecure_ssl", "secret"}


class Handler(JsonHandler):
    server: Server

    def _serve(self) -> None:
        body = self.read_body()
        place = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"message": "Bad credentials"})
        with self.server.lock:
            self.server.calls.append((self.command, place.path))
            if self.server.faults:
                return self.answer(*self.server.faults.pop(0))
            parts = place.path.removeprefix(self.server.scope).strip("/").split("/")
            return self._route(parts, body, query)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  names of the library

    def _route(self, parts: list[str], body: dict[str, Any], query: dict[str, str]) -> None:
        match parts:
            case ["hooks"]:
                return self._hooks(body, query)
            case ["hooks", ident, *rest]:
                return self._hook(self.server.hooks.get(int(ident)), body, query, rest)
            case ["actions", "variables", *names]:
                return self._variables(body, query, names)
            case ["statuses", commit] if self.command == "POST":
                return self._status(commit, body)
            case _:  # also what one may not see
                return self.answer(404, {"message": "Not Found"})

    def _hooks(self, body: dict[str, Any], query: dict[str, str]) -> None:
        server = self.server
        if self.command == "GET":
            return self._page(list(map(self._show, server.hooks.values())), query, 30, 100)
        if any(hook["config"]["url"] == body["config"]["url"] for hook in server.hooks.values()):
            return self.answer(422, make_refusal("Hook already exists on this repository"))
        server.last += 1
        now = server.now()
        server.hooks[server.last] = hook = {
            "id": server.last,
            "name": "web",
            "active": body.get("active", True),
            "events": body.get("events") or ["push"],  # GitHub documents the default only
            "config": {"content_type": "form", "insecure_ssl": "0", **body["config"]},
            "created_at": now,
            "updated_at": now,
            "deliveries": [],
        }
        return self.answer(201, self._show(hook))

    def _hook(
        self,
        hook: dict[str, Any] | None,
        body: dict[str, Any],
        query: dict[str, str],
        rest: list[str],
    ) -> None:
        if hook is None:
            return self.answer(404, {"message": "Not Found"})
        match self.command, rest:
            case "GET", []:
                self.answer(200, self._show(hook))
            case "PATCH", []:
                hook |= {name: body[name] for name in ("active", "events") if name in body}
                if "config" in body:
                    hook["config"] = {"content_type": "form", "insecure_ssl": "0", **body["config"]}
                hook["updated_at"] = self.server.now()
                self.answer(200, self._show(hook))
            case "PATCH", ["config"]:
                hook["config"] |= {name: body[name] for name in VALUES & body.keys()}
                hook["updated_at"] = self.server.now()
                self.answer(200, self._show(hook)["config"])
            case "DELETE", [] if "DELETE" in self.server.refused:
                self.answer(404, {"message": "Not Found"})
            case "DELETE", []:
                del self.server.hooks[hook["id"]]
                self.answer(204, None)
            case "POST", ["pings"]:
                threading.Timer(0.2, send, (hook, "ping")).start()
                self.answer(204, None)
            case "GET", ["deliveries"]:
                self._log(hook, query)
            case _:
                self.answer(404, {"message": "Not Found"})
        return None

    def _status(self, commit: str, body: dict[str, Any]) -> None:
        if "statuses" in self.server.refused:  # a token without the permission
            return self.answer(403, {"message": "Resource not accessible by personal access token"})
        if commit not in self.server.commits:
            return self.answer(422, {"message": f"No commit found for SHA: {commit}"})
        if len(body.get("description", "")) > 140:
            message = "description is too long (maximum is 140 characters)"
            return self.answer(422, make_status_refusal("description", message))
        self.server.statuses.append({"commit": commit, **body})
        place = f"{self.server.url}{self.path}"
        shown = show_status(len(self.server.statuses), body, place, self.server.now())
        return self.answer(201, shown)

    def _log(self, hook: dict[str, Any], query: dict[str, str]) -> None:
        """A page of the deliveries, newest first; the header Link has the cursor of the next one,
        at an address that has the repository's number.
        """
        if self.server.log_fault is not None:
            return self.answer(*self.server.log_fault)
        size, start = min(int(query.get("per_page", 30)), 100), int(query.get("cursor", "v1_0")[3:])
        items, further = list(map(show_delivery, hook["deliveries"][::-1])), start + size
        link = f"<{self.server.url}/repositories/7/hooks/{hook['id']}/deliveries"
        link += f'?per_page={size}&cursor=v1_{further}>; rel="next"'
        headers = {"Link": link} if further < len(items) else {}
        return self.answer(200, items[start:further], headers)

    def _variables(self, body: dict[str, Any], query: dict[str, str], names: list[str]) -> None:
        variables = self.server.variables
        match self.command, names:
            case "GET", []:
                place = self._find_place("/variables")
                shown = [show_variable(variables[name], f"{place}/{name}") for name in variables]
                self._page(shown, query, 10, 30, "variables")
            case "POST", []:
                if body["name"] in variables:
                    return self.answer(409, {"message": "Already exists - Variable"})
                now = self.server.now()
                variables[body["name"]] = {**body, "created_at": now, "updated_at": now}
                self.answer(201, {})
            case "PATCH", [name] if name in variables:
                variables[name] |= {**body, "updated_at": self.server.now()}
                self.answer(204, None)
            case _:
                self.answer(404, {"message": "Not Found"})
        return None

    def _show(self, hook: dict[str, Any]) -> dict[str, Any]:
        return show_hook(hook, f"{self._find_place('/hooks')}/{hook['id']}")

    def _find_place(self, end: str) -> str:
        """The address of the hooks or variables that were asked for."""
        return f"{self.server.url}{self.path.partition(end)[0]}{end}"

    def _page(
        self, items: list[Any], query: dict[str, str], size: int, most: int, name: str = ""
    ) -> None:
        size = min(int(query.get("per_page", size)), most)
        first = (int(query.get("page", 1)) - 1) * size
        page = items[first : first + size]
        self.answer(200, {"total_count": len(items), name: page} if name else page)


def sign(key: str, body: bytes) -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def send(hook: dict[str, Any], event: str) -> None:
    """Delivers an event, and writes it into the delivery log."""
    body, config = b'{"zen": "Speak like a human."}', hook["config"]
    headers = {"X-GitHub-Event": event}
    if config.get("secret"):
        headers["X-Hub-Signature-256"] = sign(config["secret"], body)
    log(hook, deliver(config["url"], body, headers), event=event)


def log(
    hook: dict[str, Any], status: int, *, hours: float = 0, event: str = "push", again: bool = False
) -> None:
    """A delivery in the log, that many hours ago."""
    at = datetime.now(UTC) - timedelta(hours=hours)
    delivery = {
        "id": len(hook["deliveries"]) + 1,
        "delivered_at": f"{at:%Y-%m-%dT%H:%M:%S}Z",
        "redelivery": again,
        "status_code": status,
        "event": event,
    }
    hook["deliveries"].append(delivery)
    good = 200 <= status < 300
    hook["last_response"] = {
        "code": status,
        "status": "active" if good else "misconfigured",
        "message": "OK" if good else f"Invalid HTTP Response: {status}",
    }


class Server(StandIn):
    """One GitHub with one repository; variables by name. `faults` are answered to the next
    requests, one each, `log_fault` to each request for deliveries; the token has no right to the
    methods `refused`, which are 404 as at GitHub, or to `statuses`. `commits` are those that exist.
    """

    def __init__(self, scope: str) -> None:
        super().__init__(Handler)
        self.scope = scope
        self.variables: dict[str, dict[str, Any]] = {}
        self.faults: list[tuple[int, Any, dict[str, str]]] = []
        self.calls: list[tuple[str, str]] = []
        self.log_fault: tuple[int, Any] | None = None
        self.refused: set[str] = set()
        self.commits: set[str] = set()
        self.statuses: list[dict[str, Any]] = []
        self._ticks = 0

    def now(self) -> str:
        """A later time at each call, in whole seconds as GitHub has them."""
        self._ticks += 1
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_790_000_000 + self._ticks))

    def push(self) -> None:
        """A push: every hook that listens to it gets one delivery."""
        for hook in list(self.hooks.values()):
            if hook["active"] and {"push", "*"} & set(hook["events"]):
                send(hook, "push")


@contextmanager
def github(scope: str = f"/repos/{REPOSITORY}") -> Iterator[Server]:
    with serve(Server(scope)) as server:
        yield server
