"""A rotated secret is one planned update, and a receiver that takes old and new during the overlap
loses nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.processes import ROOT, Ended, Tenant, run, tenant_manifest, webhook
from tests.support.servers import Bao, free_port

OLD, NEW = "old-1c7de90ab3", "new-b31c7de90a"
AUTH = "{type: bearer, token: {fromVault: {path: secret/payments/rotated, field: token}}}"
NETWORK = ("--allow-network", "127.0.0.0/8")


@contextmanager
def receiver(port: int, *tokens: str) -> Iterator[None]:
    """The example's receiver, which takes any of these tokens."""
    command = [sys.executable, str(ROOT / "examples" / "receiver.py"), str(port), *tokens]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening")
        yield
    finally:
        process.terminate()
        process.communicate(timeout=20)


def lay(repo: Path, tenant: Tenant, port: int, version: str = "") -> None:
    """A repository with one webhook, whose token is in the Vault."""
    manifest = tenant_manifest(tenant.url).replace(
        "owner: payments", "owner: payments, secrets: {vault: ['secret/payments/*']}"
    )
    (repo / "tenant.yaml").write_text(manifest)
    auth = AUTH.replace("}}}", f"}}}}, version: '{version}'}}") if version else AUTH
    (repo / "hook.yaml").write_text(webhook("hook", url=f"http://127.0.0.1:{port}/hook", auth=auth))


@pytest.mark.parametrize("way", ["fingerprint", "version"])
def test_a_rotation_is_one_planned_update_and_every_delivery_arrives(
    bao: Bao, tmp_path: Path, repo: Path, way: str
) -> None:
    port = free_port()
    with Tenant(tmp_path / "tenant", *NETWORK) as tenant:
        key = (
            {"RECONCILER_FINGERPRINT_KEY": "a-long-key-of-this-test"}
            if way == "fingerprint"
            else {}
        )
        env = {"TENANT_TOKEN": tenant.token, **bao.env, **key}
        said: list[Ended] = []

        def do(*arguments: str) -> Ended:
            said.append(run(*arguments, cwd=repo, **env))
            return said[-1]

        bao.put("payments/rotated", token=OLD)
        lay(repo, tenant, port, "" if key else "1")
        with receiver(port, OLD):
            assert do("reconcile", ".", "--yes").code == 0
            assert do("test", ".", "--via", "both", *NETWORK).code == 0
        with receiver(port, OLD, NEW):
            bao.put("payments/rotated", token=NEW)
            lay(repo, tenant, port, "" if key else "2")
            [change] = do("plan", ".", "-o", "json").json["changes"]
            assert (change["action"], [field["path"] for field in change["fields"]]) == (
                "update",
                [["auth", "token"]],
            )
            assert do("test", ".", "--via", "tenant").code == 0
            done = do("reconcile", ".", "--yes", "--test-first", *NETWORK, "-o", "json")
            assert done.json["summary"]["updated"] == 1, done.err
        with receiver(port, NEW):
            assert do("test", ".", "--via", "both", *NETWORK).code == 0
            assert do("plan", ".", "-o", "json").json["changes"] == []
        assert not [
            ended for ended in said for value in (OLD, NEW) if value in ended.out + ended.err
        ]


def test_a_new_value_that_the_receiver_refuses_is_not_written(
    bao: Bao, tmp_path: Path, repo: Path
) -> None:
    port = free_port()
    with Tenant(tmp_path / "tenant", *NETWORK) as tenant, receiver(port, OLD):
        env = {"TENANT_TOKEN": tenant.token, **bao.env}
        bao.put("payments/rotated", token=OLD)
        lay(repo, tenant, port, "1")
        assert run("reconcile", ".", "--yes", cwd=repo, **env).code == 0
        bao.put("payments/rotated", token=NEW)
        lay(repo, tenant, port, "2")
        assert run("reconcile", ".", "--yes", "--test-first", cwd=repo, **env).code == 4
        assert tenant.by_name()["hook"]["auth"]["credential_version"] == "1"


@pytest.mark.long
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=st.from_regex(r"[!-~]{12,40}", fullmatch=True), fits=st.booleans())
def test_no_value_of_a_source_stands_in_any_output(
    bao: Bao, repo: Path, value: str, fits: bool
) -> None:
    """Whether it can be sent or not: `fits` is false where the tenant could not hold it."""
    bao.put("payments/rotated", token=value if fits else f" {value}")
    (repo / "hook.yaml").write_text(webhook("hook", auth=AUTH))
    lists = "secrets: {vault: ['*']}"
    head = "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: main}\n"
    (repo / "tenant.yaml").write_text(f"{head}spec: {{local: tenant.db, owner: p, {lists}}}\n")
    for command in (
        ["validate", ".", "--secrets"],
        ["plan", ".", "-o", "json"],
        ["plan", ".", "-o", "markdown", "-vv"],
    ):
        done = run(*command, cwd=repo, RECONCILER_FINGERPRINT_KEY="a-long-key", **bao.env)
        assert done.code == (0 if fits else 1)
        assert value not in done.out + done.err
        assert json.dumps(value)[1:-1] not in done.out + done.err
