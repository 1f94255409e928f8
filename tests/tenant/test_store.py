"""The file: what it refuses to open, what it never holds, and what outlives a killed process."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from reconciler.core.errors import BadRequest, StoreError
from reconciler.tenant.store.backup import backup
from reconciler.tenant.store.schema import VERSION
from reconciler.tenant.store.store import Store, make_uuid, open_store
from tests.support.database import database_of
from tests.tenant.harness import BEARER, EVENT, Tenant, with_tenant


def _made(folder: Path) -> Path:
    path = folder / "tenant.db"
    open_store(str(path)).close()
    return path


def _change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


def test_ids_begin_with_the_time_and_are_else_random() -> None:
    before = time.time_ns() // 1_000_000
    made = [uuid.UUID(make_uuid()) for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert all(before <= each.int >> 80 <= after for each in made)
    assert {(each.version, each.variant) for each in made} == {(7, uuid.RFC_4122)}
    assert len(set(made)) == 1000
    assert [each.int >> 80 for each in made] == sorted(each.int >> 80 for each in made)


def test_files_are_made_with_their_folder_for_the_owner_only(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "a" / "b" / "tenant.db")) as store:
        store.create_token("t", ["Webhooks: Read"])
        modes = {
            file.name: stat.S_IMODE(file.stat().st_mode)
            for file in (tmp_path / "a" / "b").iterdir()
        }
    assert set(modes) >= {"tenant.db", "tenant.db.key"}
    assert set(modes.values()) == {0o600}


def test_what_is_not_our_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database at all\n" * 100)
    _change(tmp_path / "foreign", "CREATE TABLE t (x)")
    newer = _made(tmp_path)
    _change(newer, "PRAGMA user_version = 99")
    for name, words in (
        ("text", "not a database"),
        ("foreign", "another program"),
        ("tenant.db", "newer version"),
        (".", "cannot be opened"),
    ):
        with pytest.raises(StoreError, match=words):
            open_store(str(tmp_path / name))
    connection = sqlite3.connect(tmp_path / "foreign")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


@pytest.mark.parametrize("version", range(VERSION))
def test_a_file_of_an_unreleased_version_is_refused_untouched_and_says_what_to_do(
    tmp_path: Path, version: int
) -> None:
    path = _made(tmp_path)
    _change(path, f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    for refuse in (lambda: open_store(str(path)), lambda: backup(str(path), str(tmp_path / "b"))):
        with pytest.raises(StoreError) as caught:
            refuse()
        assert str(caught.value) == (
            f"{path}: was written by an unreleased version of this program "
            f"(schema {version}, known is {VERSION}): move it away to begin with an empty file"
        )
    assert path.read_bytes() == before
    assert not (tmp_path / "b").exists()
    path.rename(tmp_path / "away.db")
    with open_store(str(path)) as store:
        assert store.list_tokens() == ()


def test_a_file_whose_first_write_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    """The schema is one transaction: a killed process leaves an empty file, or one with a log that
    does not count.
    """
    child = f"""
import os, sqlite3
from reconciler.tenant.store.schema import SCHEMA
half = sqlite3.connect({str(tmp_path / "tenant.db")!r}, isolation_level=None)
half.execute("PRAGMA journal_mode = WAL")
half.execute("PRAGMA cache_size = 1")
half.execute("BEGIN IMMEDIATE")
for statement in SCHEMA[:-2]:
    half.execute(statement)
