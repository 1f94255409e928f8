"""No credential leaves the agent, but to the one that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.continuous.agent.running import HOOK_KEY, Agent, Repository, wait_for
from tests.stand_ins import github
from tests.support.processes import Tenant
from tests.support.receiver import SIGNING_KEY, Receiver

BEARER = "bearer-of-the-endpoint-4f2b91"
PATH = "path-of-the-endpoint-77aa01"
EVENTS_PATH = "events-path-5d10c2"

WEBHOOK = """\
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: secret}
spec:
  url: {fromEnv: ENDPOINT_URL}
  enabled: false
  auth: {type: bearer, token: {fromEnv: ENDPOINT_TOKEN}, version: "1"}
  events: [{type: "elastio:recovery-point:create:started", version: v0, severity: info}]
"""


@pytest.mark.long
def test_no_secret_is_in_logs_answers_notices_or_the_state_folder(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    with Receiver() as receiver, github.github() as forge:
        receiver.script(f"/{EVENTS_PATH}", 200)
        files = {
            "url": receiver.url(f"/{EVENTS_PATH}"),
            "key": SIGNING_KEY,
            "status": github.TOKEN,
            "hook": HOOK_KEY,
        }
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        options = (
            *("--mode", "apply", "--interval", "1", "--log-format", "json", "-vvv"),
            *(
                "--events-url-file",
                str(tmp_path / "url"),
                "--events-key-file",
                str(tmp_path / "key"),
            ),
            *("--allow-network", "127.0.0.0/8", "--allow-port", str(receiver.port)),
            *("--status-token-file", str(tmp_path / "status"), "--forge", "github"),
            *("--status-repository", "https://github.example.com/acme/api"),
            *("--forge-url", forge.url, "--github-secret-file", str(tmp_path / "hook")),
        )
        env = {
            "TENANT_TOKEN": tenant.token,
            "ENDPOINT_TOKEN": BEARER,
            "ENDPOINT_URL": f"https://hooks.example.com/{PATH}",
        }
        secrets = [BEARER, PATH, EVENTS_PATH, tenant.token, *files.values()]
        repository.declare_tenant(tenant)
        repository.write("secret", WEBHOOK)
        repository.declare("one", "two", "three")
        revision = repository.commit()
        forge.commits.add(revision)
        repository.send()
        answers: list[str] = []
        with Agent(tmp_path, repository.bare, *options, **env) as agent:

            def read() -> None:
                answers.extend(agent.read(path)[1] for path in ("/status", "/metrics", "/readyz"))

            agent.wait_applied(revision)
            read()
            assert agent.push("github", "forged") == 401
            tenant.edit("one", url="https://elsewhere.example.com/x")
            agent.wait(lambda run: run["drift"] == 1)
            read()
            repository.remove("one", "two", "three")
            repository.push()
            agent.wait(lambda run: run["state"] == "refused")
            read()
            repository.write("secret", WEBHOOK.replace("fromEnv: ENDPOINT_TOKEN", "fromEnv: NONE"))
            repository.push()
            agent.wait(lambda run: run["state"] == "failed")
            read()
            tenant.kill()
            repository.write("secret", WEBHOOK)
            revision = repository.push()
            agent.wait(lambda run: run["revision"] == revision and run["state"] == "failed")
            read()
            wait_for(lambda: len(receiver.requests) >= 4, lambda: str(receiver.requests))
        told = [request.body.decode() for request in receiver.requests]
        texts = [*agent.lines, *answers, *told, *map(str, forge.statuses)]
        kept = [file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file()]
        assert len(agent.lines) > 20
        assert len(kept) > 5
        for secret in secrets:
            assert not [text for text in texts if secret in text]
            assert not any(secret.encode() in data for data in kept)
