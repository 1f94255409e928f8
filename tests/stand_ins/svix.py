"""Svix's endpoints, as far as a provider meets them, over real HTTP on 127.0.0.1.

Source: Svix's OpenAPI document, version 1.922.0; what it leaves open is as in the source of the
open-source server. Every body is checked: a field that an operation does not have is a 422, which
Svix itself would pass over. The traps are behaviour here: a path takes an id or a uid; a uid is
taken once (409); sets come back in another order; PUT resets what is not sent; PATCH of `metadata`
replaces all of it, and PATCH of `secret` does nothing; a url without a path gets a slash; there is
always a key; after a rotation both keys sign for 24 hours, and a sixth rotation within them is
refused; only the `svix-` headers are sent; an example message goes to no endpoint that is disabled
or has channels; its attempt is there a little later; the statistics of an endpoint count messages.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from tests.stand_ins.server import JsonHandler, StandIn, deliver, serve
from tests.stand_ins.svix_bodies import DEFAULTS, EVENTS, OPERATIONS, find_faults

TOKEN = "testsk_0123456789abcdefghijABCDEFGH.eu"
APPLICATION = "acme-prod"
DAY = 24 * 60 * 60


class Handler(JsonHandler):
    server: Server
    kept: tuple[str, str] | None = None  # path and idempotency key of this request

    def _serve(self) -> None:
        body, place = self.read_body(), urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        parts = [unquote(part) for part in place.path.rstrip("/").split("/")[1:]]
        key = self.headers.get("Idempotency-Key")
        self.kept = (place.path, key) if key and self.command == "POST" else None
        time.sleep(self.server.slow)
        with self.server.lock:
            self.server.calls.append((self.command, place.path))
            if self.server.faults:
                return self.answer(*self.server.faults.pop(0))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._refuse(401, "authentication_failed", "Incorrect credentials.")
            if self.command in self.server.refused:
                return self._refuse(403, "insufficient access", "Insufficient access.")
            if self.kept in self.server.answers:
                return self.answer(*self.server.answers[self.kept])
            if parts[:4] != ["api", "v1", "app", APPLICATION]:
                return self._not_found()
            return self._route(body, query, parts[4:])

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  names of the library

    def answer(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        server = self.server
        if self.kept and status < 300 and server.keeps_keys:
            server.answers[self.kept] = (status, body)
        if self.command == "POST" and server.lose:
            server.lose -= 1
            self.close_connection = True
            return
        super().answer(status, body, headers)

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self.answer(status, {"code": code, "detail": detail})

    def _not_found(self) -> None:
        self._refuse(404, "not_found", "Entity not found")

    def _route(self, body: dict[str, Any], query: dict[str, str], parts: list[str]) -> None:
        server = self.server
        match parts:
            case ["endpoint"] if self.command == "GET":
                self._page(reversed(list(server.endpoints.values())), query)
            case ["endpoint"] if self.command == "POST":
                if self._accepts("", body, None):
                    self._create(body)
            case ["attempt", "msg", message]:
                self._page([a for a in server.attempts if a["msgId"] == message], query)
            case ["endpoint", ident, *rest]:
                endpoint = server.find(ident)
                if endpoint is None:
                    self._not_found()
                elif rest == ["stats"] and self.command == "GET":
                    self.answer(200, server.count(endpoint, query))
                elif self._accepts("/".join(rest), body, endpoint):
                    self._one(endpoint, body, "/".join(rest))
            case _:
                self._not_found()

    def _accepts(
        self, operation: str, body: dict[str, Any], endpoint: dict[str, Any] | None
    ) -> bool:
        """Whether a body is as the operation takes it; answers if it is not."""
        if (self.command, operation) not in OPERATIONS:
            return True
        faults = list(find_faults((self.command, operation), body))
        other = self.server.find(body["uid"]) if body.get("uid") else None
        if faults:
            self.answer(422, {"detail": faults})
        elif other is not None and other is not endpoint:
            self._refuse(409, "conflict", "A conflict has occurred")
        return not faults and other in (None, endpoint)

    def _page(self, items: Iterable[dict[str, Any]], query: dict[str, str]) -> None:
        limit, after = int(query.get("limit", 50)), query.get("iterator")
        if not 1 <= limit <= 250:
            fault = {"loc": ["query", "limit"], "msg": "too large", "type": "value_error"}
            return self.answer(422, {"detail": [fault]})
        left = [item for item in items if after is None or item["id"] < after]
        page = [shown(item) for item in left[:limit]]
        last = page[-1]["id"] if page else None
        return self.answer(
            200, {"data": page, "iterator": last, "prevIterator": None, "done": len(left) <= limit}
        )

    def _create(self, body: dict[str, Any]) -> None:
        server, now = self.server, self.server.now()
        server.last += 1
        ident = f"ep_{server.last:027}"
        server.endpoints[ident] = endpoint = {
            "id": ident,
            "createdAt": now,
            "updatedAt": now,
            "_old": [],
            **DEFAULTS,
            **stored(body),
            "_key": body.get("secret") or make_key(server.last),
        }
        self.answer(201, shown(endpoint))

    def _one(self, endpoint: dict[str, Any], body: dict[str, Any], operation: str) -> None:
        server = self.server
        match self.command, operation:
            case "GET", "":
                return self.answer(200, shown(endpoint))
            case "PATCH" | "PUT", "":
                endpoint |= {**(DEFAULTS if self.command == "PUT" else {}), **stored(body)}
                endpoint["updatedAt"] = server.now()
                return self.answer(200, shown(endpoint))
            case "DELETE", "":
                del server.endpoints[endpoint["id"]]
                return self.answer(204, None)
            case "POST", "secret/rotate":
                return self._rotate(endpoint, body)
            case "POST", "send-example":
                return self._send_example(endpoint, body["eventType"])
            case _:
                return self._not_found()

    def _rotate(self, endpoint: dict[str, Any], body: dict[str, Any]) -> None:
        server, old = self.server, endpoint["_old"]
        if len(old) >= 5:
            return self._refuse(400, "limit_reached", "You can only rotate a key 5 times a day.")
        server.last += 1
        old.insert(0, (endpoint["_key"], server.time() + DAY))
        endpoint |= {"_key": body.get("key") or make_key(server.last), "updatedAt": server.now()}
        return self.answer(204, None)

    def _send_example(self, endpoint: dict[str, Any], kind: str) -> None:
        if kind not in {*EVENTS, "svix.ping"}:
            return self._not_found()
        if kind == "without.example":
            return self._refuse(400, "invalid_scheme", "Unable to generate example message")
        server = self.server
        server.last += 1
        ident = f"msg_{server.last:027}"
        types = endpoint["filterTypes"]
        if not endpoint["disabled"] and not endpoint["channels"] and (not types or kind in types):
            threading.Timer(0.2, server.send, (endpoint, ident)).start()
        message = {"id": ident, "eventType": kind, "payload": {}, "timestamp": server.now()}
        return self.answer(202, message)


def stored(body: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: body[name] for name in body.keys() - {"secret", "headers"}}
    if "url" in body:
        place = urlsplit(body["url"])
        values["url"] = urlunsplit(place._replace(path=place.path or "/"))
    if "headers" in body:
        values["_headers"] = body["headers"]
    return values


def shown(item: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in item.items() if not name.startswith("_")}
    for name in {"filterTypes", "channels"} & values.keys():
        values[name] = sorted(values[name], reverse=True) if values[name] else None
    return values


def find_time(seconds: float) -> str:
    """The time that many seconds ago."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


