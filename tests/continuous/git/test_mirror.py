"""The mirror follows a branch, keeps what was applied, and survives interruptions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.continuous.git.errors import FetchFailed
from reconciler.continuous.git.mirror import Mirror
from reconciler.core.errors import BadRequest, GitFailed
from reconciler.manifests.files.commit_tree import Commit
from tests.continuous.git.remotes import ENV, commit, git, make_remote, open_mirror, put, serve


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_remote(tmp_path / "remote")


@pytest.fixture
def mirror(tmp_path: Path, remote: Path) -> Mirror:
    return open_mirror(tmp_path / "state" / "mirror", remote)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_fetch_returns_the_newest_commit(mirror: Mirror, remote: Path) -> None:
    assert mirror.fetch(30) == git(remote, "rev-parse", "HEAD")
    second = commit(remote)
    assert mirror.fetch(30) == second
    assert git(mirror.folder, "rev-parse", "--is-bare-repository") == "true"
    assert mirror.folder.stat().st_mode & 0o777 == 0o700


def test_a_mirror_is_taken_over_by_the_next_start(mirror: Mirror, remote: Path) -> None:
    head = mirror.fetch(30)
    again = open_mirror(mirror.folder, remote)
    assert again.has(head)
    assert again.fetch(30) == head


def test_only_the_branch_is_fetched(mirror: Mirror, remote: Path) -> None:
    git(remote, "tag", "v1")
    git(remote, "branch", "other")
    mirror.fetch(30)
    assert git(mirror.folder, "for-each-ref", "--format=%(refname)") == "refs/reconciler/head"


def test_a_branch_with_a_slash_is_followed(tmp_path: Path, remote: Path) -> None:
    git(remote, "checkout", "-q", "-b", "release/1.0")
    head = commit(remote)
    assert open_mirror(tmp_path / "m", remote, "release/1.0").fetch(30) == head


def test_http_on_loopback_is_fetched(tmp_path: Path, remote: Path) -> None:
    with serve(tmp_path) as url:
        mirror = open_mirror(tmp_path / "m", f"{url}/remote/.git")
        assert mirror.fetch(30) == git(remote, "rev-parse", "HEAD")


def test_a_rewound_branch_is_fetched_and_the_applied_commit_is_kept(
    mirror: Mirror, remote: Path
) -> None:
    first = git(remote, "rev-parse", "HEAD")
    applied = commit(remote)
    mirror.fetch(30)
    mirror.keep("Production EU", applied)
    mirror.keep("x" * 300, applied)
    git(remote, "reset", "-q", "--hard", first)
    rewritten = commit(remote, "instead")
    assert mirror.fetch(30) == rewritten
    git(mirror.folder, "gc", "-q", "--prune=now")
    assert mirror.has(applied)
    assert not mirror.contains(applied, rewritten)
    assert mirror.contains(first, rewritten)
    assert mirror.list_commits(applied, rewritten) == (rewritten,)


def test_a_kept_commit_replaces_the_one_before(mirror: Mirror, remote: Path) -> None:
    first, second = git(remote, "rev-parse", "HEAD"), commit(remote)
    mirror.fetch(30)
    for kept in (first, second):
        mirror.keep("production", kept)
    assert git(mirror.folder, "rev-parse", "refs/reconciler/applied/production") == second


@pytest.mark.parametrize("name", ["a/b", "..", "a.lock", "-", "@{", "ä", "A", "a b", "%2e."])
def test_any_name_of_a_tenant_has_a_ref_of_its_own(mirror: Mirror, remote: Path, name: str) -> None:
    head = mirror.fetch(30)
    mirror.keep("a", head)
    mirror.keep(name, head)
    refs = git(mirror.folder, "for-each-ref", "--format=%(refname)", "refs/reconciler/applied")
    assert len(refs.splitlines()) == 2
    assert all(ref.count("/") == 3 and ref == ref.lower() for ref in refs.splitlines())


def test_commits_are_listed_with_side_branches_and_parents_first(
    mirror: Mirror, remote: Path
) -> None:
    first = git(remote, "rev-parse", "HEAD")
    git(remote, "checkout", "-q", "-b", "side")
    side = [commit(remote, "s1"), commit(remote, "s2")]
    git(remote, "checkout", "-q", "main")
    trunk = commit(remote, "trunk")
    git(remote, "merge", "-q", "--no-ff", "-m", "merge", "side")
    head = mirror.fetch(30)
    listed = mirror.list_commits(first, head)
    assert sorted(listed) == sorted([*side, trunk, head])
    assert listed.index(side[0]) < listed.index(side[1])
    assert listed[-1] == head
    assert mirror.list_commits(None, head)[0] == first
    assert mirror.list_commits(head, head) == ()


def test_a_commit_that_is_not_there_is_in_no_history(mirror: Mirror) -> None:
    head = mirror.fetch(30)
    assert not mirror.contains("0" * 39 + "1", head)
    with pytest.raises(GitFailed, match="commit 000000000000 is not in"):
        mirror.contains(head, "0" * 39 + "1")
    with pytest.raises(GitFailed, match=r"rev-list .* failed: bad object"):
        mirror.list_commits("0" * 39 + "1", head)


@pytest.mark.parametrize("name", ["main", "--all", "", "HEAD", "abc"])
def test_a_commit_is_a_full_id(mirror: Mirror, name: str) -> None:
    with pytest.raises(GitFailed, match="is not the full id of a commit"):
        mirror.keep("production", name)
    with pytest.raises(GitFailed, match="is not the full id of a commit"):
        mirror.list_commits(None, name)


def test_the_files_of_a_commit_are_read_from_the_mirror(mirror: Mirror, remote: Path) -> None:
    first = git(remote, "rev-parse", "HEAD")
    put(remote, webhooks__a="kind: Tenant\n", objects__b="kind: Policy\n")
    head = commit(remote)
    mirror.fetch(30)
    for rev, text in ((first, b"kind: Webhook\n"), (head, b"kind: Tenant\n")):
        tree = Commit("main")
        tree.add(mirror.repository(), rev, {"webhooks": "/webhooks"})
        tree.fetch()
        assert list(tree.files) == ["/webhooks/a.yaml"]
        assert tree.read("/webhooks/a.yaml", 1000) == text


def test_a_submodule_is_refused(mirror: Mirror, remote: Path, tmp_path: Path) -> None:
    other = make_remote(tmp_path / "other")
    git(remote, "submodule", "--quiet", "add", str(other), "objects")
    commit(remote)
    head = mirror.fetch(30)
    with pytest.raises(GitFailed, match="objects is a submodule, and only the files of the"):
        Commit("main").add(mirror.repository(), head, {"": "/"})


def test_files_are_read_whatever_the_settings_of_the_user_are(
    mirror: Mirror, remote: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[safe]\n\tbareRepository = explicit\n[core]\n\tabbrev = 4\n")
    again = open_mirror(mirror.folder, remote, GIT_CONFIG_GLOBAL=str(config), GIT_DIR="/nowhere")
    head = again.fetch(30)
    assert again.repository().has_commit(head)


def test_no_hook_runs(mirror: Mirror, remote: Path, tmp_path: Path) -> None:
    hooks = mirror.folder / "hooks"
    for name in ("reference-transaction", "post-update", "pre-auto-gc"):
        script(hooks / name, f"echo {name} >>{tmp_path}/ran")
    script(tmp_path / "hooks" / "reference-transaction", f"echo global >>{tmp_path}/ran")
    config = tmp_path / "config"
    config.write_text(f"[core]\n\thooksPath = {tmp_path}/hooks\n")
    again = open_mirror(mirror.folder, remote, GIT_CONFIG_GLOBAL=str(config))
    again.keep("production", again.fetch(30))
    assert not (tmp_path / "ran").exists()


def test_faulty_objects_are_refused(mirror: Mirror, remote: Path) -> None:
    tree = git(remote, "rev-parse", "HEAD^{tree}")
    faulty = subprocess.run(
        ["git", "-C", str(remote), "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        input=f"tree {tree}\nauthor nobody\ncommitter nobody\n\nfaulty\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    git(remote, "update-ref", "refs/heads/main", faulty)
    with pytest.raises(FetchFailed, match="git finds faulty, so nothing was taken over") as raised:
        mirror.fetch(30)
    assert raised.value.reason == "other"
    assert not mirror.has(faulty)


def test_a_fetch_that_was_killed_does_not_stop_the_next_start(mirror: Mirror, remote: Path) -> None:
    first = mirror.fetch(30)
    mirror.keep("production", first)
    for left in (
        *("refs/reconciler/head.lock", "refs/reconciler/applied/production.lock", "shallow.lock"),
        *("config.lock", "packed-refs.lock", "HEAD.lock", "gc.pid", "gc.pid.lock"),
        *("objects/pack/tmp_pack_x", "objects/info/commit-graphs/commit-graph-chain.lock"),
        "verify-x/keys",
    ):
        path = mirror.folder / left
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (mirror.folder / "refs/reconciler/head").write_text("")  # cut by a power loss
    head = commit(remote)
    again = open_mirror(mirror.folder, remote)
    assert not list(mirror.folder.rglob("*.lock"))
    assert not (mirror.folder / "objects/pack/tmp_pack_x").exists()
    assert not (mirror.folder / "verify-x").exists()
    assert again.fetch(30) == head
    again.keep("production", head)


FETCH = """
import os, sys
from pathlib import Path
from reconciler.continuous.git.mirror import Mirror
mirror = Mirror(Path(sys.argv[1]), sys.argv[2], "main", os.environ)
mirror.open()
print("open", flush=True)
mirror.fetch(60)
"""


def test_a_process_that_is_killed_while_it_fetches_leaves_a_usable_mirror(
    mirror: Mirror, remote: Path, tmp_path: Path
) -> None:
    for number in range(4):
        (remote / f"{number}.bin").write_bytes(os.urandom(2_000_000))
        head = commit(remote)
        command = [sys.executable, "-c", FETCH, str(mirror.folder), str(remote)]
        with subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, process_group=0) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.02 * number)
            process.kill()
        assert open_mirror(mirror.folder, remote).fetch(60) == head


def test_a_fetch_is_repeated_if_git_of_a_killed_run_was_faster(
    mirror: Mirror, remote: Path, tmp_path: Path
) -> None:
    """Here a hook of the sending side moves the ref while objects are under way."""
    first = mirror.fetch(30)
    commit(remote)
    mirror.fetch(30)
    ref = mirror.folder / "refs/reconciler/head"
    hook = script(
        tmp_path / "hook",
        f'[ -e {tmp_path}/ran ] || echo {first} >{ref}; touch {tmp_path}/ran\nexec "$@"',
    )
    config = tmp_path / "config"
    config.write_text(f"[uploadpack]\n\tpackObjectsHook = {hook}\n")
    head = commit(remote)
    again = open_mirror(mirror.folder, remote, GIT_CONFIG_GLOBAL=str(config))
    assert again.fetch(30) == head
    assert (tmp_path / "ran").exists()


def test_a_branch_that_leads_to_no_commit_is_refused(mirror: Mirror, remote: Path) -> None:
    tree = git(remote, "rev-parse", "HEAD^{tree}")
    (remote / ".git/refs/heads/main").write_text(f"{tree}\n")
    with pytest.raises(FetchFailed, match="branch main does not lead to a commit"):
        mirror.fetch(30)


def test_a_fetch_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    ssh = script(tmp_path / "ssh", f"echo $$ >{tmp_path}/pid; exec sleep 60")
    mirror = open_mirror(tmp_path / "m", "git@example.com:a/b", GIT_SSH_COMMAND=str(ssh))
    with pytest.raises(FetchFailed, match=r"was not fetched within 0\.5 s") as raised:
        mirror.fetch(0.5)
    assert raised.value.reason == "unreachable"
    pid = int((tmp_path / "pid").read_text())
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(100):
        if not stat.exists() or stat.read_text().split()[2] == "Z":
            break
        time.sleep(0.02)
    else:
        pytest.fail("ssh still runs")


def test_ssh_never_asks_unless_the_user_has_a_command_of_his_own(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "ssh", f'echo "ssh $@" >{tmp_path}/ran; exit 255')
    own = script(tmp_path / "own", f'echo "own $@" >{tmp_path}/ran; exit 255')
    config = tmp_path / "config"
    config.write_text(f"[core]\n\tsshCommand = {own}\n")
    path = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    for env, expected in (
        (path, "ssh -o BatchMode=yes"),
        ({**path, "GIT_SSH_COMMAND": str(own)}, "own"),
        ({**path, "GIT_CONFIG_GLOBAL": str(config)}, "own"),
    ):
        mirror = open_mirror(tmp_path / "m", "ssh://git@example.com/a/b", **env)
        with pytest.raises(FetchFailed):
            mirror.fetch(30)
        assert (tmp_path / "ran").read_text().startswith(expected)


def test_git_and_its_helpers_see_no_variables_of_this_program(tmp_path: Path) -> None:
    ssh = script(tmp_path / "ssh", f"env >{tmp_path}/env; exit 255")
    mirror = open_mirror(
        tmp_path / "m",
        "git@example.com:a/b",
        GIT_SSH_COMMAND=str(ssh),
        RECONCILER_TOKEN="t0ken",
        GIT_ASKPASS="/bin/echo",
        SSH_AUTH_SOCK="/agent",
    )
    with pytest.raises(FetchFailed):
        mirror.fetch(30)
    seen = (tmp_path / "env").read_text()
    assert "t0ken" not in seen
    assert "GIT_ASKPASS=\n" in seen
    assert "SSH_AUTH_SOCK=/agent" in seen
    assert "GIT_TERMINAL_PROMPT=0" in seen


def test_an_old_git_is_refused(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "git", "echo git version 2.30.2")
    mirror = Mirror(tmp_path / "m", "/remote", "main", {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"})
    with pytest.raises(GitFailed, match=r"git 2\.30 is too old: the agent needs git 2\.34"):
        mirror.open()


def test_a_missing_git_is_reported(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "m", "/remote", "main", {"PATH": str(tmp_path)})
    with pytest.raises(GitFailed, match="git is not installed"):
        mirror.open()


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(GitFailed, match="is not empty, and no repository of the agent"):
        open_mirror(tmp_path, "/remote")
    with pytest.raises(GitFailed, match="cannot be used: Not a directory"):
        open_mirror(tmp_path / "notes.txt" / "m", "/remote")


@pytest.mark.parametrize("branch", ["", "a..b", "a b", "x:y", "*"])
def test_an_invalid_branch_is_refused(tmp_path: Path, branch: str) -> None:
    with pytest.raises(BadRequest, match="is not a valid name of a branch"):
        open_mirror(tmp_path / "m", "/remote", branch)


def test_a_damaged_mirror_is_reported_with_what_to_delete(mirror: Mirror, remote: Path) -> None:
    (mirror.folder / "config").write_text("[core")
    with pytest.raises(GitFailed, match=r"bad config line .* is damaged, delete it: the next run"):
        open_mirror(mirror.folder, remote)
    shutil.rmtree(mirror.folder)
    assert open_mirror(mirror.folder, remote).fetch(30)
