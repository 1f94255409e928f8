"""Every commit must be signed by a key of an OpenPGP file, which is the only keyring."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.continuous.git.errors import UnsignedCommit
from reconciler.continuous.git.history import list_unverified
from reconciler.continuous.git.mirror import Mirror
from reconciler.continuous.git.signers import AllowedSigners
from reconciler.continuous.git.verify import verify_commits
from reconciler.core.errors import BadRequest, GitFailed
from tests.continuous.git.remotes import ENV, commit, git, make_remote, open_mirror
from tests.continuous.git.signing import GpgKey, make_gpg_key, make_ssh_key, run_gpg, sign_many


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """In a short path: gpg's agent has a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="gpg-"))
    yield folder
    subprocess.run(["gpgconf", "--homedir", str(folder), "--kill", "all"], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def ann(home: Path) -> GpgKey:
    return make_gpg_key(home, "ann@example.com")


@pytest.fixture(scope="module")
def eve(home: Path) -> GpgKey:
    return make_gpg_key(home, "eve@example.com")


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_remote(tmp_path / "remote")


@pytest.fixture
def base(remote: Path) -> str:
    return git(remote, "rev-parse", "HEAD")


@pytest.fixture
def mirror(tmp_path: Path, remote: Path) -> Mirror:
    return open_mirror(tmp_path / "mirror", remote)


@pytest.fixture
def signers(tmp_path: Path, ann: GpgKey) -> AllowedSigners:
    return AllowedSigners.read(ann.export(tmp_path / "keys.asc"))


def verify(mirror: Mirror, signers: AllowedSigners, base: str, env: dict[str, str] = ENV) -> None:
    verify_commits(mirror, list_unverified(mirror, base, mirror.fetch(30)), signers, env)


def refuse(
    mirror: Mirror, signers: AllowedSigners, base: str, env: dict[str, str] = ENV
) -> UnsignedCommit:
    with pytest.raises(UnsignedCommit) as raised:
        verify(mirror, signers, base, env)
    assert not list(mirror.folder.glob("verify-*"))
    return raised.value


def test_commits_of_a_listed_key_pass(
    mirror: Mirror, remote: Path, base: str, ann: GpgKey, signers: AllowedSigners
) -> None:
    for _ in range(3):
        ann.sign(remote)
    verify(mirror, signers, base)


def test_a_file_may_have_several_keys(
    mirror: Mirror, remote: Path, base: str, ann: GpgKey, eve: GpgKey, tmp_path: Path
) -> None:
    for key in (ann, eve):
        key.sign(remote)
    both = tmp_path / "both.asc"
    texts = [key.export(tmp_path / "one.asc").read_text() for key in (ann, eve)]
    both.write_text("".join(texts))
    verify(mirror, AllowedSigners.read(both), base)


def test_the_first_unsigned_commit_is_named(
    mirror: Mirror, remote: Path, base: str, ann: GpgKey, signers: AllowedSigners
) -> None:
    ann.sign(remote)
    unsigned = commit(remote)
    ann.sign(remote)
    error = refuse(mirror, signers, base)
    assert (error.commit, error.reason) == (unsigned, "unsigned")


def test_the_users_keyring_does_not_count(
    mirror: Mirror, remote: Path, base: str, eve: GpgKey, signers: AllowedSigners
) -> None:
    """It has the key, with ultimate trust."""
    signed = eve.sign(remote)
    error = refuse(mirror, signers, base, {**ENV, "GNUPGHOME": str(eve.home)})
    assert (error.commit, error.reason) == (signed, "unknown-key")
    assert eve.run("--list-keys", "--with-colons").count("ultimate") == 0


def test_no_setting_weakens_the_check(
    mirror: Mirror, remote: Path, base: str, eve: GpgKey, signers: AllowedSigners, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/sh\necho '[GNUPG:] NEWSIG'\necho '[GNUPG:] GOODSIG 0123456789ABCDEF ann'\n"
        "echo '[GNUPG:] TRUST_ULTIMATE 0 pgp'\n"
    )
    program.chmod(0o755)
    eve.sign(remote)
    for name in ("gpg.program", "gpg.openpgp.program"):
        git(mirror.folder, "config", name, str(program))
    assert refuse(mirror, signers, base).reason == "unknown-key"


def test_a_changed_commit_is_refused(
    mirror: Mirror, remote: Path, base: str, ann: GpgKey, signers: AllowedSigners
) -> None:
    ann.sign(remote)
    text = git(remote, "cat-file", "commit", "HEAD")
    changed = subprocess.run(
        ["git", "-C", str(remote), "hash-object", "-t", "commit", "-w", "--stdin"],
        input=f"{text.replace('signed', 'forged')}\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    git(remote, "update-ref", "refs/heads/main", changed)
    error = refuse(mirror, signers, base)
    assert (error.commit, error.reason) == (changed, "bad-signature")


def test_a_key_that_expired_is_refused(
    mirror: Mirror, remote: Path, base: str, home: Path, tmp_path: Path
) -> None:
    old = make_gpg_key(home, "old@example.com", expires="20200201T000000", now="20200101T000000!")
    clock = tmp_path / "gpg-then"
    clock.write_text('#!/bin/sh\nexec gpg --faked-system-time "20200115T000000!" "$@"\n')
    clock.chmod(0o755)
    git(remote, "config", "gpg.program", str(clock))
    signed = old.sign(remote, date="2020-01-15T00:00:00Z")
    signers = AllowedSigners.read(old.export(tmp_path / "old.asc"))
    error = refuse(mirror, signers, base)
    assert (error.commit, error.reason) == (signed, "expired")
    assert "is signed by a key that expired" in str(error)


def test_a_key_that_was_revoked_is_refused(
    mirror: Mirror, remote: Path, base: str, tmp_path: Path
) -> None:
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    try:
        lost = make_gpg_key(home, "lost@example.com")
        signed = lost.sign(remote)
        (certificate,) = (home / "openpgp-revocs.d").glob("*.rev")
        (home / "rev").write_text(certificate.read_text().replace(":-----BEGIN", "-----BEGIN"))
        run_gpg(home, "--import", str(home / "rev"))
        signers = AllowedSigners.read(lost.export(tmp_path / "lost.asc"))
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)
    error = refuse(mirror, signers, base)
    assert (error.commit, error.reason) == (signed, "expired")
    assert "is signed by a key that was revoked" in str(error)


def test_a_signature_of_another_format_is_refused(
    mirror: Mirror, remote: Path, base: str, tmp_path: Path, signers: AllowedSigners
) -> None:
    make_ssh_key(tmp_path / "key").sign(remote)
    error = refuse(mirror, signers, base)
    assert error.reason == "unknown-key"
    assert "is signed by a key that is not listed (SHA256:" in str(error)


def test_hundreds_of_commits_are_checked_at_once(
    mirror: Mirror, remote: Path, base: str, ann: GpgKey, signers: AllowedSigners
) -> None:
    sign_many(ann, remote, 210)
    verify(mirror, signers, base)


def test_a_key_that_gpg_cannot_import_is_refused(mirror: Mirror, base: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.asc"
    path.write_text(
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )
    mirror.fetch(30)
    with pytest.raises(BadRequest, match=r"broken\.asc: gpg cannot import its keys: gpg: "):
        verify_commits(mirror, (base,), AllowedSigners.read(path), ENV)


def test_a_private_key_is_refused(ann: GpgKey, tmp_path: Path) -> None:
    path = tmp_path / "private.asc"
    path.write_text(
        ann.run(
            "--armor", "--pinentry-mode", "loopback", "--passphrase", "", "--export-secret-keys"
        )
    )
    with pytest.raises(BadRequest, match="has a private key; export the public one"):
        AllowedSigners.read(path)


def test_without_gpg_nothing_is_verified(
    mirror: Mirror, signers: AllowedSigners, tmp_path: Path
) -> None:
    with pytest.raises(GitFailed, match="gpg is not installed"):
        verify_commits(mirror, ("0" * 40,), signers, {"PATH": str(tmp_path)})
