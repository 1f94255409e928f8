"""Every commit must be signed by a listed SSH key, whatever settings say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.continuous.git.errors import UnsignedCommit
from reconciler.continuous.git.history import list_unverified
from reconciler.continuous.git.mirror import Mirror
from reconciler.continuous.git.signers import AllowedSigners
from reconciler.continuous.git.verify import verify_commits
from reconciler.core.errors import BadRequest, GitFailed
from tests.continuous.git.remotes import ENV, commit, git, make_remote, open_mirror
from tests.continuous.git.signing import SshKey, make_ssh_key, sign_many


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SshKey]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: make_ssh_key(folder / name) for name in ("ann", "ben", "eve")}


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_remote(tmp_path / "remote")


@pytest.fixture
def base(remote: Path) -> str:
    """The last applied commit, which is not signed."""
    return git(remote, "rev-parse", "HEAD")


@pytest.fixture
def mirror(tmp_path: Path, remote: Path) -> Mirror:
    return open_mirror(tmp_path / "mirror", remote)


@pytest.fixture
def signers(tmp_path: Path, keys: dict[str, SshKey]) -> AllowedSigners:
    return list_keys(
        tmp_path,
        "# who may change webhooks",
        "",
        f"ann@example.com {keys['ann'].public}",
        f'ben@example.com,ben@example.org namespaces="git" {keys["ben"].public} Ben\'s laptop',
    )


def list_keys(folder: Path, *lines: str) -> AllowedSigners:
    path = folder / "allowed_signers"
    path.write_text("\n".join(lines) + "\n")
    return AllowedSigners.read(path)


def verify(
    mirror: Mirror, signers: AllowedSigners, base: str | None, env: dict[str, str] = ENV
) -> None:
    verify_commits(mirror, list_unverified(mirror, base, mirror.fetch(30)), signers, env)
    assert not list(mirror.folder.glob("verify-*"))


def refuse(
    mirror: Mirror, signers: AllowedSigners, base: str | None, env: dict[str, str] = ENV
) -> UnsignedCommit:
    with pytest.raises(UnsignedCommit) as raised:
        verify(mirror, signers, base, env)
    assert not list(mirror.folder.glob("verify-*"))
    return raised.value


def test_commits_of_listed_keys_pass(
    mirror: Mirror, remote: Path, base: str, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    for name in ("ann", "ben", "ann"):
        keys[name].sign(remote)
    verify(mirror, signers, base)
    verify_commits(mirror, (), signers, ENV)


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_other_types_of_keys_pass(
    mirror: Mirror, remote: Path, base: str, tmp_path: Path, kind: str
) -> None:
    key = make_ssh_key(tmp_path / "key", kind)
    key.sign(remote)
    verify(mirror, list_keys(tmp_path, f"* {key.public}"), base)


def test_the_first_unsigned_commit_is_named(
    mirror: Mirror, remote: Path, base: str, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    keys["ann"].sign(remote)
    unsigned = commit(remote, "sneaky\x1b[2J")
    commit(remote, "another")
    keys["ann"].sign(remote)
    error = refuse(mirror, signers, base)
    assert (error.commit, error.reason) == (unsigned, "unsigned")
    assert str(error) == (
        f"commit {unsigned[:12]} is not signed. Each commit must be signed by a key in "
        f"{signers.name}; nothing of this revision was applied"
    )


def test_a_key_that_is_not_listed_is_refused_and_shown(
    mirror: Mirror, remote: Path, base: str, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    keys["ann"].sign(remote)
    eve = keys["eve"].sign(remote)
    error = refuse(mirror, signers, base)
    assert (error.commit, error.reason) == (eve, "unknown-key")
    assert "is signed by a key that is not listed (SHA256:" in str(error)


def test_a_signed_merge_does_not_cover_its_side_branch(
    mirror: Mirror, remote: Path, base: str, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    git(remote, "checkout", "-q", "-b", "side")
    unsigned = commit(remote, "side")
    git(remote, "checkout", "-q", "main")
    keys["ann"].sign(remote)
    keys["ann"].sign(remote, "merge", "-q", "--no-ff", "-m", "merge", "side")
    assert refuse(mirror, signers, base).commit == unsigned


def test_a_changed_commit_is_refused(
    mirror: Mirror, remote: Path, base: str, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    keys["ann"].sign(remote)
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


@pytest.mark.parametrize(
    "case",
    [
        ('valid-before="20240101Z"', "2023-12-01T00:00:00Z", None),
        ('valid-before="20240101Z"', "2024-02-01T00:00:00Z", "expired"),
        ('valid-after="20240101Z"', "2023-12-01T00:00:00Z", "expired"),
        ('valid-after="20240101Z"', "2024-02-01T00:00:00Z", None),
        ('namespaces="file"', "2024-02-01T00:00:00Z", "bad-signature"),
        ('namespaces="file,git"', "2024-02-01T00:00:00Z", None),
    ],
)
def test_the_options_of_a_key_apply(
    mirror: Mirror,
    remote: Path,
    base: str,
    keys: dict[str, SshKey],
    tmp_path: Path,
    case: tuple[str, str, str | None],
) -> None:
    options, date, reason = case
    signers = list_keys(tmp_path, f"ann@example.com {options} {keys['ann'].public}")
    keys["ann"].sign(remote, date=date)
    if reason is None:
        verify(mirror, signers, base)
        return
    error = refuse(mirror, signers, base)
    assert error.reason == reason
    assert ("listed key that is not valid for git at the" in str(error)) == (reason == "expired")


def test_a_signature_for_another_purpose_is_refused(
    mirror: Mirror, remote: Path, base: str, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    """The key signed the same bytes, but as a file."""
    text = git(remote, "cat-file", "commit", "HEAD") + "\n"
    signature = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", keys["ann"].path],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.rstrip()
    head, _, body = text.partition("\n\n")
    header = "gpgsig " + signature.replace("\n", "\n ")
    signed = subprocess.run(
        ["git", "-C", str(remote), "hash-object", "-t", "commit", "-w", "--stdin"],
        input=f"{head}\n{header}\n\n{body}",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    git(remote, "update-ref", "refs/heads/main", signed)
    assert refuse(mirror, signers, None).reason == "bad-signature"


@pytest.mark.parametrize(
    "setting",
    [
        "gpg.ssh.allowedSignersFile={other}",
        "gpg.ssh.program={true}",
        "gpg.ssh.defaultKeyCommand={true}",
        "gpg.minTrustLevel=undefined",
    ],
)
def test_no_setting_weakens_the_check(
    mirror: Mirror,
    remote: Path,
    base: str,
    keys: dict[str, SshKey],
    signers: AllowedSigners,
    tmp_path: Path,
    setting: str,
) -> None:
    """Of the user, of the environment, and of the mirror itself."""
    other = tmp_path / "other"
    other.write_text(f"eve@example.com {keys['eve'].public}\n")
    true = tmp_path / "true"
    true.write_text(
        '#!/bin/sh\necho "Good \\"git\\" signature for ann with ED25519 key SHA256:x"\n'
    )
    true.chmod(0o755)
    name, value = setting.format(other=other, true=true).split("=")
    config = tmp_path / "config"
    git(remote, "config", "--file", str(config), name, value)
    git(mirror.folder, "config", name, value)
    keys["eve"].sign(remote)
    env = {
        **ENV,
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": name,
        "GIT_CONFIG_VALUE_0": value,
        "GIT_CONFIG_PARAMETERS": f"'{name}={value}'",
    }
    assert refuse(mirror, signers, base, env).reason == "unknown-key"


def test_a_replacement_of_a_commit_is_not_looked_at(
    mirror: Mirror, remote: Path, base: str, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    good = keys["ann"].sign(remote)
    git(remote, "reset", "-q", "--hard", base)
    unsigned = commit(remote)
    git(mirror.folder, "fetch", "-q", str(remote), good)
    mirror.fetch(30)
    git(mirror.folder, "update-ref", f"refs/replace/{unsigned}", good)
    assert refuse(mirror, signers, base).commit == unsigned


def test_a_signature_of_another_format_is_refused(
    mirror: Mirror, remote: Path, base: str, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    head, _, body = git(remote, "cat-file", "commit", "HEAD").partition("\n\n")
    mirror.fetch(30)
    for kind, text in (
        ("PGP SIGNATURE", "is signed, but not with a key of SSH"),
        ("SIGNED MESSAGE", "is signed, but not with a key of SSH"),
        ("SSH SIGNATURE", "has a signature that "),
        ("SOMETHING", "has a signature that git does not know"),
    ):
        header = f"gpgsig -----BEGIN {kind}-----\n \n iQ==\n -----END {kind}-----"
        signed = subprocess.run(
            ["git", "-C", str(remote), "hash-object", "-t", "commit", "-w", "--stdin"],
            input=f"{head}\n{header}\n\n{body}{'x' * 200_000}\n",
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        git(remote, "update-ref", "refs/heads/main", signed)
        assert text in str(refuse(mirror, signers, base))
        keys["ann"].sign(remote)
        assert refuse(mirror, signers, base).commit == signed


def test_at_the_first_start_only_the_newest_commit_has_to_be_signed(
    mirror: Mirror, remote: Path, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    assert refuse(mirror, signers, None).reason == "unsigned"
    keys["ann"].sign(remote)
    verify(mirror, signers, None)


@pytest.mark.long
def test_hundreds_of_commits_are_checked_and_the_last_one_is_found(
    mirror: Mirror, remote: Path, base: str, keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    sign_many(keys["ann"], remote, 300)
    verify(mirror, signers, base)
    unsigned = commit(remote)
    assert refuse(mirror, signers, base).commit == unsigned


def test_without_ssh_keygen_nothing_is_verified(
    mirror: Mirror, signers: AllowedSigners, tmp_path: Path
) -> None:
    git_program = subprocess.run(["which", "git"], capture_output=True, text=True, check=True)
    (tmp_path / "git").symlink_to(git_program.stdout.strip())
    head = mirror.fetch(30)
    with pytest.raises(GitFailed, match="ssh-keygen is not installed"):
        verify_commits(mirror, (head,), signers, {"PATH": str(tmp_path)})


def test_a_commit_that_is_not_there_is_not_verified(
    mirror: Mirror, signers: AllowedSigners
) -> None:
    mirror.fetch(30)
    with pytest.raises(GitFailed, match="git log failed: bad object"):
        verify_commits(mirror, ("0" * 39 + "1",), signers, ENV)


def test_a_folder_that_cannot_be_written_is_an_error(
    mirror: Mirror, signers: AllowedSigners, base: str
) -> None:
    gone = Mirror(mirror.folder / "gone", mirror.url, "main", ENV)
    with pytest.raises(GitFailed, match="cannot be written: No such file"):
        verify_commits(gone, (base,), signers, ENV)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], "lists no key"),
        (["# nobody"], "lists no key"),
        (["ssh-ed25519 {key}"], ":1: is neither a line of OpenSSH's allowed_signers"),
        (["# x", "ann@example.com ssh-rsa {key}"], ":2: is neither a line"),
        (["ann@example.com ssh-ed25519 {key}=A"], ":1: is neither a line"),
        (["ann@example.com ssh-ed25519 AAA"], ":1: is neither a line"),
        (["ann@example.com"], ":1: is neither a line"),
        (["-----BEGIN PGP PRIVATE KEY BLOCK-----"], "has a private key; export the public one"),
        (["x" * 5_000_000], "has over 4 MiB"),
    ],
)
def test_a_file_of_signers_that_is_wrong_is_refused(
    tmp_path: Path, keys: dict[str, SshKey], lines: list[str], text: str
) -> None:
    key = keys["ann"].public.split()[1]
    with pytest.raises(BadRequest, match=text):
        list_keys(tmp_path, *(line.format(key=key) for line in lines))


def test_a_file_of_signers_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="cannot be read: No such file"):
        AllowedSigners.read(tmp_path / "missing")


def test_the_fingerprints_are_those_of_ssh_keygen(
    keys: dict[str, SshKey], signers: AllowedSigners
) -> None:
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", keys["ann"].path.with_suffix(".pub")],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    ).stdout
    assert shown.split()[1] in signers.fingerprints
