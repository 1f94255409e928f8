"""No secret in any output, log, error, plan or byte of the tenant's database; what a pull request
may not reference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import Tenant, run, tenant_manifest, webhook
from tests.support.receiver import Receiver

PASSWORD, TOKEN, VALUE, PATH = "pw-5f1c0a9b7e", "tk-93be77d210", "kv-0b8842aa6c", "sp-771f3ce9d4"
ENV = {"A_PASSWORD": PASSWORD, "A_TOKEN": TOKEN, "A_VALUE": VALUE}
LOCAL = ("--local-file", "tenant.db", "--allow-network", "127.0.0.0/8")


def manifests(folder: Path, base: str) -> dict[str, str]:
    auths = {
        "basic": "{type: basic, username: alice, password: {fromEnv: A_PASSWORD}}",
        "bearer": "{type: bearer, token: {fromEnv: A_TOKEN}}",
        "apikey": "{type: apiKey, header: X-Api-Key, value: {fromEnv: A_VALUE}}",
    }
    for key, auth in auths.items():
        (folder / f"{key}.yaml").write_text(webhook(key, url=f"{base}/status/401", auth=auth))
    (folder / "hidden.yaml").write_text(webhook("hidden", url="{fromEnv: A_URL}"))
    return {**ENV, "A_URL": f"{base}/status/500?{PATH}"}


def test_no_secret_in_any_output_log_or_byte_of_the_database(tmp_path: Path) -> None:
    webhooks = tmp_path / "webhooks"
    webhooks.mkdir()
    with Receiver() as receiver:
        env = manifests(webhooks, receiver.url("").rstrip("/"))
        seen = ""
        for command in (
            ["validate", "webhooks", "--secrets", "-o", "json", "-vvv"],
            ["plan", "webhooks", *LOCAL, "-o", "json", "-vvv"],
            ["plan", "webhooks", *LOCAL, "-o", "markdown", "-vvv"],
            ["reconcile", "webhooks", *LOCAL, "--yes", "-vvv", "--log-format", "json"],
            ["test", "webhooks", *LOCAL, "--via", "both", "--check-auth", "-vvv"],
            [
                "reconcile",
                "webhooks",
                *LOCAL,
                "--yes",
                "--resend-credentials",
                "--max-updates",
                "9",
                "-o",
                "json",
                "-vvv",
            ],
            ["plan", "webhooks", *LOCAL, "-vvv"],
        ):
            ended = run(*command, cwd=tmp_path, **env)
            assert ended.code in {0, 8}, (command, ended.err)
            seen += ended.out + ended.err
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("tenant.db*"))
    for secret in (PASSWORD, TOKEN, VALUE):
        assert secret not in seen
        assert secret.encode() not in stored
    assert PATH not in seen


@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        ("{fromEnv: TENANT_TOKEN}", "secret/forbidden"),
        ("{fromEnv: RECONCILER_FINGERPRINT_KEY}", "secret/forbidden"),
        ("{fromFile: /proc/self/environ}", "secret/forbidden"),
        ("{fromFile: ../outside.txt}", "secret/forbidden"),
        ("{fromFile: link.txt}", "secret/forbidden"),
    ],
)
def test_a_reference_is_not_a_right(tmp_path: Path, reference: str, rule: str) -> None:
    """docs/security.md: manifests come from pull requests."""
    repo = tmp_path / "repo"
    repo.mkdir()
    (tmp_path / "outside.txt").write_text("outside-secret")
    (repo / "link.txt").symlink_to(tmp_path / "outside.txt")
    (repo / "tenant.yaml").write_text(tenant_manifest("http://127.0.0.1:9/public-api/v1"))
    (repo / "hook.yaml").write_text(webhook("hook", auth=f"{{type: bearer, token: {reference}}}"))
    ended = run(
        "validate", ".", "-o", "json", cwd=repo, TENANT_TOKEN="t", RECONCILER_FINGERPRINT_KEY="k"
    )
    assert ended.code == 1
    assert [
        problem["rule"] for problem in ended.json["problems"] if problem["severity"] == "error"
    ] == [rule]


def test_another_host_with_the_same_reference_is_shown_as_the_credential_sent_again(
    tmp_path: Path,
) -> None:
    """docs/security.md: a change of url always says so."""
    with Tenant(tmp_path / "tenant") as tenant:
        repo = tmp_path / "repo"
        repo.mkdir()
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        auth = "{type: bearer, token: {fromEnv: A_TOKEN}}"
        (repo / "hook.yaml").write_text(webhook("hook", auth=auth))
        env = {"TENANT_TOKEN": tenant.token, "A_TOKEN": TOKEN}
        assert run("reconcile", ".", "--yes", cwd=repo, **env).code == 0
        (repo / "hook.yaml").write_text(
            webhook("hook", url="https://evil.example.net/x", auth=auth)
        )
        plan = run("plan", ".", "-o", "json", cwd=repo, **env)
        fields = {".".join(field["path"]): field for field in plan.json["changes"][0]["fields"]}
        assert set(fields) == {"url", "auth.token"}
        assert fields["auth.token"]["secret"] is True
        assert "sent again" in fields["auth.token"]["after"]


def test_a_wrong_token_is_exit_3_and_is_not_shown(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        (tmp_path / "oncall.yaml").write_text(webhook("oncall"))
        wrong = "rct_0000_" + "w" * 43
        options = ("--tenant-url", tenant.url, "--owner", "payments")
        ended = run(
            "plan", "oncall.yaml", *options, "-vvv", cwd=tmp_path, RECONCILER_TENANT_TOKEN=wrong
        )
        assert ended.code == 3
        assert wrong not in ended.out + ended.err
        reader = tenant.make_token("reader", "Webhooks: Read")
        refused = run(
            "reconcile",
            "oncall.yaml",
            *options,
            "--yes",
            cwd=tmp_path,
            RECONCILER_TENANT_TOKEN=reader,
        )
        assert refused.code == 3, refused.err
        assert "Webhooks: Write" in refused.out + refused.err
