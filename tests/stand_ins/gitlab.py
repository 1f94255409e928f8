"""GitLab's webhooks, as far as a provider meets them, over real HTTP on 127.0.0.1.

Source: GitLab's REST API documentation ("Project webhooks API"). The traps of it are behaviour here:
`push_events` is on unless it is sent; PUT needs the url; a new url drops the token and the custom
headers; neither a token nor the value of a header comes back; PUT adds headers; a page has 20 hooks
unless more are asked for, and at most 100; a project is found by its percent-encoded path; a test is answered with 201 or 422, and what the endpoint said stands in the
list of recent events. As in GitLab's source (`lib/api/hooks/events.rb`) that list is asked for in
pages of at most 20, has the newest first, and does not tell tests apart. As in
`lib/api/commit_statuses.rb`, a status that is pending cannot become pending.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.stand_ins.server import JsonHandler, StandIn, deliver, serve

TOKEN = "glpat-0123456789abcdefghij"
PROJECT = "acme/api"
FLAGS = {
    name: name == "push_events"
    for name in (
        *("push_events", "tag_push_events", "issues_events", "confidential_issues_events"),
        *("note_events", "confidential_note_events", "merge_requests_events", "job_events"),
        *("pipeline_events", "wiki_page_events", "deployment_events", "feature_flag_events"),
        *("releases_events", "milestone_events", "emoji_events", "resource_access_token_events"),
        *("vulnerability_events", "repository_update_events"),
    )
}
TEXTS = {"name": None, "description": None, "push_events_branch_filter": None}
OTHERS = {
    "branch_filter_strategy": "wildcard",
    "custom_webhook_template": None,
    "enable_ssl_verification": True,
    "alert_status": "executable",
    "disabled_until": None,
    "custom_headers": dict[str, str](),
}
IGNORED = {"member_events", "project_events", "subgroup_events"}  # those of groups
PAGE = {"per_page": "20", "page": "1"}
STATES = {"pending", "running", "success", "failed", "canceled"}
REPEATED = (
    "Cannot transition status via :enqueue from :pending "
    '(Reason(s): Status cannot transition via "enqueue")'
)
KNOWN = {"url", "token", *FLAGS, *TEXTS, *OTHERS, *IGNORED} - {
    "alert_status",
    "disabled_until",
    "custom_headers",
}


class Handler(JsonHandler):
    server: Server

    def _serve(self) -> None:
        body = self.read_body()
        place = urlsplit(self.path)
        parts = [unquote(part) for part in place.path.split("/")[1:]]
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"message": "401 Unauthorized"})
        if parts[:5] == ["api", "v4", "projects", self.server.project, "statuses"]:
            with self.server.lock:
                return self._status(parts[5], body)
        if parts[:5] != ["api", "v4", "projects", self.server.project, "hooks"]:
            return self.answer(404, {"message": "404 Project Not Found"})
        with self.server.lock:
            if len(parts) == 5:
                return self._all(body, parse_qs(place.query))
            hook = self.server.hooks.get(int(parts[5]))
            if hook is None:
                return self.answer(404, {"message": "404 Not found"})
            return self._one(hook, body, parse_qs(place.query), parts[6:])

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  names of the library

    def _all(self, body: dict[str, Any], query: dict[str, list[str]]) -> None:
        hooks = self.server.hooks
        if self.command == "GET":
            size = min(int(query.get("per_page", ["20"])[0]), 100)
            first = (int(query.get("page", ["1"])[0]) - 1) * size
            return self.answer(200, [shown(hook) for hook in hooks.values()][first : first + size])
        if "url" not in body:
            return self.answer(400, {"error": "url is missing"})
        self.server.last += 1
        hook = {"id": self.server.last, **FLAGS, **TEXTS, **OTHERS, **known(body), "log": []}
        hook["custom_headers"] = read_headers(body)
        hooks[self.server.last] = hook
        return self.answer(201, shown(hook))

    def _status(self, commit: str, body: dict[str, Any]) -> None:
        if commit not in self.server.commits:
            return self.answer(404, {"message": "404 Commit Not Found"})
        if self.server.status_fault is not None:
            return self.answer(*self.server.status_fault)
        if body.get("state") not in STATES:
            return self.answer(400, {"error": "state does not have a valid value"})
        status = {"commit": commit, **body}
        names = ("commit", "name", "state")
        if status["state"] == "pending" and self.server.statuses:
            last = self.server.statuses[-1]
            if [last[name] for name in names] == [status[name] for name in names]:
                return self.answer(400, {"message": REPEATED})
        self.server.statuses.append(status)
        shown = {**body, "id": len(self.server.statuses), "sha": commit, "status": body["state"]}
        return self.answer(201, shown)

    def _log(self, hook: dict[str, Any], query: dict[str, list[str]]) -> None:
        """Newest first, and at most 20."""
        size, page = (int(query.get(name, [most])[0]) for name, most in PAGE.items())
        if not self.server.has_log:
            return self.answer(404, {"error": "404 Not Found"})
        if not 1 <= size <= 20:
            return self.answer(400, {"error": "per_page does not have a valid value"})
        return self.answer(200, hook["log"][::-1][(page - 1) * size : page * size])

    def _one(
        self,
        hook: dict[str, Any],
        body: dict[str, Any],
        query: dict[str, list[str]],
        rest: list[str],
    ) -> None:
        match self.command, rest:
            case "GET", []:
                self.answer(200, shown(hook))
            case "GET", ["events"]:
                self._log(hook, query)
            case "PUT", []:
                if "url" not in body:
                    return self.answer(400, {"error": "url is missing"})
                if body["url"] != hook["url"]:
                    hook.pop("token", None)
                    hook["custom_headers"] = {}
                hook |= known(body)
                hook["custom_headers"] = {**hook["custom_headers"], **read_headers(body)}
                self.answer(200, shown(hook))
            case "DELETE", ["custom_headers", name]:
                found = hook["custom_headers"].pop(name, None)
                self.answer(404 if found is None else 204, None)
            case "DELETE", []:
                del self.server.hooks[hook["id"]]
                self.answer(204, None)
            case "POST", ["test", trigger]:
                status = send(hook, trigger)
                good = status.startswith("2")
                message = "201 Created" if good else "422 Unprocessable Entity"
                self.answer(201 if good else 422, {"message": message})
            case _:
                self.answer(404, {"message": "404 Not Found"})
        return None


def known(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in KNOWN - IGNORED}


def read_headers(body: dict[str, Any]) -> dict[str, str]:
    return {item["key"]: item["value"] for item in body.get("custom_headers", ())}


def shown(hook: dict[str, Any]) -> dict[str, Any]:
    names = [{"key": name} for name in hook["custom_headers"]]
    body = {name: value for name, value in hook.items() if name not in {"token", "log"}}
    return {**body, "custom_headers": names}


def send(hook: dict[str, Any], trigger: str) -> str:
    headers = {"X-Gitlab-Event": trigger}
    headers |= hook["custom_headers"]
    headers |= {"X-Gitlab-Token": hook["token"]} if hook.get("token") else {}
    status = str(deliver(hook["url"], b"{}", headers) or "internal error")
    log(hook, status, trigger)
    return status


def log(hook: dict[str, Any], status: str, trigger: str = "push_events", hours: float = 0) -> None:
    """A delivery in the log, that many hours ago."""
    at = datetime.now(UTC) - timedelta(hours=hours)
    hook["log"].append(
        {
            "id": len(hook["log"]) + 1,
            "url": hook["url"],
            "trigger": trigger.replace("_events", "_hooks"),
            "request_headers": {"X-Gitlab-Token": "[REDACTED]"},
            "request_data": {"object_kind": "push"},
            "response_status": status,
            "created_at": f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
        }
    )


class Server(StandIn):
    """One GitLab with one project. Servers before 17.3 have no log (`has_log`). `commits` are those
    that exist; each status is answered by `status_fault`.
    """

    def __init__(self, project: str = PROJECT) -> None:
        super().__init__(Handler)
        self.project = project
        self.has_log = True
        self.commits: set[str] = set()
        self.statuses: list[dict[str, Any]] = []
        self.status_fault: tuple[int, Any] | None = None

    def push(self) -> None:
        """A push: every hook that listens to it gets one delivery."""
        for hook in list(self.hooks.values()):
            if hook["push_events"]:
                send(hook, "push_events")


@contextmanager
def gitlab() -> Iterator[Server]:
    with serve(Server()) as server:
        yield server
