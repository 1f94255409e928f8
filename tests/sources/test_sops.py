"""fromSops with the real sops and age."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sources.asking import Found, ask
from tests.support.servers import BIN, answering, serve

VALUE = "sv-90ab31c7de"
PATH = f"{BIN}:{os.environ['PATH']}"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A new age key."""
    subprocess.run(["age-keygen", "-o", tmp_path / "key.txt"], check=True, capture_output=True)
    return tmp_path / "key.txt"


def encrypt(file: Path, text: str, key: Path) -> None:
    """As a person does it: the file in place, its recipient the public half of the key."""
    file.write_text(text)
    public = subprocess.run(
        ["age-keygen", "-y", key], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(
        [BIN / "sops", "encrypt", "--age", public, "--in-place", file],
        check=True,
        capture_output=True,
    )
    assert VALUE not in file.read_text()


def make_reference(key: str, file: str = "secrets.enc.yaml") -> dict[str, Any]:
    return {"fromSops": {"file": file, "key": key}}


def looked_up(folder: Path, reference: object, key: Path | None, **options: object) -> Found:
    env = {
        "PATH": PATH,
        "HOME": str(folder),
        **({"SOPS_AGE_KEY_FILE": str(key)} if key is not None else {}),
    }
    return ask(folder, reference, env, **options)


YAML = f"token: {VALUE}\npayments: {{token: {VALUE}, pin: 1234}}\na.b: {VALUE}\n"


@pytest.mark.parametrize("where", ["token", "payments.token", "a.b"])
def test_a_key_of_an_encrypted_file_resolves(repo: Path, key: Path, where: str) -> None:
    encrypt(repo / "secrets.enc.yaml", YAML, key)
    found = looked_up(repo, make_reference(where), key)
    assert found.problems == ()
    assert found.token == VALUE


@pytest.mark.parametrize(
    ("name", "text"), [("s.json", json.dumps({"token": VALUE})), ("s.env", f"token={VALUE}\n")]
)
def test_other_formats_of_sops_resolve_too(repo: Path, key: Path, name: str, text: str) -> None:
    encrypt(repo / name, text, key)
    assert looked_up(repo, make_reference("token", name), key).token == VALUE


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("none", 'there is no "none" in it'),
        ("payments", '"payments" is not text there'),
        ("payments.none", 'there is no "none" in it'),
        ("payments.pin", '"pin" is not text there'),
        ("token.deeper", 'there is no "deeper" in it'),
    ],
)
def test_a_key_that_is_no_text_is_reported(repo: Path, key: Path, where: str, said: str) -> None:
    encrypt(repo / "secrets.enc.yaml", YAML, key)
    problem = looked_up(repo, make_reference(where), key).problem
    assert problem.message.endswith(f"does not resolve: {said}")
    assert VALUE not in repr(problem)


def test_without_the_key_the_file_and_the_mend_are_named(repo: Path, key: Path) -> None:
    encrypt(repo / "secrets.enc.yaml", YAML, key)
    problem = looked_up(repo, make_reference("token"), None).problem
    assert problem.message == (
        'fromSops: {file: "secrets.enc.yaml", key: "token"} does not resolve: none of the keys that open the file is here'
    )
    assert problem.hint == "for age: set SOPS_AGE_KEY_FILE"


def test_a_file_that_was_changed_is_refused(repo: Path, key: Path) -> None:
    file = repo / "secrets.enc.yaml"
    encrypt(file, YAML, key)
    whole = file.read_text()
    file.write_text(whole.replace("token: ENC[AES256_GCM,data:", "token: ENC[AES256_GCM,data:AAAA"))
    assert (
        "changed after it was encrypted"
        in looked_up(repo, make_reference("token"), key).problem.message
    )
    file.write_text(whole.replace("payments:\n", "other:\n"))
    assert (
        "changed after it was encrypted"
        in looked_up(repo, make_reference("token"), key).problem.message
    )


