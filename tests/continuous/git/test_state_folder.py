"""The state folder: one holder at a time, and a file that is written whole or not at all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from reconciler.continuous.state_folder import FORMAT, StateFolder, StateFolderFailed

HOLD = """
import sys, time
from pathlib import Path
from reconciler.continuous.state_folder import StateFolder
with StateFolder(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""
# a limit on the size of files stands in for a full disk: a write fails in the middle
FULL = """
import resource, signal, sys
from pathlib import Path
from reconciler.continuous.state_folder import StateFolder, StateFolderFailed
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    StateFolder(Path(sys.argv[1])).write_applied("big", "b" * 1000)
except StateFolderFailed as error:
    print(error)
"""


def run(code: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with run(HOLD, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_holder_is_refused_with_the_process_id_of_the_first(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    text = f"is in use by process {holder.pid}. One agent runs per state folder: stop that process"
    with pytest.raises(StateFolderFailed, match=re.escape(text)), StateFolder(tmp_path).lock():
        pass


def test_a_holder_on_another_host_is_reported_with_its_host(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    (tmp_path / "lock").write_text(f"{holder.pid}\nagent-0\n")
    text = f"process {holder.pid} on host agent-0"
    with pytest.raises(StateFolderFailed, match=text), StateFolder(tmp_path).lock():
        pass


def test_a_holder_that_has_not_written_its_id_yet_is_another_process(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    (tmp_path / "lock").write_text("")
    assert holder.poll() is None
    with (
        pytest.raises(StateFolderFailed, match="in use by another process"),
        StateFolder(tmp_path).lock(),
    ):
        pass


def test_a_killed_holder_releases_the_folder(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    (tmp_path / ".applied.cut").write_text("{")
    with StateFolder(tmp_path).lock():
        assert (tmp_path / "lock").read_text().splitlines()[0] == str(os.getpid())
        assert not (tmp_path / ".applied.cut").exists()
    assert (tmp_path / "lock").read_text() == ""


def test_a_released_folder_can_be_held_again(tmp_path: Path) -> None:
    held = 0
    for _ in range(2):
        with StateFolder(tmp_path / "state").lock():
            held += 1
    assert held == 2


def test_the_folder_and_its_files_are_for_their_owner_only(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with state.lock():
        state.write_applied("production", "c0ffee")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
    assert modes == {"lock": 0o600, "applied.json": 0o600}


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with (
        pytest.raises(StateFolderFailed, match="cannot be used as the state folder"),
        StateFolder(tmp_path / "state").lock(),
    ):
        pass


def test_the_first_start_has_no_applied_revision(tmp_path: Path) -> None:
    assert StateFolder(tmp_path).read_applied() == {}


def test_revisions_are_kept_per_tenant(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.write_applied("production", "aaa")
    state.write_applied("staging", "bbb")
    state.write_applied("production", "ccc")
    state.write_applied("production", "ccc")
    assert StateFolder(tmp_path).read_applied() == {"production": "ccc", "staging": "bbb"}
    assert FORMAT in (tmp_path / "applied.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["applied.json"]


def test_threads_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    threads = [Thread(target=state.write_applied, args=(f"t{n}", "aaa")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(state.read_applied()) == 20


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"format": "reconciler.ag', "it is not JSON, or was cut short"),
        ("", "it is not JSON, or was cut short"),
        ("\x00\x00\x00\x00", "it is not JSON, or was cut short"),
        ("[" * 100_000, "it is not JSON, or was cut short"),
        ("[]", "its format is not reconciler.agent-state/v1"),
        ('{"format": "reconciler.agent-state/v2", "applied": {}}', "or from another version"),
        ('{"format": "reconciler.agent-state/v1"}', "`applied` is not a revision per Tenant"),
        ('{"format": "reconciler.agent-state/v1", "applied": {"a": 1}}', "`applied` is not"),
    ],
)
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "applied.json").write_text(text)
    for call in (
        StateFolder(tmp_path).read_applied,
        lambda: StateFolder(tmp_path).write_applied("production", "aaa"),
    ):
        with pytest.raises(
            StateFolderFailed, match=r"To go on, delete it\. Until the next"
        ) as raised:
            call()
        assert reason in str(raised.value)
    assert (tmp_path / "applied.json").read_text() == text


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "applied.json").mkdir()
    with pytest.raises(StateFolderFailed, match="cannot be read: Is a directory"):
        StateFolder(tmp_path).read_applied()


def test_a_write_that_fails_in_the_middle_keeps_the_old_content(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.write_applied("production", "aaa")
    with run(FULL, tmp_path) as process:
        output, _ = process.communicate(timeout=30)
    assert "cannot be written: File too large. The file has its old content" in output
    assert state.read_applied() == {"production": "aaa"}
    assert [path.name for path in tmp_path.iterdir()] == ["applied.json"]


def test_a_full_disk_keeps_the_old_content(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("only root can mount a file system; the test above has a limit instead")
    try:
        state = StateFolder(tmp_path)
        state.write_applied("production", "aaa")
        with pytest.raises(StateFolderFailed, match="No space left on device"):
            state.write_applied("big", "b" * 100_000)
        assert state.read_applied() == {"production": "aaa"}
        assert [path.name for path in tmp_path.iterdir()] == ["applied.json"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