os.kill(os.getpid(), 9)
"""
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", child], cwd=root, check=False)
    assert ended.returncode == -9
    with open_store(str(tmp_path / "tenant.db")) as store:
        store.create_token("t", ["Webhooks: Read"])
        assert [token.name for token in store.list_tokens()] == ["t"]


def test_a_locked_file_is_refused_after_a_while(tmp_path: Path) -> None:
    path = _made(tmp_path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        open_store(str(path), busy=0.05)
    holder.close()


def test_credentials_without_their_key_are_refused(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        await t.make(auth=BEARER)

    with_tenant(tmp_path, story)
    path = str(tmp_path / "tenant.db")
    text = (tmp_path / "tenant.db.key").read_text().strip()
    (tmp_path / "tenant.db.key").unlink()
    with pytest.raises(StoreError, match="key is missing"):
        open_store(path)
    with pytest.raises(StoreError, match="another key"):
        open_store(path, key="x" * 40)
    with pytest.raises(StoreError, match="at least"):
        open_store(path, key="short")
    open_store(path, key=text).close()
    assert not (tmp_path / "tenant.db.key").exists()


def test_a_file_that_is_opened_by_a_link_has_the_key_and_the_lock_of_the_file_itself(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    path = _made(tmp_path / "data")
    (tmp_path / "link.db").symlink_to(path)
    with open_store(str(path)) as before, open_store(str(tmp_path / "link.db")) as by_link:
        sealed = before.vault.seal("w", "token", "sesame-open-4711")
        assert by_link.vault.open("w", "token", sealed).reveal() == "sesame-open-4711"
        assert by_link.path == before.path
    assert [file.name for file in tmp_path.iterdir() if ".key" in file.name] == []


def test_no_file_ever_holds_a_credential_or_a_token(tmp_path: Path) -> None:
    found: list[str] = []

    async def story(t: Tenant) -> None:
        token = t.store.create_token("ci", ["Webhooks: Write"])
        body = {"name": "one", "url": "https://x.example", "auth": BEARER, "events": [EVENT]}
        assert (
            await t.call("POST", "/webhooks", body, token=token, Idempotency_Key="k")
        ).status_code == 201
        await t.make(
            "two", auth={"type": "basic", "username": "u", "password": "sesame-basic-4711"}
        )
        await t.make(
            "three", auth={"type": "apiKey", "header": "X-K", "value": "sesame-apikey-4711"}
        )
        secrets = [
            token.split("_")[2],
            "sesame-open-4711",
            "sesame-basic-4711",
            "sesame-apikey-4711",
        ]
        held = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        assert "tenant.db-wal" in held
        found.extend(
            name for name, data in held.items() for secret in secrets if secret.encode() in data
        )

    with_tenant(tmp_path, story)
    assert found == []
    assert b"sesame" not in (tmp_path / "tenant.db").read_bytes()


def test_a_ciphertext_moved_to_another_webhook_does_not_open(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "tenant.db")) as store:
        sealed = store.vault.seal("a", "token", "sesame")
        assert store.vault.open("a", "token", sealed) == "sesame"
        for where in (("b", "token"), ("a", "password")):
            with pytest.raises(StoreError, match="cannot be decrypted"):
                store.vault.open(*where, sealed)


@pytest.mark.long
def test_a_full_disk_is_503_and_loses_nothing(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make()
        pages = int(
            (await database_of(t.store).read(lambda c: c.execute("PRAGMA page_count").fetchone()))[
                0
            ]
        )
        database_of(t.store).write_now(
            lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        )
        big = [{"type": f"t{n}", "version": "v0", "severity": "info"} for n in range(2000)]
        answer = await t.patch(one, {"events": big})
        assert (answer.status_code, answer.json()["type"]) == (503, "storage-full")
        assert (await t.call("GET", f"/webhooks/{one['id']}")).json() == one
        database_of(t.store).write_now(
            lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone()
        )
        assert (await t.patch(one, {"events": big})).status_code == 200

    with_tenant(tmp_path, story)


def test_a_write_that_waits_too_long_is_503_with_retry_after(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        database_of(t.store).write_now(lambda c: c.execute("PRAGMA busy_timeout = 20").fetchone())
        holder = sqlite3.connect(tmp_path / "tenant.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        answer = await t.call("POST", "/webhooks", {"name": "one", "url": "https://x.example"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert (await t.call("GET", "/webhooks")).json()["items"] == []
        holder.close()
        await t.make("one")

    with_tenant(tmp_path, story)


CHILD = """
import os, sys
from reconciler.tenant.store.store import open_store
store = open_store(sys.argv[1])
for number in range(20):
    store.create_token(f"t{number}", ["Webhooks: Read"])
    print(number, flush=True)
os.kill(os.getpid(), 9)
"""


def test_what_was_answered_outlives_a_killed_process(tmp_path: Path) -> None:
    path = str(tmp_path / "tenant.db")
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, path], cwd=root, capture_output=True, text=True, check=False
    )
    assert ended.returncode == -9, ended.stderr
    with open_store(path) as store:
        assert len(store.list_tokens()) == len(ended.stdout.split()) == 20


def test_a_token_needs_a_free_name_and_known_scopes(tmp_path: Path) -> None:
    def refused(store: Store, name: str, scopes: list[str]) -> str:
        with pytest.raises(BadRequest) as caught:
            store.create_token(name, scopes)
        return str(caught.value)

    with open_store(str(tmp_path / "tenant.db")) as store:
        token = store.create_token("a", ["Webhooks: Write"])
        assert token.startswith("rct_")
        assert len(token.split("_")[2]) == 64
        assert "already" in refused(store, "a", ["Webhooks: Write"])
        assert "scopes" in refused(store, "b", ["Webhooks: All"])
        assert "scopes" in refused(store, "b", [])
        assert "name" in refused(store, "", ["Webhooks: Read"])


def test_an_unwritable_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(os.fspath(tmp_path / "file" / "tenant.db"))
