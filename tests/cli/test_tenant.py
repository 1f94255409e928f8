"""`tenant token`, `tokens`, `revoke` and `serve`, `schema` and the help of every command."""

from __future__ import annotations

import json
import socket
import stat
import time
from pathlib import Path

import click
import jsonschema
import pytest

from reconciler.cli.commands.reference.schema import KINDS
from tests.cli.test_environment import commands
from tests.support.processes import Tenant, run

TOKEN = ("tenant", "token", "ci", "--scope", "Webhooks: Write", "--db", "t.db")


@pytest.mark.parametrize(("given", "seconds"), [("90d", 90 * 86400), ("12h", 43200), ("30m", 1800)])
def test_a_span_is_counted_from_now(tmp_path: Path, given: str, seconds: int) -> None:
    assert run(*TOKEN, "--expires", given, cwd=tmp_path).code == 0
    (listed,) = run("tenant", "tokens", "--db", "t.db", "-o", "json", cwd=tmp_path).json["tokens"]
    assert abs(listed["expires"] - time.time() - seconds) < 60


def test_a_date_is_taken_in_utc_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert run(*TOKEN, "--expires", "2199-01-31", cwd=tmp_path).code == 0
    assert "expires 2199-01-31 00:00Z" in run("tenant", "tokens", "--db", "t.db", cwd=tmp_path).out


@pytest.mark.parametrize(
    "given", ["soon", "", "0d", "-1d", "1y", "99999999d", "2020-01-01", "2027-02-30", "0001-01-01"]
)
def test_an_expiry_that_makes_no_sense_makes_no_token(tmp_path: Path, given: str) -> None:
    ended = run(*TOKEN, "--expires", given, cwd=tmp_path)
    assert ended.code == 64
    assert "--expires" in ended.err
    assert not (tmp_path / "t.db").exists()


def test_a_token_in_a_file_is_for_its_owner_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    made = run(*TOKEN, "--out", "token", cwd=tmp_path)
    assert (made.code, made.out) == (0, "")
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    text = (tmp_path / "token").read_text()
    again = run("tenant", "token", "other", *TOKEN[3:], "--out", "token", cwd=tmp_path)
    assert again.code == 64
    assert (tmp_path / "token").read_text() == text
    assert "other" not in run("tenant", "tokens", "--db", "t.db", cwd=tmp_path).out


def test_a_token_that_could_not_be_made_leaves_no_empty_file(tmp_path: Path) -> None:
    assert run(*TOKEN, cwd=tmp_path).code == 0
    taken = run(*TOKEN, "--out", "token", cwd=tmp_path)
    assert taken.code == 64
    assert "already a token named ci" in taken.err
    assert not (tmp_path / "token").exists()


@pytest.mark.parametrize(
    "command", [("tokens",), ("revoke", "ci"), ("login",), ("login", "--url", "http://x")]
)
def test_a_missing_database_is_reported_and_not_created(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    ended = run("tenant", *command, "--db", "typo.db", cwd=tmp_path)
    assert ended.code == 1
    assert "typo.db" in ended.err
    assert not list(tmp_path.iterdir())


def test_the_list_never_shows_a_tokens_text(tmp_path: Path) -> None:
    secret = run(*TOKEN, "--owner", "payments", cwd=tmp_path).out.strip()
    for form in ("text", "json"):
        listed = run("tenant", "tokens", "--db", "t.db", "-o", form, cwd=tmp_path).out
        assert "payments" in listed
        assert secret not in listed
        assert secret.rpartition("_")[2] not in listed


def test_a_served_file_is_served_once_and_sigterm_ends_it_with_0(tmp_path: Path) -> None:
    with Tenant(tmp_path) as tenant:
        second = run("tenant", "serve", "--db", "tenant.db", "--port", "0", cwd=tmp_path)
        assert second.code == 1
        assert "already served" in second.err
        tenant.process.terminate()
        _, err = tenant.process.communicate(timeout=20)
        assert tenant.process.returncode == 0, err


@pytest.mark.parametrize("options", [("--port", "65536"), ("--allow-network", "all")])
def test_an_address_that_cannot_be_is_a_usage_error(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    assert run("tenant", "serve", "--db", "t.db", "--port", "0", *options, cwd=tmp_path).code == 64


@pytest.mark.parametrize("host", ["no.such.invalid", "a..b", "127.0.0.1"])
def test_an_address_that_cannot_be_listened_on_is_an_error_in_words(
    tmp_path: Path, host: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("tenant", "serve", "--db", "t.db", "--host", host, "--port", port, cwd=tmp_path)
    why = (
        "the port is taken; give another --port, or 0 for any that is free"
        if host == "127.0.0.1"
        else "no such host is known"
    )
    assert (ended.code, ended.out) == (1, "")
    assert f"cannot listen on {host} port {port}: {why}\n" in ended.err
    assert "Errno" not in ended.err


@pytest.mark.parametrize("kind", KINDS)
def test_schema_prints_a_schema_of_every_kind(tmp_path: Path, kind: str) -> None:
    printed = run("schema", kind, cwd=tmp_path)
    assert printed.code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(printed.out))


def test_an_unknown_kind_is_a_usage_error(tmp_path: Path) -> None:
    assert run("schema", "webhok", cwd=tmp_path).code == 64


@pytest.mark.parametrize("name", commands())
def test_the_help_of_every_command_has_an_example_and_every_default(
    tmp_path: Path, name: str
) -> None:
    shown = run(*name.split(), "--help", cwd=tmp_path)
    assert shown.code == 0
    assert "Example" in shown.out
    for parameter in commands()[name].params:
        if not isinstance(parameter, click.Option):
            continue
        assert parameter.opts[-1] in shown.out
        if isinstance(parameter.default, str | int | float) and not (
            parameter.is_flag or parameter.count
        ):
            assert "default" in (parameter.help or "") or parameter.show_default
