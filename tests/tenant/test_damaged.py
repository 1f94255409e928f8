"""A damaged database: one clear error that says what to do, at the start and while it is served;
no caller is asked to wait.
"""

from __future__ import annotations

import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.processes import Tenant, run

MANIFEST = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: a}
spec: {url: "https://x.example.com/", events: [{type: "elastio:recovery-point:create:started", version: v0, severity: info}]}
"""


def _settled(path: Path) -> dict[str, int]:
    """Brings everything into the file itself; where the first page of each table begins, in
    bytes.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        rows = connection.execute(
            "SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0"
        ).fetchall()
    return {name: (root - 1) * size for name, root in rows}


def _zeroed(path: Path, table: str) -> None:
    start = _settled(path)[table]
    data = bytearray(path.read_bytes())
    data[start : start + 4096] = bytes(4096)
    path.write_bytes(data)


def _scrambled(path: Path, text: bytes) -> None:
    _settled(path)
    data = path.read_bytes()
    assert data.count(b"CREATE TABLE tokens") == 1
    path.write_bytes(data.replace(b"CREATE TABLE tokens", text))


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE x (a)")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "schema of other words": (
        lambda path: _scrambled(path, b"CRXATE TABXE tokens"),
        "is a damaged database; restore a backup",
    ),
    "schema that is no text": (
        lambda path: _scrambled(path, b"CREATE \xff\xfe\xfd\xfc\xfb\xfa \x96\x97 ens"),
        "is a damaged database",
    ),
    "zeroed page": (
        lambda path: _zeroed(path, "settings"),
        "is a damaged database; restore a backup",
    ),
    "cut in half": (
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        "is a damaged database",
    ),
    "no database": (lambda path: path.write_text("nonsense " * 1000), "is not a database"),
    "another program's": (_foreign, "is a database of another program"),
}
COMMANDS = (
    ("tenant", "serve", "--port", "0", "--db", "tenant.db"),
    ("tenant", "token", "new", "--scope", "Webhooks: Read", "--db", "tenant.db"),
    ("tenant", "tokens", "--db", "tenant.db"),
    ("tenant", "revoke", "first", "--db", "tenant.db"),
    ("tenant", "login", "--db", "tenant.db"),
    ("tenant", "backup", "copy.db", "--db", "tenant.db"),
    ("plan", "webhooks", "--local-file", "tenant.db", "--owner", "o"),
    ("reconcile", "webhooks", "--local-file", "tenant.db", "--owner", "o", "--yes"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert (
        run(
            "tenant",
            "token",
            "first",
            "--scope",
            "Webhooks: Write",
            "--db",
            "tenant.db",
            cwd=tmp_path,
        ).code
        == 0
    )
    (tmp_path / "webhooks").mkdir()
    (tmp_path / "webhooks" / "a.yaml").write_text(MANIFEST)
    assert (
        run(
            "reconcile",
            "webhooks",
            "--local-file",
            "tenant.db",
            "--owner",
            "o",
            "--yes",
            cwd=tmp_path,
        ).code
        == 0
    )
    return tmp_path


@pytest.mark.parametrize("kind", DAMAGE)
def test_every_command_ends_with_one_line_that_says_what_to_do(folder: Path, kind: str) -> None:
    damage, message = DAMAGE[kind]
    damage(folder / "tenant.db")
    _remove_log(folder)
    for command in COMMANDS:
        ended = run(*command, cwd=folder)
        assert (ended.code, ended.out) == (1, ""), command
        assert [
            line for line in ended.err.splitlines() if line.startswith("error: ")
        ] == ended.err.splitlines()[-1:], command
        assert message in ended.err, command
        assert "Traceback" not in ended.err, command
    assert not (folder / "copy.db").exists()


def _remove_log(folder: Path) -> None:
    for name in ("tenant.db-wal", "tenant.db-shm"):
        (folder / name).unlink(missing_ok=True)


def test_a_damage_that_is_met_later_ends_a_plan_at_once_and_a_backup_without_a_copy(
    folder: Path,
) -> None:
    _zeroed(folder / "tenant.db", "webhooks")
    plan = run("plan", "webhooks", "--local-file", "tenant.db", "--owner", "o", cwd=folder)
    assert (plan.code, plan.out) == (1, "")
    assert "The database is damaged: restore a backup" in plan.err
    assert "wait" not in plan.err
    backup = run("tenant", "backup", "copy.db", "--db", "tenant.db", cwd=folder)
    assert (backup.code, "is a damaged database; restore a backup" in backup.err) == (1, True)
    assert not (folder / "copy.db").exists()


def test_damage_found_while_serving_is_a_500_without_retry_after(
    tmp_path: Path,
) -> None:
    tenant = Tenant(tmp_path)
    _zeroed(tmp_path / "tenant.db", "tokens")
    with tenant:
        request = urllib.request.Request(
            f"{tenant.url}/webhooks", headers={"Authorization": f"Bearer {tenant.token}"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        with refused.value as answer:
            assert (answer.code, answer.headers["Retry-After"]) == (500, None)
            assert b'"type": "damaged"' in (body := answer.read())
            assert b"restore a backup" in body
        assert tenant.call("GET", "/healthz")[0] == 200
        tenant.process.terminate()
        _, err = tenant.process.communicate(timeout=20)
    assert "Traceback" not in err
