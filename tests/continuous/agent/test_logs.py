"""What an agent writes down of its runs: log lines as JSON, calls in its metrics, traces."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.continuous.agent.running import Agent, Repository, wait_for
from tests.providers.builders import Asked, Reply, problem
from tests.support.processes import Tenant
from tests.support.servers import serve
from tests.support.wire import proxy

APPLY = ("--mode", "apply", "--interval", "1", "--log-format", "json")


def test_every_line_of_a_run_has_its_id_and_calls_are_counted(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    refusals = [problem(503, "busy", retry_after="1")]

    def refuse(asked: Asked) -> Reply | None:
        return refusals.pop() if refusals and asked.method == "GET" else None

    with proxy(tenant.url, before=refuse) as between:
        repository.declare_tenant(between.url)
        repository.declare("one", "two")
        revision = repository.push()
        with Agent(tmp_path, repository.bare, *APPLY, TENANT_TOKEN=tenant.token) as agent:
            run = agent.wait_applied(revision)
            wait_for(lambda: find_lines(agent, "applied"), lambda: str(agent.lines))
            calls = {
                f"{call} {status}": agent.metric(
                    "reconciler_provider_calls_total"
                    f'{{call="{call}",provider="tenant",status="{status}"}}'
                )
                for call, status in (("GET", 503), ("GET", 200), ("POST", 201))
            }
            assert calls == {"GET 503": 1, "GET 200": 1, "POST 201": 2}
            (line,) = find_lines(agent, "applied")
            assert {
                name: line[name] for name in ("run", "tenant", "revision", "state", "digest")
            } == {
                "run": run["id"],
                "tenant": "production",
                "revision": revision,
                "state": "applied",
                "digest": run["digest"],
            }
            assert line["seconds"] > 1
            (warning,) = [
                found
                for found in map(json.loads, agent.lines)
                if found["logger"] == "reconciler.waits" and found["level"] == "warning"
            ]
            assert (warning["run"], warning["tenant"]) == (run["id"], "production")


def find_lines(agent: Agent, state: str) -> list[dict[str, Any]]:
    """The lines of runs that ended so."""
    return [line for line in map(json.loads, agent.lines) if line.get("state") == state]


def test_traces_are_sent_where_the_variables_of_opentelemetry_say(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    sent: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    repository.declare_tenant(tenant)
    repository.declare("one")
    revision = repository.push()
    with serve(Collector) as url:
        env = {"TENANT_TOKEN": tenant.token, "OTEL_EXPORTER_OTLP_ENDPOINT": url}
        with Agent(tmp_path, repository.bare, *APPLY, **env) as agent:
            agent.wait_applied(revision)
            assert agent.stop() == 0  # what waits is sent before it ends
    paths, bodies = {path for path, _ in sent}, b"".join(body for _, body in sent)
    assert paths == {"/v1/traces"}
    for text in ("listing", "plan", "execution", "production", revision):
        assert text.encode() in bodies
    assert tenant.token.encode() not in bodies
