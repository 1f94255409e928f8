"""Signed webhooks: declared, planned, delivered by a tenant and tested, with receivers that verify by
code that is not ours.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import Ended, run, webhook
from tests.support.receiver import OLD_SIGNING_KEY, PRIVATE_KEY, SIGNING_KEY, Receiver

LOCAL = ("--local-file", "tenant.db")
ALLOW = ("--allow-network", "127.0.0.0/8")
AUTH = "{type: signature, secret: {fromEnv: KEY}, version: '1'}"
KEYS = {"KEY": SIGNING_KEY, "OLD": OLD_SIGNING_KEY, "SEED": PRIVATE_KEY}


def command(*arguments: str, cwd: Path, **env: str) -> Ended:
    ended = run(*arguments, cwd=cwd, **{**KEYS, **env})
    for key in KEYS.values():
        assert key not in ended.out + ended.err
        assert key.partition("_")[2] not in ended.out + ended.err
    return ended


def test_a_signed_webhook_converges_and_a_rotation_is_one_update(tmp_path: Path) -> None:
    manifest = tmp_path / "a.yaml"
    manifest.write_text(webhook("a", auth=AUTH))
    shown = command("plan", ".", *LOCAL, cwd=tmp_path)
    assert "auth.scheme" in shown.out
    assert "standard" in shown.out
    assert command("reconcile", ".", "--yes", *LOCAL, cwd=tmp_path).code == 0
    assert "No changes" in command("plan", ".", *LOCAL, cwd=tmp_path).out
    rotated = "{type: signature, secret: {fromEnv: KEY}, previous: {fromEnv: OLD}, version: '2'}"
    manifest.write_text(webhook("a", auth=rotated))
    [change] = command("plan", ".", *LOCAL, "-o", "json", cwd=tmp_path).json["changes"]
    assert (change["action"], [".".join(field["path"]) for field in change["fields"]]) == (
        "update",
        ["auth.secret"],
    )
    assert command("reconcile", ".", "--yes", *LOCAL, cwd=tmp_path).code == 0
    assert "No changes" in command("plan", ".", *LOCAL, cwd=tmp_path).out


@pytest.mark.parametrize("via", ["tenant", "probe"])
@pytest.mark.parametrize(
    ("path", "auth"),
    [
        ("/signed", AUTH),
        ("/signed", "{type: signature, secret: {fromEnv: OLD}, previous: {fromEnv: KEY}}"),
        ("/signed-v1a", "{type: signature, scheme: standard-v1a, secret: {fromEnv: SEED}}"),
    ],
)
def test_a_test_is_signed_as_its_receiver_verifies(
    tmp_path: Path, path: str, auth: str, via: str
) -> None:
    with Receiver() as receiver:
        (tmp_path / "a.yaml").write_text(webhook("a", url=receiver.url(path), auth=auth))
        ended = command("test", ".", "--via", via, *LOCAL, *ALLOW, cwd=tmp_path)
    assert ended.code == 0, ended.out + ended.err


@pytest.mark.parametrize(
    ("path", "failed"),
    [
        ("/signed", set()),
        ("/signed-lax", {"the same message a second time was not refused"}),
        (
            "/ok",
            {
                "a signature with another key was not refused",
                "a timestamp of an hour ago was not refused",
                "the same message a second time was not refused",
            },
        ),
    ],
)
def test_check_auth_proves_that_a_bad_signature_an_old_timestamp_and_a_replay_are_refused(
    tmp_path: Path, path: str, failed: set[str]
) -> None:
    with Receiver() as receiver:
        (tmp_path / "a.yaml").write_text(webhook("a", url=receiver.url(path), auth=AUTH))
        ended = command(
            *("test", ".", "--via", "probe", "--check-auth", "-o", "json"),
            *(*LOCAL, *ALLOW),
            cwd=tmp_path,
        )
    checks = [item for item in ended.json["deliveries"] if item["check"] == "auth"]
    assert len(checks) == 3
    assert {item["detail"] for item in checks if not item["passed"]} == failed
    assert ended.code == (8 if failed else 0)


@pytest.mark.parametrize(
    ("auth", "rule"),
    [
        ("{type: signature, secret: {fromEnv: SEED}}", "auth/signing-key"),
        ("{type: signature, scheme: standard-v1a, secret: {fromEnv: KEY}}", "auth/signing-key"),
        ("{type: signature, scheme: product, secret: {fromEnv: KEY}}", "provider/auth"),
        ("{type: token, value: {fromEnv: KEY}}", "provider/auth"),
        ("{type: signature, secret: whsec_text}", "schema/type"),
        ("{type: signature, scheme: rot13, secret: {fromEnv: KEY}}", "schema/enum"),
    ],
)
def test_a_key_or_a_scheme_that_does_not_fit_is_an_error_at_its_place(
    tmp_path: Path, auth: str, rule: str
) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a", auth=auth))
    ended = command("plan", ".", *LOCAL, cwd=tmp_path)
    assert ended.code == 1
    assert f"[{rule}]" in ended.err
    assert "a.yaml:" in ended.err
    assert "whsec_text" not in ended.err
