"""`doctor`: what is wrong with token, scopes, clock, TLS and permissions of files; writes nothing,
exit 1 when something is.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.core.model.secret import Secret
from reconciler.providers.http.client import Client
from reconciler.providers.tenant.examine import examine
from tests.support.processes import ROOT, Tenant, run, tenant_manifest, webhook

SCHEMA = Draft202012Validator(json.loads((ROOT / "schemas" / "doctor.schema.json").read_text()))
LOCAL = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {name: here}
spec: {local: data/tenant.db, owner: us}
"""


def run_doctor(
    folder: Path, *arguments: str, code: int = 0, **env: str
) -> dict[str, list[tuple[str, str]]]:
    """By check, each status and message."""
    ended = run("doctor", *arguments, "-o", "json", cwd=folder, **env)
    assert ended.code == code, ended.out + ended.err
    assert [error.message for error in SCHEMA.iter_errors(ended.json)] == []
    found: dict[str, list[tuple[str, str]]] = {}
    for check in ended.json["checks"]:
        assert (check["status"] == "ok") == (check["hint"] is None)
        found.setdefault(check["check"], []).append((check["status"], check["message"]))
    return found


def token_file(folder: Path, token: str, mode: int = 0o600) -> str:
    (folder / "token.txt").write_text(token + "\n")
    (folder / "token.txt").chmod(mode)
    return "token.txt"


def test_in_an_empty_folder_it_prints_the_versions_and_ends_with_0(tmp_path: Path) -> None:
    found = run_doctor(tmp_path)
    assert set(found) == {"versions", "manifests"}
    assert "Python 3." in found["versions"][0][1]
    assert found["manifests"] == [("ok", "no manifests in .")]
    assert run("doctor", cwd=tmp_path).out.endswith("Doctor: 2 ok, 0 to look at, 0 failed.\n")


