"""`tenant backup` while the tenant is served."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from tests.support.processes import Tenant, run
from tests.tenant.harness import EVENT


def test_a_backup_made_while_it_is_served_opens_and_serves(tmp_path: Path) -> None:
    with Tenant(tmp_path) as tenant:
        auth = {"type": "bearer", "token": "sesame-open-4711"}
        tenant.call(
            "POST",
            "/webhooks",
            {"name": "kept", "url": "http://127.0.0.1:1/", "events": [EVENT], "auth": auth},
        )
        done = threading.Event()

        def write() -> None:
            number = 0
            while not done.is_set():
                number += 1
                tenant.call(
                    "POST", "/webhooks", {"name": f"more-{number}", "url": "https://x.example"}
                )

        writing = threading.Thread(target=write)
        writing.start()
        try:
            ended = run("tenant", "backup", "copy.db", "--db", "tenant.db", cwd=tmp_path)
        finally:
            done.set()
            writing.join()
        assert (ended.code, ended.out) == (0, "")
        assert "tenant.db.key" in ended.err
        assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]
        again = run("tenant", "backup", "copy.db", "--db", "tenant.db", cwd=tmp_path)
        assert (again.code, "never overwrites" in again.err) == (64, True)
    missing = run("tenant", "tokens", "--db", "copy.db", cwd=tmp_path)
    assert (missing.code, "their key is missing" in missing.err) == (1, True)
    restored = tmp_path / "restored"
    restored.mkdir()
    (tmp_path / "copy.db").rename(restored / "tenant.db")
    (tmp_path / "tenant.db.key").rename(restored / "tenant.db.key")
    with Tenant(restored, token=tenant.token) as served:
        kept = served.by_name()["kept"]
        assert served.call("POST", f"/webhooks/{kept['id']}/test", {})[1]["verdict"] == "blocked"


@pytest.mark.parametrize(
    ("source", "out", "code", "message"),
    [
        ("nothing.db", "copy.db", 1, "does not exist"),
        ("other.db", "copy.db", 1, "is not a database"),
        ("tenant.db", "no/folder/copy.db", 64, "No such file or directory"),
    ],
)
def test_a_backup_that_cannot_be_made_leaves_nothing(
    tmp_path: Path, source: str, out: str, code: int, message: str
) -> None:
    (tmp_path / "other.db").write_text("nonsense " * 1000)
    assert (
        run(
            "tenant", "token", "x", "--scope", "Webhooks: Read", "--db", "tenant.db", cwd=tmp_path
        ).code
        == 0
    )
    ended = run("tenant", "backup", out, "--db", source, cwd=tmp_path)
    assert ended.code == code
    assert message in ended.err
    assert not (tmp_path / out).exists()
