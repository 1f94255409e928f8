"""GitHub's own description between the provider and the stand-in, held by prism.

`prism proxy` answers a request or an answer that violates the description with an error. In front
of it stands a `Watch`, which keeps each of these errors: a provider may try again, or expect to be
refused. It also finds query parameters that are not described, which prism lets pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.products.conftest import ENVIRONMENTS
from tests.products.openapi_cut import cut_description, find_query_names
from tests.products.served import find_port, served
from tests.stand_ins.github import Server, github
from tests.stand_ins.server import JsonHandler, StandIn, serve
from tests.support.processes import NODE, environment

MODULES = ENVIRONMENTS / "prism" / "node_modules"
PRISM = MODULES / "@stoplight" / "prism-cli" / "dist" / "index.js"
GITHUB = MODULES / "@octokit" / "openapi" / "generated" / "api.github.com.json"
PLACES = ("/repos/{owner}/{repo}", "/orgs/{org}")
RESOURCES = (
    "/hooks",
    "/hooks/{hook_id}",
    "/hooks/{hook_id}/config",
    "/hooks/{hook_id}/pings",
    "/hooks/{hook_id}/deliveries",
    "/hooks/{hook_id}/deliveries/{delivery_id}",
    "/actions/variables",
    "/actions/variables/{name}",
)
HOP = {"host", "connection", "keep-alive", "content-length", "transfer-encoding"}
PATHS = [place + resource for place in PLACES for resource in RESOURCES]


class Watcher(JsonHandler):
    """Passes a request on to prism, and keeps what prism found."""

    server: Watch

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: self.headers[name] for name in self.headers if name.lower() not in HOP}
        # prism passes it on, and uses a connection again that the stand-in was asked to close
        headers["Connection"] = "keep-alive"
        with closing(HTTPConnection("127.0.0.1", self.server.port, timeout=60)) as prism:
            prism.request(self.command, self.path, body or None, headers)
            answer = prism.getresponse()
            self._pass_on(answer.status, answer.headers, answer.read())

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  names of the library

    def _pass_on(self, status: int, headers: Message, body: bytes) -> None:
        self.server.keep(self.command, self.path, headers, body)
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # the client left
            self.wfile.write(body)


class Watch(StandIn):
    """The address for a provider. `violations` are texts."""

    def __init__(self, port: int, description: dict[str, Any]) -> None:
        super().__init__(Watcher)
        self.port, self.description = port, description
        self.violations: list[str] = []

    def keep(self, method: str, path: str, headers: Message, body: bytes) -> None:
        place = urlsplit(path)
        names = find_query_names(self.description, method, place.path)
        unknown = sorted(parse_qs(place.query).keys() - names)
        found = [f"query.{name}: GitHub describes no such parameter" for name in unknown]
        if headers.get_content_type() == "application/problem+json":
            problem = json.loads(body)
            found += map(show_violation, problem.get("validation") or [problem])
        with self.lock:
            self.violations += [f"{method} {path}: {item}" for item in found]


def show_violation(item: dict[str, Any]) -> str:
    """A violation, or a problem with none, such as a path that is not described."""
    place = ".".join(item.get("location", ()))
    return f"{place}: {item['message']}" if place else f"{item['title']}: {item['detail']}"


class CheckedGitHub:
    """A stand-in behind GitHub's description; a provider's address is `url`."""

    def __init__(self, server: Server, watch: Watch) -> None:
        self.server, self.watch, self.url = server, watch, watch.url

    def clear(self) -> None:
        """Leaves an empty place."""
        server = self.server
        for held in (server.hooks, server.variables, server.faults, server.refused, server.calls):
            held.clear()
        self.watch.violations.clear()

    def check(self) -> None:
        """Fails if a request or an answer violated the description since `clear`."""
        violations = self.watch.violations
        assert not violations, "\n".join(violations[:20])


@contextmanager
def open_checked_github(scope: str, folder: Path) -> Iterator[CheckedGitHub]:
    """One repository or organisation; `folder` gets the cut and prism's log."""
    cut = cut_description(json.loads(GITHUB.read_text()), PATHS)
    document, port = folder / "github.json", find_port()
    document.write_text(json.dumps(cut))
    url = f"http://127.0.0.1:{port}"
    command = [str(NODE), str(PRISM), "proxy", str(document), "--errors"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--multiprocess", "false"]
    with (
        github(scope) as server,
        served([*command, server.url], url, folder, environment(), seconds=60),
        serve(Watch(port, cut)) as watch,
    ):
        yield CheckedGitHub(server, watch)