def test_without_a_path_it_looks_at_the_current_folder_and_names_what_it_counts(
    tmp_path: Path,
) -> None:
    (tmp_path / "hooks.yaml").write_text("---\n".join([webhook("one"), webhook("two")]))
    assert run_doctor(tmp_path)["manifests"] == [("ok", "2 Webhooks in .")]
    assert "tenant" not in run_doctor(tmp_path)
    with Tenant(tmp_path / ".tenant") as tenant:
        (tmp_path / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        (tmp_path / "plain.yaml").write_text(webhook("plain", url="http://hooks.example.com/x"))
        found = run_doctor(tmp_path, TENANT_TOKEN=tenant.token)
    assert found["manifests"] == [("warning", "1 warning; 3 Webhooks, 1 Tenant in .")]
    assert found["write"][0][0] == "ok"


def test_a_tenant_that_takes_the_token_is_well_and_holds_no_more_than_before(
    tmp_path: Path,
) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        at = (
            "--tenant-url",
            tenant.url,
            "--owner",
            "us",
            "--tenant-token-file",
            token_file(tmp_path, tenant.token),
        )
        found = run_doctor(tmp_path, *at)
        assert tenant.webhooks() == []
    assert {check: status for check, [(status, _)] in found.items()} == dict.fromkeys(
        ["versions", "manifests", "files", "tenant", "read", "write", "clock"], "ok"
    )


def test_a_token_without_the_scope_to_write_is_a_warning_that_names_it(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        reader = tenant.make_token("reader", "Webhooks: Read")
        found = run_doctor(
            tmp_path, "--tenant-url", tenant.url, "--owner", "us", RECONCILER_TENANT_TOKEN=reader
        )
    assert found["read"][0][0] == "ok"
    assert found["write"][0][0] == "warning"
    assert "Webhooks: Write" in run("doctor", "--help", cwd=tmp_path).out + str(found["write"])


def test_a_token_that_is_refused_is_1_and_is_never_shown(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        ended = run(
            "doctor",
            "--tenant-url",
            tenant.url,
            cwd=tmp_path,
            RECONCILER_TENANT_TOKEN="rct_wrong-4f91ba",
        )
    assert ended.code == 1
    assert "failed  read: " in ended.out
    assert "4f91ba" not in ended.out + ended.err


def test_an_address_without_a_listener_is_1_with_advice(tmp_path: Path) -> None:
    at = ("--tenant-url", "http://127.0.0.1:1/public-api/v1", "--timeout", "1")
    found = run_doctor(tmp_path, *at, code=1, RECONCILER_TENANT_TOKEN="t")
    assert [status for status, _ in found["tenant"]] == ["failed"]


def test_a_tenant_of_a_manifest_is_asked_and_its_missing_token_is_reported(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        repo = tmp_path / "repo"
        repo.mkdir()
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        (repo / "hook.yaml").write_text(webhook("hook"))
        assert run_doctor(repo, ".", TENANT_TOKEN=tenant.token)["write"][0][0] == "ok"
        assert run_doctor(repo, ".", code=1)["token"] == [
            ("failed", "the tenant's token does not resolve: fromEnv: TENANT_TOKEN")
        ]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_token_file_that_others_may_read_or_write_is_1_with_the_mend(
    tmp_path: Path, mode: int
) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        at = (
            "--tenant-url",
            tenant.url,
            "--tenant-token-file",
            token_file(tmp_path, tenant.token, mode),
        )
        ended = run("doctor", *at, cwd=tmp_path)
    assert ended.code == 1
    assert (
        f"token.txt: mode {mode:04o} lets others at it\n        hint: chmod go= token.txt"
        in ended.out
    )


def test_a_token_file_that_a_tenant_manifest_names_is_looked_at_too(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        repo = tmp_path / "repo"
        (repo / "infra").mkdir(parents=True)
        token_file(repo / "infra", tenant.token, 0o604)
        text = tenant_manifest(tenant.url).replace(
            "{fromEnv: TENANT_TOKEN}", "{fromFile: token.txt}"
        )
        (repo / "infra" / "tenant.yaml").write_text(text)
        (repo / "hook.yaml").write_text(webhook("hook"))
        assert run_doctor(repo, ".", code=1)["files"] == [
            ("failed", "infra/token.txt: mode 0604 lets others at it")
        ]
        (repo / "infra" / "token.txt").chmod(0o600)
        assert run_doctor(repo, ".")["files"][0][0] == "ok"


def test_what_others_may_read_in_the_tenants_folder_is_1(tmp_path: Path) -> None:
    (tmp_path / "hook.yaml").write_text(webhook("hook"))
    assert run("plan", ".", "--local", cwd=tmp_path).code == 0
    assert run_doctor(tmp_path, "--local")["files"][0][0] == "ok"
    (tmp_path / ".reconciler" / "tenant.db.key").chmod(0o644)
    assert run_doctor(tmp_path, "--local", code=1)["files"] == [
        ("failed", ".reconciler/tenant.db.key: mode 0644 lets others at it")
    ]


def test_a_file_of_the_embedded_tenant_is_not_made_only_to_look(tmp_path: Path) -> None:
    assert "not there yet" in run_doctor(tmp_path, "--local")["tenant"][0][1]
    assert list(tmp_path.iterdir()) == []


def test_the_key_of_an_embedded_tenant_that_is_not_there_yet_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "tenant.yaml").write_text(LOCAL)
    (tmp_path / "hook.yaml").write_text(webhook("hook"))
    found = run_doctor(tmp_path)
    assert "files" not in found
    assert "not there yet" in found["tenant"][0][1]
    assert run("plan", ".", cwd=tmp_path).code == 0
    assert run_doctor(tmp_path)["files"][0][0] == "ok"
    (tmp_path / "data" / "tenant.db.key").unlink()
    assert run_doctor(tmp_path, code=1)["files"] == [
        ("failed", "data/tenant.db.key: No such file or directory")
    ]
    found = run_doctor(tmp_path, code=1, RECONCILER_TENANT_KEY="another-key-0123456789")
    assert {status for status, _ in found["files"]} == {"ok"}


def test_faulty_manifests_are_1_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    (tmp_path / "hook.yaml").write_text(webhook("hook", extra="ulr: x"))
    found = run_doctor(tmp_path, ".", code=1)
    assert found["manifests"][0][0] == "failed"
    assert found["versions"][0][0] == "ok"


def tenant_at(date: bytes) -> Any:
    """A tenant whose clock says `date`."""

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        status, body = (
            (404, b"{}")
            if scope["method"] == "PATCH"
            else (200, b'{"items": [], "next_cursor": null}')
        )
        kind = b"application/problem+json" if status == 404 else b"application/json"
        headers = [(b"content-type", kind), *([(b"date", date)] if date else [])]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.mark.parametrize(
    ("date", "said"),
    [
        (b"Tue, 14 Nov 2023 22:13:20 GMT", [("ok", "differ by less than 60 s")]),
        (b"Tue, 14 Nov 2023 22:14:00 GMT", [("ok", "differ by less than 60 s")]),
        (b"Tue, 14 Nov 2023 23:13:20 GMT", [("failed", "is 3,600 s ahead of")]),
        (b"Tue, 14 Nov 2023 22:08:19 GMT", [("failed", "is 300 s behind")]),
        (b"yesterday", [("warning", "is no date")]),
        (b"Tue, 99 Nov 2023 22:13:20 GMT", [("warning", "is no date")]),
        (b"", []),
    ],
)
def test_the_clocks_are_compared_by_the_date_of_an_answer(
    date: bytes, said: list[tuple[str, str]]
) -> None:
    async def asked() -> Any:
        async with Client(
            "http://localhost/public-api/v1", Secret("t"), app=tenant_at(date)
        ) as client:
            return await examine(client, "here", lambda: 1_700_000_000.0)

    clock = [
        (found.status, found.message) for found in asyncio.run(asked()) if found.check == "clock"
    ]
    assert [
        (status, words in message)
        for (status, message), (_, words) in zip(clock, said, strict=True)
    ] == [(status, True) for status, _ in said]


def test_a_tenant_that_never_answers_costs_seconds(tmp_path: Path) -> None:
    start = time.monotonic()
    run_doctor(
        tmp_path,
        "--tenant-url",
        "http://127.0.0.1:1/x",
        "--timeout",
        "0.5",
        code=1,
        RECONCILER_TENANT_TOKEN="t",
    )
    assert time.monotonic() - start < 15
