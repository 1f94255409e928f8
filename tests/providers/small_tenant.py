"""The part of the contract that a Provider needs, in a dict on a real socket, with faults on
request.

Exists beside the real tenant because it can lose an answer after serving it, forget idempotency
keys, and restart.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.providers.builders import LOST, Asked, Reply, problem, reply, webhook

Fault = Callable[[Asked, Reply], "Reply | None"]


def faithful(_asked: Asked, answer: Reply) -> Reply | None:
    return answer


@dataclass
class SmallTenant:
    """`fault` sees each request with the answer it would get, and says what really goes out; None
    loses it.
    """

    fault: Fault = faithful
    keeps_keys: bool = True
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    writes: int = 0
    made: int = 0

    def __call__(self, asked: Asked) -> Reply | None:
        target = urlsplit(asked.target)
        parts = target.path.removeprefix("/public-api/v1/webhooks").strip("/")
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        if parts == "test":
            answer = self._test(asked.body)
        elif parts:
            answer = self._one(asked, parts)
        else:
            answer = self._create(asked) if asked.method == "POST" else self._list(query)
        return self.fault(asked, answer)

    def _list(self, query: dict[str, str]) -> Reply:
        items = sorted(self.stored.values(), key=lambda item: str(item["id"]))
        items = [item for item in items if item["id"] > query.get("cursor", "")]
        items = [item for item in items if "name" not in query or item["name"] == query["name"]]
        page = items[: int(query.get("limit", "100"))]
        return reply(
            {"items": page, "next_cursor": page[-1]["id"] if len(page) < len(items) else None}
        )

    def _write(self, before: dict[str, Any], body: dict[str, Any]) -> Reply:
        body = {
            **body,
            **({"name": unicodedata.normalize("NFC", body["name"])} if "name" in body else {}),
        }
        if any(
            other["name"] == body.get("name") and other["id"] != before["id"]
            for other in self.stored.values()
        ):
            return problem(409, "name-taken")
        if self._misses_secret(before, body):
            return problem(422, "secret", "", ("/auth",))
        after = {**before, **body}
        after["auth"] = {
            k: v
            for k, v in after["auth"].items()
            if k in {"type", "username", "header", "credential_version"}
        }
        if after != self.stored.get(after["id"]):
            self.writes += 1
            after["revision"] = f"w{self.writes}"
        self.stored[after["id"]] = after
        return reply(after, ETag=f'"{after["revision"]}"')

    def _misses_secret(self, before: dict[str, Any], body: dict[str, Any]) -> bool:
        """Whether a secret was not given and the stored one was not stored for this url, type and
        header.
        """
        old, new = before["auth"], body.get("auth", before["auth"])
        if new["type"] == "none" or {"password", "token", "value"} & set(new):
            return False
        wanted = body.get("url", before["url"])
        places = [
            (url, auth["type"], auth.get("header"))
            for url, auth in ((before["url"], old), (wanted, new))
        ]
        return places[0] != places[1]

    def _create(self, asked: Asked) -> Reply:
        key = asked.headers["idempotency-key"]
        if self.keeps_keys and key in self.keys:
            made_id, body = self.keys[key]
            if body != asked.body:
                return problem(422, "idempotency")
            return (
                reply(self.stored[made_id], 201)
                if made_id in self.stored
                else problem(409, "idempotency")
            )
        self.made += 1
        made_id = f"made-{self.made:03}"
        made = self._write(webhook(0, id=made_id, url="", auth={"type": "none"}), asked.body)
        if made.status == 200:
            self.keys[key] = (made_id, asked.body)
            return Reply(201, made.body, made.headers)
        return made

    def _test(self, body: dict[str, Any]) -> Reply:
        stored = self.stored.get(body.get("id", ""), {"url": "", "auth": {"type": "none"}})
        if self._misses_secret(stored, body["webhook"]):
            return problem(422, "secret", "", ("/webhook/auth",))
        return reply(
            {
                "event": "x",
                "verdict": "delivered",
                "status_code": 200,
                "detail": None,
                "seconds": 0.1,
            }
        )

    def _one(self, asked: Asked, webhook_id: str) -> Reply:
        found = self.stored.get(webhook_id)
        if found is None:
            return problem(404, "not-found")
        if asked.method == "GET":
            return reply(found)
        if asked.headers["if-match"] != f'"{found["revision"]}"':
            return problem(412, "revision")
        if asked.method == "PATCH":
            return self._write(found, asked.body)
        if found["protected"]:
            return problem(409, "protected")
        del self.stored[webhook_id]
        return Reply(204)


def losing(method: str, times: int = 1) -> Fault:
    """Serves, then loses the first `times` answers to `method`."""
    left = times

    def fault(asked: Asked, answer: Reply) -> Reply | None:
        nonlocal left
        if asked.method == method and left:
            left -= 1
            return LOST
        return answer

    return fault