def make_key(number: int) -> str:
    return "whsec_" + b64encode(f"a key that Svix made {number:08}".encode()).decode()


def sign(key: str, ident: str, timestamp: int, body: bytes) -> str:
    signed = f"{ident}.{timestamp}.".encode() + body
    secret = b64decode(key.removeprefix("whsec_"))
    return "v1," + b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


class Server(StandIn):
    """One Svix with one application; endpoints by id.

    `faults` are answered to the next requests, one each; `slow` seconds come before each answer;
    the answers of the next `lose` POSTs are lost; `keeps_keys`: idempotency keys are remembered;
    the token has no right to the methods `refused`; `skew` seconds have passed for old keys.
    """

    def __init__(self) -> None:
        super().__init__(Handler)
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.attempts: list[dict[str, Any]] = []
        self.answers: dict[tuple[str, str] | None, tuple[int, Any]] = {}
        self.faults: list[tuple[Any, ...]] = []
        self.calls: list[tuple[str, str]] = []
        self.refused: set[str] = set()
        self.slow, self.skew, self.lose, self.keeps_keys = 0.0, 0, 0, True
        self._ticks = 0

    def time(self) -> float:
        return time.time() + self.skew

    def now(self) -> str:
        """A later time at each call."""
        self._ticks += 1
        return f"2026-11-29T00:00:00.{self._ticks:06}Z"

    def find(self, ident: str) -> dict[str, Any] | None:
        """An endpoint by its id or uid."""
        values = self.endpoints.values()
        return next((item for item in values if ident in {item["id"], item["uid"]}), None)

    def count(self, endpoint: dict[str, Any], query: Mapping[str, str]) -> dict[str, int]:
        """Its messages by their status since then; of 28 days without `since`."""
        since = query.get("since") or find_time(28 * DAY)
        ended = Counter(
            item["status"]
            for item in self.attempts
            if item["endpointId"] == endpoint["id"] and item["timestamp"] >= since
        )
        return {"success": ended[0], "pending": ended[1], "fail": ended[2], "sending": ended[3]}

    def signup(self) -> None:
        """A message that every endpoint gets which takes its type."""
        for endpoint in list(self.endpoints.values()):
            types = endpoint["filterTypes"]
            if not endpoint["disabled"] and (not types or "user.signup" in types):
                self.last += 1
                self.send(endpoint, f"msg_{self.last:027}")

    def send(self, endpoint: dict[str, Any], ident: str) -> None:
        body, at = b'{"success": true}', int(time.time())
        keys = [endpoint["_key"], *(key for key, until in endpoint["_old"] if until > self.time())]
        signatures = " ".join(sign(key, ident, at, body) for key in keys)
        headers = {"svix-id": ident, "svix-timestamp": str(at), "svix-signature": signatures}
        status = deliver(endpoint["url"], body, headers)
        with self.lock:
            self.log(endpoint, ident, status)

    def log(self, endpoint: dict[str, Any], ident: str, status: int, hours: float = 0) -> None:
        """An attempt that many hours ago, the only one of its message."""
        self.last += 1
        self.attempts.append(
            {
                "id": f"atmpt_{self.last:027}",
                "msgId": ident,
                "endpointId": endpoint["id"],
                "responseStatusCode": status,
                "status": 0 if 200 <= status < 300 else 2,
                "timestamp": find_time(hours * 3600),
            }
        )


@contextmanager
def svix() -> Iterator[Server]:
    with serve(Server()) as server:
        yield server
