"""Who may ask the agent's page for what: hosts, methods, headers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.continuous.page.board import PUSH_KEY, Board, make_rows, served
from tests.continuous.page.test_content import ask
from tests.stand_ins import gitea

PAGES = ("/", "/tenants/drifted", "/tenants/none", "/static/page.css", "/static/status.css")
OPEN = ("/healthz", "/readyz", "/metrics")  # asked by address, from probes and Prometheus


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(
        Board(make_rows()), ("localhost", "127.0.0.1", "::1", "Agent.example.com")
    ) as found:
        yield found


@pytest.mark.parametrize("path", [*PAGES, "/status"])
def test_only_hosts_that_are_served_get_page_and_status(origin: str, path: str) -> None:
    for host in ("localhost", "127.0.0.1:8081", "[::1]:8081", "agent.EXAMPLE.com"):
        assert ask(origin, path, Host=host)[0] in {200, 404}, host
    for host in ("evil.example", "localhost.evil.example", "127.0.0.2", "[::2]", "localhost:80:1"):
        status, _, text = ask(origin, path, Host=host)
        assert (status, text) == (421, "this host is not served here\n"), host


@pytest.mark.parametrize("path", OPEN)
def test_probes_and_metrics_are_answered_to_any_host(origin: str, path: str) -> None:
    assert ask(origin, path, Host="10.0.0.7:8081")[0] == 200


def test_a_push_comes_through_a_proxy_of_any_name() -> None:
    board = Board(make_rows())
    body = json.dumps({"ref": "refs/heads/main", "before": "0" * 40, "after": "1" * 40}).encode()
    headers = {
        "Host": "hooks.example.com",
        "X-Gitea-Event": "push",
        "X-Gitea-Delivery": "f6266f16",
        "X-Gitea-Signature": gitea.sign(PUSH_KEY, body),
        "Content-Type": "application/json",
    }
    with served(board) as origin:
        assert ask(origin, "/hooks/gitea", method="POST", body=body, **headers)[0] == 202
    assert board.pushes == [("refs/heads/main", "f6266f16")]


@pytest.mark.parametrize("path", [*PAGES, "/status"])
def test_every_answer_has_the_headers_that_keep_it_to_itself(origin: str, path: str) -> None:
    _, headers, html = ask(origin, path)
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "script" not in policy
    assert headers["cache-control"] == ("no-cache" if "/static/" in path else "no-store")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers
    if not path.startswith("/static/"):
        assert "<script" not in html
        assert " style=" not in html


@pytest.mark.parametrize("path", [*PAGES, "/status"])
def test_a_page_is_read_and_nothing_else(origin: str, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        assert ask(origin, path, method=method)[0] == 405, method
    status, headers, body = ask(origin, path, method="HEAD")
    assert status == ask(origin, path)[0]
    assert headers["x-content-type-options"] == "nosniff"
    assert body == ""


def test_only_files_of_the_page_are_served(origin: str) -> None:
    for path in ("/static/none.css", "/static/..%2Froutes.py", "/static/page.js", "/static/"):
        assert ask(origin, path)[0] == 404, path
    assert ask(origin, "/static/icon.svg")[1]["content-type"] == "image/svg+xml"
