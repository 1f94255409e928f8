"""The webhooks and Actions variables of Gitea and Forgejo, as far as a provider meets them, over
real HTTP.

Source: the source of go-gitea/gitea 1.22 to 1.26. Its traps are behaviour here:

- `addHook`: `type`, `config.url` and `config.content_type` are needed, else 422; `active` is false
  unless it is sent; `issues` and `pull_request` stand for all events of their groups; a url may be
  there twice.
- `editHook`: a secret is ignored and the answer is 200; events, branch filter and authorization
  header that are not sent are reset; `type` does not change.
- `EventsArray`: events are listed one by one, in any order; `issues_only` comes back as `issues`.
  `old_names` lists reviews as servers until 1.23 do.
- `ToHook`: a secret never comes back, an authorization header does.
- `UpdateWebhookLastStatus`: a delivery moves `updated_at`.
- `GetListOptions`: a page has no more than MAX_RESPONSE_ITEMS, whatever its `limit`.
- `TestHook`: the answer is 204 before the delivery, whatever its result.
- `NewCommitStatus`: a commit that is not there is a 500, a state that is not known too.
- Hooks of an archived repository are read and written as those of any other.
- Variables: a write is answered without a body. Servers before 1.22 have none (`variables` None).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.stand_ins.server import JsonHandler, StandIn, deliver, serve

TOKEN = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "acme/api"
MOST = 50
SINGLE = {
    *("create", "delete", "fork", "push", "wiki", "repository", "release", "package", "status"),
    *("workflow_run", "workflow_job", "action_run_failure"),
}
GROUPS = {
    "issues": ["issues", "issue_assign", "issue_label", "issue_milestone", "issue_comment"],
    "pull_request": [
        "pull_request",
        "pull_request_assign",
        "pull_request_label",
        "pull_request_milestone",
        "pull_request_comment",
        "pull_request_review",
        "pull_request_review_request",
        "pull_request_sync",
    ],
}
REVIEW = ["pull_request_review_approved", "pull_request_review_rejected"]


class Handler(JsonHandler):
    server: Server

    def _serve(self) -> None:
        body = self.read_body()
        place = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        if self.headers.get("Authorization") != f"token {TOKEN}":
            return self.answer(401, {"message": "token is required"})
        with self.server.lock:
            self.server.calls.append((self.command, place.path))
            self.server.counts.append(len(self.server.hooks))
            fault = self.server.find_fault(self.command, place.path)
            if fault is not None:
                return self._fail(*fault)
            parts = place.path.removeprefix(f"/api/v1{self.server.scope}").strip("/").split("/")
            return self._route(parts, body, query)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  names of the library

    def _route(self, parts: list[str], body: dict[str, Any], query: dict[str, str]) -> None:
        match parts:
            case ["hooks"]:
                return self._hooks(body, query)
            case ["hooks", ident, *rest]:
                return self._hook(self.server.hooks.get(int(ident)), body, rest)
            case ["actions", "variables", *names] if self.server.variables is not None:
                return self._variables(self.server.variables, body, query, names)
            case ["statuses", commit] if self.command == "POST":
                return self._status(commit, body)
            case _:  # also what one may not see
                return self.answer(404, {"message": "not found", "errors": None})

    def _fail(self, status: int, body: Any, headers: dict[str, str]) -> None:
        if not isinstance(body, str):
            return self.answer(status, body, headers)
        time.sleep(float(headers.get("seconds", 0)))
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        return None

    def _hooks(self, body: dict[str, Any], query: dict[str, str]) -> None:
        server = self.server
        if self.command == "GET":
            return self._page([server.show(hook) for hook in server.hooks.values()], query)
        config = body.get("config", {})
        wrong = {"type": body.get("type")} | {name: config.get(name) for name in CONFIG}
        missing = [name for name, value in wrong.items() if not value]
        if missing or config["content_type"] not in {"json", "form"}:
            return self.answer(422, {"message": f"Missing config option: {missing}"})
        hook = server.add(**{name: body[name] for name in body if name not in server.forgotten})
        if server.lost_answers:
            server.lost_answers -= 1
            self.close_connection = True
            return None
        return self.answer(201, server.show(hook))

    def _hook(self, hook: dict[str, Any] | None, body: dict[str, Any], rest: list[str]) -> None:
        if hook is None:
            return self.answer(404, {"message": "not found", "errors": None})
        match self.command, rest:
            case "GET", []:
                self.answer(200, self.server.show(hook))
            case "PATCH", []:
                config = body.get("config", {})
                hook["config"] |= {name: config[name] for name in CONFIG & config.keys()}
                hook["events"] = expand(body.get("events"))
                for name in ("branch_filter", "authorization_header"):
                    hook[name] = body.get(name, "")
                hook["active"] = body.get("active", hook["active"])
                hook["updated_at"] = self.server.now()
                self.answer(200, self.server.show(hook))
            case "DELETE", []:
                del self.server.hooks[hook["id"]]
                self.answer(204, None)
            case "POST", ["tests"] if self.server.scope.startswith("/repos/"):
                threading.Timer(0.2, self.server.send, (hook, "push")).start()
                self.answer(204, None)
            case _:
                self.answer(404, {"message": "not found", "errors": None})
        return None

    def _variables(
        self,
        variables: dict[str, str],
        body: dict[str, Any],
        query: dict[str, str],
        names: list[str],
    ) -> None:
        match self.command, [name.upper() for name in names]:
            case "GET", []:
                items = [{"name": name, "data": data} for name, data in variables.items()]
                self._page(items, query)
            case "POST", [name] if name in variables:
                self.answer(409, {"message": "variable name already exists"})
            case "POST", [name]:
                variables[name] = body["value"]
                self._end(201)
            case "PUT", [name] if name in variables:
                variables[name] = body["value"]
                self._end(204)
            case _:
                self.answer(404, {"message": "not found", "errors": None})

    def _status(self, commit: str, body: dict[str, Any]) -> None:
        if commit not in self.server.commits or body.get("state") not in STATES:
            return self.answer(500, {"message": "", "url": f"{self.server.url}/api/swagger"})
        self.server.statuses.append({"commit": commit, **body})
        return self.answer(201, {"id": len(self.server.statuses), "status": body["state"], **body})

    def _end(self, status: int) -> None:
        """An answer without a body, as Gitea's `ctx.Status` writes it."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _page(self, items: list[Any], query: dict[str, str]) -> None:
        size = min(int(query.get("limit", 30)), self.server.most)
        first = (int(query.get("page", 1)) - 1) * size
        self.answer(200, items[first : first + size])