@pytest.mark.parametrize("text", [f"token: {VALUE}\n", "a: [", "", "\x00"])
def test_a_file_that_sops_did_not_encrypt_is_reported_and_not_quoted(
    repo: Path, key: Path, text: str
) -> None:
    (repo / "secrets.enc.txt").write_text(text)
    (repo / "secrets.enc.env").write_text(text)
    for name in ("secrets.enc.txt", "secrets.enc.env"):
        problem = looked_up(repo, make_reference("token", name), key).problem
        assert "not encrypted by sops" in problem.message
        assert VALUE not in repr(problem)


def test_a_missing_file_is_reported(repo: Path, key: Path) -> None:
    assert (
        "the file cannot be read (No such file"
        in looked_up(repo, make_reference("token"), key).problem.message
    )


def test_a_machine_without_sops_is_reported(repo: Path, key: Path) -> None:
    encrypt(repo / "secrets.enc.yaml", YAML, key)
    problem = ask(repo, make_reference("token"), {"PATH": str(repo)}).problem
    assert "the program is not installed" in problem.message


@pytest.mark.parametrize("name", ["../outside.yaml", "/outside.yaml", "link.yaml"])
def test_a_file_outside_of_the_manifests_folder_is_forbidden(
    repo: Path, key: Path, name: str
) -> None:
    encrypt(repo.parent / "outside.yaml", YAML, key)
    (repo / "link.yaml").symlink_to(repo.parent / "outside.yaml")
    assert looked_up(repo, make_reference("token", name), key).problem.rule == "secret/forbidden"
    absolute = str(repo.parent / "outside.yaml")
    assert (
        looked_up(repo, make_reference("token", absolute), key, secrets_dir=str(repo.parent)).token
        == VALUE
    )


def test_a_file_is_decrypted_once_a_run(repo: Path, key: Path) -> None:
    encrypt(repo / "secrets.enc.yaml", YAML, key)
    tools = repo / ".tools"
    tools.mkdir()
    (tools / "sops").write_text(f'#!/bin/sh\necho x >> "$HOME/.calls"\nexec "{BIN}/sops" "$@"\n')
    (tools / "sops").chmod(0o755)
    ask(repo, make_reference("token"))
    hook = (repo / "hook.yaml").read_text()
    (repo / "more.yaml").write_text(
        hook.replace("name: hook", "name: more").replace('"token"', '"a.b"')
    )
    env = {"PATH": f"{tools}:{PATH}", "HOME": str(repo), "SOPS_AGE_KEY_FILE": str(key)}
    assert ask(repo, make_reference("token"), env).problems == ()
    assert (repo / ".calls").read_text() == "x\n"


def test_a_file_cannot_have_the_vault_token_sent_to_an_address_of_its_own(
    repo: Path, key: Path
) -> None:
    """The keys that open a file stand in the file, and a pull request brings the file."""
    seen: list[str] = []
    encrypt(repo / "secrets.enc.yaml", YAML, key)
    text = (repo / "secrets.enc.yaml").read_text()
    (repo / ".vault-token").write_text("home-token")
    with serve(answering(403, b'{"errors": []}', heads=seen)) as url:
        entry = (
            f"\n    hc_vault:\n        - vault_address: {url}\n          engine_path: a\n    "
            "      key_name: b\n          enc: c"
        )
        entry += '\n          created_at: "2026-01-01T00:00:00Z"\n    lastmodified'
        (repo / "secrets.enc.yaml").write_text(text.replace("\n    lastmodified", entry))
        env = {
            "PATH": PATH,
            "HOME": str(repo),
            "VAULT_TOKEN": "env-token",
            "RECONCILER_TENANT_TOKEN": "own-token",
        }
        assert "none of the keys" in ask(repo, make_reference("token"), env).problem.message
    assert seen
    assert not any(
        token in headers for headers in seen for token in ("home-token", "env-token", "own-token")
    )
