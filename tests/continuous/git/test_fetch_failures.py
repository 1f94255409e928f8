"""Each way in which a fetch fails has its reason, and no message has a credential."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from reconciler.continuous.git.address import check_address
from reconciler.continuous.git.errors import FetchFailed
from reconciler.continuous.git.failures import explain_failure
from reconciler.continuous.git.mirror import Mirror
from reconciler.core.errors import BadRequest
from tests.continuous.git.remotes import commit, make_remote, open_mirror, serve


def fail(mirror: Mirror) -> tuple[str, str]:
    with pytest.raises(FetchFailed) as raised:
        mirror.fetch(30)
    return raised.value.reason, str(raised.value)


def test_a_missing_branch(tmp_path: Path) -> None:
    remote = make_remote(tmp_path / "remote")
    reason, text = fail(open_mirror(tmp_path / "m", remote, "mian"))
    assert reason == "no-branch"
    assert f"{remote}, branch mian: has no branch of that name: check --branch" in text


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        reason, text = fail(open_mirror(tmp_path / "m", tmp_path / name))
        assert reason == "other"
        assert "there is no repository, or the credentials may not see it" in text


def test_a_server_that_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        reason, text = fail(open_mirror(tmp_path / "m", f"http://127.0.0.1:{port}/a"))
    assert reason == "unreachable"
    assert "cannot be reached (git: " in text


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "other"),
        (500, "unreachable"),
        (503, "unreachable"),
        (429, "unreachable"),
    ],
)
def test_a_server_that_refuses(tmp_path: Path, status: int, reason: str) -> None:
    with serve((status, {"WWW-Authenticate": 'Basic realm="git"'})) as url:
        assert fail(open_mirror(tmp_path / "m", f"{url}/a"))[0] == reason


def test_a_redirect_with_a_password_is_shown_without_it(tmp_path: Path) -> None:
    with serve((401, {})) as target:
        place = target.replace("://", "://user:s3cret@") + "/b/info/refs?service=git-upload-pack"
        with serve((302, {"Location": place})) as url:
            _, text = fail(open_mirror(tmp_path / "m", f"{url}/b"))
    assert "s3cret" not in text


def test_a_rewritten_address_with_a_password_is_shown_without_it(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        '[url "http://user:s3cret@127.0.0.1:1/"]\n\tinsteadOf = http://127.0.0.1:2/\n'
    )
    mirror = open_mirror(tmp_path / "m", "http://127.0.0.1:2/a", GIT_CONFIG_GLOBAL=str(config))
    _, text = fail(mirror)
    assert "s3cret" not in text
    assert "127.0.0.1:1" in text


def test_a_rewritten_address_leads_to_allowed_protocols_only(tmp_path: Path) -> None:
    config = tmp_path / "config"
    for protocol in ("http://192.0.2.1/", "git://192.0.2.1/", "ext::sh -c /"):
        config.write_text(f'[url "{protocol}"]\n\tinsteadOf = https://example.com/\n')
        mirror = open_mirror(tmp_path / "m", "https://example.com/a", GIT_CONFIG_GLOBAL=str(config))
        reason, text = fail(mirror)
        assert reason == "other"
        assert "leads to a protocol that is not allowed" in text


def test_a_full_disk(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(state)],
        capture_output=True,
        check=False,
    ).returncode:
        pytest.skip("only root can mount a file system")
    try:
        remote = make_remote(tmp_path / "remote")
        mirror = open_mirror(state / "m", remote)
        head = mirror.fetch(30)
        (remote / "big.bin").write_bytes(os.urandom(2_000_000))
        commit(remote)
        reason, text = fail(mirror)
        assert reason == "other"
        assert "the disk of the state folder is full" in text
        assert mirror.has(head)
        assert not list(mirror.folder.rglob("tmp_*"))
    finally:
        subprocess.run(["umount", str(state)], check=True)


@pytest.mark.parametrize(
    ("errors", "reason", "part"),
    [
        ("Permission denied (publickey).\nfatal: Could not read", "unauthorized", "SSH key"),
        ("Host key verification failed.\r\nfatal: Could not", "other", "known_hosts"),
        ("fatal: detected dubious ownership in repository at '/a'", "other", "safe.directory"),
        ("ssh: Could not resolve hostname a: Name or", "unreachable", "cannot be reached"),
        ("ERROR: Repository not found.\nfatal: Could not read", "other", "may not see it"),
        ("fatal: unable to access 'x': server certificate verif", "other", "http.sslCAInfo"),
        ("error: cannot lock ref 'a': Permission denied", "other", "state folder cannot be writ"),
        ("remote: Permission denied\nfatal: strange", "other", "git fetch failed: strange"),
        ("", "other", "it does not say why"),
        ("fatal: \x1b[31mred\x07" + "x" * 1000, "other", "?[31mred?xxx"),
        ("fatal: 'ssh://u:p%40ss@h/a' and 'https://t0ken@h/b' fail", "other", "ssh://***@h/a"),
    ],
)
def test_what_git_prints_has_a_reason(errors: str, reason: str, part: str) -> None:
    error = explain_failure("https://me@example.com/a", "main", "/m", errors)
    assert error.reason == reason
    assert part in str(error)
    assert str(error).startswith("https://***@example.com/a, branch main: ")
    assert not {"ss@", "t0ken"} & {word for word in ("ss@", "t0ken") if word in str(error)}
    assert len(str(error)) < 500


def test_a_damaged_mirror_is_reported_with_what_to_delete() -> None:
    errors = "error: object file objects/ab/cd is empty\nfatal: loose object abcd is corrupt"
    error = explain_failure("https://example.com/a", "main", "/state/mirror", errors)
    assert "in /state/mirror is damaged: delete that folder" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@example.com/a",
        "ssh://user:s3cret@example.com/a",
        "user:s3cret@example.com/a",
        "https://user:@example.com/a",
    ],
)
def test_a_password_in_the_address_is_refused_without_showing_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadRequest, match=r"has a password in .* credential helper") as raised:
        Mirror(tmp_path, url, "main", {})
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("", "is empty"),
        ("--upload-pack=x", "a leading hyphen"),
        ("a b", "has a space"),
        ("ext::sh", "expected an address of https"),
        ("git://example.com/a", "expected an address of https"),
        ("https://[::1/a", "expected an address of https"),
        ("https://example.com:x/a", "expected an address of https"),
        ("http://example.com/a", "plain HTTP is for loopback addresses only"),
        ("http://127.0.0.1.example.com/a", "plain HTTP is for loopback addresses only"),
        ("https://example.com/a?private_token=s3cret", "has no query"),
    ],
)
def test_an_address_is_refused(url: str, part: str) -> None:
    with pytest.raises(BadRequest, match=part) as raised:
        check_address(url)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.com/a.git", "https://me@example.com/a", "ssh://git@example.com:22/a"),
        *("git@example.com:a/b.git", "/srv/a", "./a", "a", "file:///srv/a", "/srv/a:b@c"),
        *("http://localhost/a", "http://127.0.0.1:80/a", "http://[::1]:80/a"),
    ],
)
def test_an_address_is_accepted(url: str) -> None:
    check_address(url)