CONFIG = {"url", "content_type"}
STATES = {"pending", "success", "error", "failure", "warning"}


def expand(events: list[str] | None) -> set[str]:
    """`updateHookEvents`: the stored events of those that are sent; `push` if there are none."""
    sent = set(events or ["push"])
    stored = sent & SINGLE
    for group, members in GROUPS.items():
        wanted = {group if name == f"{group}_only" else name for name in sent - {group}}
        stored |= set(members) if group in sent else wanted & set(members)
    return stored


def sign(key: str, body: bytes) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


Fault = tuple[int, Any, dict[str, str]]


class Server(StandIn):
    """One Gitea with one repository or organisation; variables by name. `faults` are answered to
    the next requests, one each; `rules` to each request whose method and path match. `commits` are
    those that exist.
    """

    def __init__(self, scope: str) -> None:
        super().__init__(Handler)
        self.scope, self.most, self.old_names = scope, MOST, False
        self.variables: dict[str, str] | None = {}
        self.faults: list[Fault] = []
        self.rules: dict[str, Fault] = {}
        self.lost_answers = 0  # of the next creates
        self.forgotten: set[str] = set()  # fields of a create that the server does not keep
        self.calls: list[tuple[str, str]] = []
        self.commits: set[str] = set()
        self.statuses: list[dict[str, Any]] = []
        self.counts: list[int] = []  # how many hooks there were at each request
        self._ticks = 0

    def now(self) -> str:
        """A later time at each call, in whole seconds as Gitea has them."""
        self._ticks += 1
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_790_000_000 + self._ticks))

    def find_fault(self, method: str, path: str) -> Fault | None:
        if self.faults:
            return self.faults.pop(0)
        matching = (
            fault for rule, fault in self.rules.items() if re.search(rule, f"{method} {path}")
        )
        return next(matching, None)

    def add(self, **values: Any) -> dict[str, Any]:
        """Makes a hook, as a request or a person does."""
        self.last += 1
        now = self.now()
        self.hooks[self.last] = hook = {
            "id": self.last,
            "type": values.get("type", "gitea"),
            "config": {"content_type": "json", **values["config"]},
            "events": expand(values.get("events")),
            "active": values.get("active", False),
            "branch_filter": values.get("branch_filter", ""),
            "authorization_header": values.get("authorization_header", ""),
            "created_at": now,
            "updated_at": now,
        }
        return hook

    def show(self, hook: dict[str, Any]) -> dict[str, Any]:
        """A hook as an answer has it."""
        events = list(hook["events"])
        if self.old_names and "pull_request_review" in events:
            events.remove("pull_request_review")
            events += REVIEW
        if self.old_names and "pull_request_comment" in events:
            events.append("pull_request_review_comment")
        config = {name: hook["config"][name] for name in CONFIG}
        return {**hook, "events": events, "config": config}

    def send(self, hook: dict[str, Any], event: str) -> None:
        """Delivers an event to one hook."""
        body, key = b'{"ref": "refs/heads/main"}', hook["config"].get("secret")
        headers = {"X-Gitea-Event": event, "X-Gitea-Signature": sign(key, body) if key else ""}
        if hook["authorization_header"]:
            headers["Authorization"] = hook["authorization_header"]
        deliver(hook["config"]["url"], body, headers)
        hook["updated_at"] = self.now()

    def push(self) -> None:
        """A push: every hook that listens to it gets one delivery."""
        for hook in list(self.hooks.values()):
            if hook["active"] and "push" in hook["events"]:
                self.send(hook, "push")


@contextmanager
def gitea(scope: str = f"/repos/{REPOSITORY}") -> Iterator[Server]:
    with serve(Server(scope)) as server:
        yield server
