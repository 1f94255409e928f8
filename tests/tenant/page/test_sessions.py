"""Signing in with a link, staying for twelve hours, and signing out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from reconciler.core.errors import BadRequest
from reconciler.tenant.store.rows import sessions
from reconciler.tenant.store.store import open_store
from reconciler.tenant.store.values.session import LINK_SECONDS, SESSION_SECONDS
from tests.support.database import database_of
from tests.tenant.harness import Tenant, tenant

ORIGIN = "http://tenant.test"
LIST = f"{ORIGIN}/settings/webhooks"


def _run(folder: Path, story: Callable[[Tenant], Awaitable[None]]) -> None:
    async def run() -> None:
        async with tenant(folder) as made:
            await story(made)

    asyncio.run(run())


async def _link(t: Tenant) -> str:
    return f"{ORIGIN}/sign-in?link=" + await database_of(t.store).write(
        lambda c: sessions.create_link(c, t.clock())
    )


async def _post(t: Tenant, address: str, body: str = "") -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN}
    return await t.http.post(address, content=body.encode(), headers=headers)


async def _status(t: Tenant) -> int:
    return (await t.http.get(LIST)).status_code


def test_a_link_is_shown_as_often_as_one_likes_and_opens_a_session_once(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        link = await _link(t)
        for _ in range(3):
            shown = await t.http.get(link)
            assert (shown.status_code, "Set-Cookie" in shown.headers) == (200, False)
        assert (await _post(t, link)).status_code == 303
        assert await _status(t) == 200
        t.http.cookies.clear()
        for again in (await t.http.get(link), await _post(t, link)):
            assert (again.status_code, "Set-Cookie" in again.headers) == (403, False)
        assert await _status(t) == 401

    _run(tmp_path, story)


def test_of_twenty_who_open_one_link_at_once_one_gets_in(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        link = await _link(t)
        answers = await asyncio.gather(*(_post(t, link) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [303] + [403] * 19

    _run(tmp_path, story)


def test_a_link_is_good_for_ten_minutes(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        link = await _link(t)
        t.clock.now += LINK_SECONDS - 1
        assert (await t.http.get(link)).status_code == 200
        t.clock.now += 1
        assert (await t.http.get(link)).status_code == 403
        assert (await _post(t, link)).status_code == 403

    assert LINK_SECONDS == 600
    _run(tmp_path, story)


@pytest.mark.parametrize("text", ["", "x", "%00", "%ff", "a" * 5000, "' OR 1=1 --"])
def test_an_unknown_link_opens_nothing(tmp_path: Path, text: str) -> None:
    async def story(t: Tenant) -> None:
        await _link(t)
        assert (await _post(t, f"{ORIGIN}/sign-in?link={text}")).status_code == 403
        assert await _status(t) == 401

    _run(tmp_path, story)


def test_a_session_lasts_twelve_hours(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        await _post(t, await _link(t))
        t.clock.now += SESSION_SECONDS - 1
        assert await _status(t) == 200
        t.clock.now += 1
        assert await _status(t) == 401

    assert SESSION_SECONDS == 12 * 3600
    _run(tmp_path, story)


def test_signing_out_ends_this_session_and_no_other(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        await _post(t, await _link(t))
        other = dict(t.http.cookies)
        t.http.cookies.clear()
        await _post(t, await _link(t))
        mine = dict(t.http.cookies)
        csrf = (await t.http.get(LIST)).text.split('name="csrf" value="')[1].split('"')[0]
        left = await _post(t, f"{ORIGIN}/sign-out", f"csrf={csrf}")
        assert left.status_code == 200
        assert 'reconciler_session=""' in left.headers["Set-Cookie"]
        for cookies, status in ((mine, 401), (other, 200)):
            t.http.cookies.clear()
            t.http.cookies.update(cookies)
            assert await _status(t) == status

    _run(tmp_path, story)


def test_the_cookie_is_kept_from_scripts_and_other_sites(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        answer = await _post(t, await _link(t))
        name, *flags = (part.strip().lower() for part in answer.headers["Set-Cookie"].split(";"))
        assert name.startswith("reconciler_session=")
        assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= set(flags)
        assert not any(flag.startswith("domain") for flag in flags)

    _run(tmp_path, story)


def test_neither_links_nor_sessions_stand_in_the_file_or_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(t: Tenant) -> None:
        link = await _link(t)
        await t.http.get(link)
        await _post(t, link)
        texts = [link.split("=")[1], t.http.cookies["reconciler_session"]]
        await _status(t)
        held = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("latin-1")
        for text in texts:
            assert len(text) == 43  # 256 bits
            assert text not in held
            assert text not in "\n".join(
                r.getMessage() for r in caplog.records if r.name.startswith("reconciler")
            )

    with caplog.at_level(logging.DEBUG):
        _run(tmp_path, story)


def test_a_link_names_where_the_tenant_was_served_last_and_there_is_none_before(
    tmp_path: Path,
) -> None:
    with open_store(str(tmp_path / "tenant.db")) as store:
        with pytest.raises(BadRequest, match="never served"):
            store.create_sign_in_address()
        database_of(store).write_now(
            lambda c: sessions.record_origin(c, "https://tenant.example.com")
        )
        assert store.create_sign_in_address().startswith("https://tenant.example.com/sign-in?link=")
        assert store.create_sign_in_address("http://localhost:1/").startswith(
            "http://localhost:1/sign-in?link="
        )
