"""A forge's API as far as the recipes call it, as a real HTTP server in this process: comments,
issues, and who merged what.

Lists come two items a page, as a busy repository's do in hundreds. What is asked without the token
is 401.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "forge-token-5f1c"
PAGE = 2


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class ForgeServer:
    """What people and pipelines did at one repository of one kind of forge: `github`, `gitea` or
    `gitlab`.
    """

    def __init__(self, kind: str) -> None:
        self.kind, self.lab = kind, kind == "gitlab"
        self.account = {
            "github": "github-actions[bot]",
            "gitea": "gitea-actions",
            "gitlab": "project_7_bot",
        }[kind]
        self.root = "/projects/7" if self.lab else "/repos/acme/webhooks"
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.issues: list[dict[str, Any]] = []
        self.merges: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.url = ""

    def said(self, author: str, text: str, **more: Any) -> dict[str, Any]:
        """A comment or an issue as this forge tells it."""
        by = {"author": {"username": author}} if self.lab else {"user": {"login": author}}
        return {
            "updated_at": now(),
            **by,
            **more,
            **({"body": text} if "id" in more else {self.text: text}),
        }

    def comment(self, number: int, author: str, text: str) -> None:
        """Somebody comments."""
        found = self.comments.setdefault(number, [])
        found.append(self.said(author, text, id=100 * number + len(found)))

    def merge(self, number: int, commit: str, head: str, how: str) -> None:
        """Somebody merges that request, whose head it was; the commit is what that gave. Only
        GitLab tells how.
        """
        if self.lab:
            merge, squash = (
                (commit if how == "--no-ff" else None),
                (commit if how == "--squash" else None),
            )
            merge_fields = {
                "iid": number,
                "sha": head,
                "merge_commit_sha": merge,
                "squash_commit_sha": squash,
            }
        else:
            merge_fields = {
                "number": number,
                "head": {"sha": head},
                "base": {"sha": "0" * 40},
                "merge_commit_sha": commit,
            }
        self.merges[commit] = {"merged_at": now(), **merge_fields}

    @property
    def text(self) -> str:
        return "description" if self.lab else "body"

    @property
    def open(self) -> list[dict[str, Any]]:
        return [issue for issue in self.issues if issue["state"] in {"open", "opened"}]

    def ours(self, number: int, kind: str) -> list[str]:
        """The texts of the pipeline's comments of that kind."""
        found = [
            item["body"]
            for item in self.comments.get(number, [])
            if self._author(item) == self.account
        ]
        return [text for text in found if text.startswith(f"<!-- reconciler-{kind} ")]

    def _author(self, item: dict[str, Any]) -> str:
        return str(
            (item.get("author") or item.get("user") or {}).get("username" if self.lab else "login")
        )

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and body; a list is cut into pages by the caller."""
        self.asked.append(f"{method} {path}")
        if path == "/user" and self.lab:
            return 200, {"username": self.account}
        if not path.startswith(f"{self.root}/"):
            return 404, {}
        rest = path.removeprefix(self.root)
        for pattern, found in (
            (r"/(?:issues|merge_requests)/(\d+)/(?:comments|notes)", self._comments),
            (r"/(?:issues/comments|merge_requests/\d+/notes)/(\d+)", self._comment),
            (r"/issues", self._issues),
            (r"/issues/(\d+)", self._issue),
            (r"(?:/repository)?/commits/([0-9a-f]{40})/(?:pulls?|merge_requests)", self._merged),
        ):
            match = re.fullmatch(pattern, rest)
            if match:
                return found(method, body, *match.groups())
        return 404, {}

    def _comments(self, method: str, body: Any, number: str) -> tuple[int, Any]:
        if method == "POST":
            self.comment(int(number), self.account, body["body"])
        return (201, {}) if method == "POST" else (200, self.comments.get(int(number), []))

    def _comment(self, method: str, body: Any, number: str) -> tuple[int, Any]:
        (found,) = (
            item for items in self.comments.values() for item in items if item["id"] == int(number)
        )
        assert method == ("PUT" if self.lab else "PATCH")
        found.update(body=body["body"], updated_at=now())
        return 200, found

    def _issues(self, method: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, self.open
        key, opened = ("iid", "opened") if self.lab else ("number", "open")
        self.issues.append(
            self.said(
                self.account,
                body[self.text],
                **{key: len(self.issues) + 1},
                title=body["title"],
                state=opened,
            )
        )
        return 201, {}

    def _issue(self, method: str, body: Any, number: str) -> tuple[int, Any]:
        assert method == ("PUT" if self.lab else "PATCH")
        found = self.issues[int(number) - 1]
        if body.get("state") == "closed" or body.get("state_event") == "close":
            found["state"] = "closed"
        found.update(
            {key: body[key] for key in ("title", self.text) if key in body}, updated_at=now()
        )
        return 200, found

    def _merged(self, _method: str, _body: Any, commit: str) -> tuple[int, Any]:
        found = self.merges.get(commit)
        if self.kind == "gitea":
            return (200, found) if found else (404, {})
        return 200, [found] if found else []


def _handler(forge: ForgeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = (
                self.headers["PRIVATE-TOKEN"] == TOKEN
                if forge.lab
                else self.headers["Authorization"] == f"token {TOKEN}"
            )
            length = int(self.headers["Content-Length"] or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            url = urlsplit(self.path)
            status, answer = forge.answer(self.command, url.path, body) if allowed else (401, {})
            links = ""
            if isinstance(answer, list):
                page = int(parse_qs(url.query).get("page", ["1"])[0])
                more = len(answer) > page * PAGE
                answer, links = (
                    answer[(page - 1) * PAGE : page * PAGE],
                    '<elsewhere>; rel="next"' if more else "",
                )
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            if links:
                self.send_header("Link", links)
            self.end_headers()
            self.wfile.write(data)

        do_PUT = do_POST = do_PATCH = do_GET  # noqa: N815  the base class's names

        def log_message(self, *_arguments: Any) -> None:
            """Nothing: the tests ask for what happened."""

    return Handler


@contextmanager
def served(kind: str) -> Iterator[ForgeServer]:
    """A forge that answers on 127.0.0.1."""
    forge = ForgeServer(kind)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(forge)) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        forge.url = f"http://127.0.0.1:{server.server_port}"
        yield forge
        server.shutdown()
