"""No secret of any kind in any output, log, error or database, with tenants that work and ones that
echo all they are sent.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.providers.builders import Asked, Reply, reply
from tests.providers.builders import webhook as held
from tests.support.processes import Tenant, run, tenant_manifest, webhook
from tests.support.receiver import Receiver
from tests.support.wire import wire

COMMANDS = (
    ("validate", ".", "--secrets", "-o", "json"),
    ("plan", ".", "-o", "json"),
    ("plan", ".", "-o", "markdown"),
    ("plan", ".", "--resend-credentials", "--max-updates", "9"),
    ("reconcile", ".", "--yes", "--test-first", "--log-format", "json"),
    ("reconcile", ".", "--yes", "-o", "json"),
    ("reconcile", ".", "--yes", "--resend-credentials", "--max-updates", "9", "-o", "markdown"),
    ("test", ".", "--via", "both", "--check-auth", "-o", "json", "--allow-network", "127.0.0.0/8"),
    ("test", ".", "--log-format", "json"),
)


def declare(folder: Path, base: str) -> dict[str, str]:
    """Webhooks with a secret of every kind; what the environment holds for them, all random."""
    values = {
        name: f"s3-{secrets.token_hex(8)}"
        for name in ("USERNAME", "PASSWORD", "BEARER", "VALUE", "PATH_PART")
    }
    auths = {
        "basic": "{type: basic, username: {fromEnv: A_USERNAME}, password: {fromEnv: A_PASSWORD}}",
        "bearer": "{type: bearer, token: {fromEnv: A_BEARER}}",
        "apikey": "{type: apiKey, header: X-Api-Key, value: {fromFile: value.txt}}",
    }
    for key, auth in auths.items():
        (folder / f"{key}.yaml").write_text(webhook(key, url=f"{base}/ok", auth=auth))
    (folder / "hidden.yaml").write_text(webhook("hidden", url="{fromEnv: A_URL}"))
    (folder / "value.txt").write_text(values["VALUE"])
    return {
        **{f"A_{name}": value for name, value in values.items()},
        "A_URL": f"{base}/status/401/{values['PATH_PART']}",
    }


def list_secret_forms(env: dict[str, str]) -> dict[str, str]:
    """How each secret could be seen: itself, in base64, quoted by JSON."""
    found = {name: value for name, value in env.items() if name != "A_URL"}
    pair = base64.b64encode(f"{env['A_USERNAME']}:{env['A_PASSWORD']}".encode()).decode()
    return {
        **found,
        "basic pair": pair,
        **{
            f"{name} in base64": base64.b64encode(value.encode()).decode()[:-4]
            for name, value in found.items()
        },
    }


def test_no_secret_is_printed_or_stored_by_a_whole_circle_with_a_served_tenant(
    tmp_path: Path,
) -> None:
    repo, seen, key = tmp_path / "repo", "", secrets.token_hex(24)
    repo.mkdir()
    with (
        Receiver() as receiver,
        Tenant(tmp_path / "tenant", "--allow-network", "127.0.0.0/8") as tenant,
    ):
        env = {
            **declare(repo, receiver.url("")),
            "TENANT_TOKEN": tenant.token,
            "RECONCILER_FINGERPRINT_KEY": key,
        }
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        for command in COMMANDS:
            ended = run(*command, "-vvv", cwd=repo, **env)
            assert ended.code in {0, 4, 8}, (command, ended.out, ended.err)
            seen += ended.out + ended.err
        assert len(tenant.webhooks()) == 4
        api_answers = json.dumps(tenant.webhooks())
        tenant.process.terminate()
        seen += "".join(tenant.process.communicate(timeout=20))
    stored = b"".join(file.read_bytes() for file in (tmp_path / "tenant").iterdir())
    for name, secret in list_secret_forms(env).items():
        assert secret not in seen, name
        if name not in {
            "A_USERNAME",
            "A_PATH_PART",
        }:  # names and urls a tenant tells: no credentials to it
            assert secret not in api_answers, name
            assert secret.encode() not in stored, name


def echoing(status: int, media: str) -> Callable[[Asked], Reply]:
    """Says all that it was sent, headers and body, everywhere that an answer can say something;
    lists one of each kind.
    """

    def answer(asked: Asked) -> Reply:
        if asked.method == "GET":
            ours = {
                "owner": "payments",
                "key": "bearer",
                "sources": ["bearer.yaml"],
                "revision": None,
            }
            stored = held(
                1,
                name="bearer",
                managed_by=ours,
                auth={"type": "bearer", "credential_version": "old"},
            )
            return reply({"items": [stored], "next_cursor": None})
        said = json.dumps({"headers": asked.headers, "body": asked.body})
        leaves = [asked.headers["authorization"], said, *_texts(asked.body)]
        errors = [{"pointer": f"/auth/{leaf}", "detail": leaf} for leaf in leaves]
        body = {
            "type": leaves[-1],
            "title": said,
            "detail": said,
            "status": status,
            "errors": errors,
        }
        return Reply(
            status,
            json.dumps(body).encode(),
            {"X-Echo": leaves[-1], "Location": f"http://x/{leaves[-1]}"},
            media,
        )

    return answer


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(
    ("status", "media"),
    [
        (422, "application/problem+json"),
        (500, "application/problem+json"),
        (401, "application/json"),
        (200, "application/json"),
        (302, "text/html"),
    ],
)
def test_a_tenant_that_echoes_all_it_is_sent_puts_no_secret_into_any_output(
    tmp_path: Path, status: int, media: str
) -> None:
    token, seen = f"rct_{secrets.token_hex(16)}", ""
    with wire(echoing(status, media)) as server:
        env = {**declare(tmp_path, "https://hooks.example.com"), "TENANT_TOKEN": token}
        (tmp_path / "tenant.yaml").write_text(tenant_manifest(server.url))
        for command in (
            ("reconcile", ".", "--yes", "-o", "json", "--resend-credentials", "--max-updates", "9"),
            ("reconcile", ".", "--yes", "-o", "markdown", "--test-first", "--log-format", "json"),
            ("test", ".", "--via", "tenant"),
        ):
            ended = run(*command, "--deadline", "3", "-vvv", cwd=tmp_path, **env)
            assert ended.code in {1, 3, 4, 8}, (command, ended.out, ended.err)
            assert "Traceback" not in ended.err
            seen += ended.out + ended.err
        assert any(
            env["A_PASSWORD"] in json.dumps(asked.body) for asked in server.asked
        )  # it was sent, and echoed
    for name, secret in list_secret_forms(env).items():
        assert secret not in seen, name
