"""Agents that are refused before they start: each with its reason, and without a credential."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.processes import Ended, run

PASSWORD = "pass-word-of-git-81c2"


def start(folder: Path, *options: str, repository: str = "/srv/git/webhooks.git") -> Ended:
    given = ("--repository", repository, "--state", "state", "--port", "0", *options)
    return run("agent", *given, cwd=folder)


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--verify", "none"), 64, "--verify none: cannot be read"),
        (("--github-secret-file", "none"), 64, "--github-secret-file none: cannot be read"),
        (("--branch", "a b"), 64, "is not a valid name of a branch"),
        (("--tls-cert", "cert.pem"), 64, "--tls-cert and --tls-key go together"),
        (("--events-url-file", "url"), 64, "--events-url-file and --events-key-file go together"),
        (("--host", "192.0.2.1"), 64, "is not a loopback address"),
        (("--state", "/dev/null"), 1, "cannot be used as the state folder"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, options: tuple[str, ...], code: int, reason: str
) -> None:
    ended = start(tmp_path, *options)
    assert (ended.code, ended.out) == (code, "")
    assert reason in ended.err


def test_a_password_in_the_address_is_refused_and_not_shown(tmp_path: Path) -> None:
    ended = start(tmp_path, repository=f"https://bot:{PASSWORD}@git.example.com/acme/a.git")
    assert ended.code == 64
    assert "credential helper" in ended.err
    assert PASSWORD not in ended.err


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = start(tmp_path, "--port", str(taken.getsockname()[1]))
    assert ended.code == 1
    assert "the port is taken" in ended.err
