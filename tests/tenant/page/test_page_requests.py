"""What every request of the page goes through: host, session, Origin, CSRF, forms, headers. It
enumerates the addresses.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.tenant.page.rendering.html import HEADERS
from reconciler.tenant.page.routes import PAGES
from reconciler.tenant.page.session.checks import MAX_FIELDS
from reconciler.tenant.page.session.visit import Page
from reconciler.tenant.store.rows import sessions
from tests.support.database import database_of
from tests.tenant.harness import LOCAL, Tenant, tenant

ORIGIN = "http://tenant.test"
FORM = "application/x-www-form-urlencoded"
CLOSED = [page for page in PAGES if not page.open]
POSTS = [page for page in PAGES if page.method == "POST"]

Story = Callable[[Tenant], Awaitable[None]]


def _run(folder: Path, story: Story, **options: Any) -> None:
    async def run() -> None:
        async with tenant(folder, **options) as made:
            await story(made)

    asyncio.run(run())


def _path(page: Page) -> str:
    return re.sub(r"\{\w+\}", "x", page.path)


async def _ask(
    t: Tenant, method: str, path: str, body: bytes | None = None, **headers: str
) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if method == "POST":
        given = {"Content-Type": FORM, "Origin": ORIGIN, **given}
    return await t.http.request(method, ORIGIN + path, content=body, headers=given)


async def _cookie(t: Tenant) -> str:
    """The cookie of somebody who signed in with a link."""
    link = await database_of(t.store).write(lambda c: sessions.create_link(c, t.clock()))
    answer = await _ask(t, "POST", f"/sign-in?link={link}", b"")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/webhooks")
    t.http.cookies.clear()
    return answer.headers["Set-Cookie"].split(";")[0]


async def _csrf(t: Tenant, cookie: str) -> str:
    page = await _ask(t, "GET", "/settings/webhooks", Cookie=cookie)
    return re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)[1]


def test_no_address_but_the_open_ones_is_shown_without_a_session_whatever_else_is_sent(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant) -> None:
        for page in CLOSED:
            for wrong in (
                {},
                {"Cookie": "reconciler_session=forged"},
                {"Cookie": f"reconciler_session={LOCAL}"},
            ):
                for sent in (wrong, {**wrong, "Authorization": f"Bearer {LOCAL}"}):
                    answer = await _ask(t, page.method, _path(page), b"", **sent)
                    assert answer.status_code == 401, page
                    assert "You are not signed in" in answer.text

    _run(tmp_path, story)


def test_the_open_addresses_are_these() -> None:
    assert {(page.method, page.path) for page in PAGES if page.open} == {
        ("GET", "/"),
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("GET", "/static/{name}"),
    }


def test_every_post_wants_the_csrf_token_of_its_own_session(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        mine, other = await _cookie(t), await _cookie(t)
        foreign = await _csrf(t, other)
        for page in POSTS:
            for body in (
                b"",
                b"csrf=",
                b"csrf=%C3%A9",
                b"csrf=%ff",
                f"csrf={foreign}".encode(),
                f"csrf={foreign[:-1]}".encode(),
            ):
                answer = await _ask(t, "POST", _path(page), body, Cookie=mine)
                assert answer.status_code == (400 if body == b"csrf=%ff" else 403), (page, body)
        assert (await _ask(t, "GET", "/settings/webhooks", Cookie=mine)).status_code == 200

    _run(tmp_path, story)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://tenant.test"},
        {"Origin": "http://tenant.test.evil.example"},
        {"Origin": "http://tenant.test:81"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_every_post_from_another_site_is_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    async def story(t: Tenant) -> None:
        cookie = await _cookie(t)
        body = f"csrf={await _csrf(t, cookie)}".encode()
        for page in POSTS:
            answer = await _ask(t, "POST", _path(page), body, Cookie=cookie, **headers)
            assert answer.status_code == 403, page
            assert "from another site" in answer.text

    _run(tmp_path, story)


def test_a_post_without_an_origin_is_refused_and_one_of_a_page_without_referrer_is_not(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant) -> None:
        cookie = await _cookie(t)
        body = f"csrf={await _csrf(t, cookie)}".encode()
        bare = await t.http.post(
            f"{ORIGIN}/sign-out", content=body, headers={"Content-Type": FORM, "Cookie": cookie}
        )
        assert bare.status_code == 403
        given = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        assert (await _ask(t, "POST", "/sign-out", body, Cookie=cookie, **given)).status_code == 200

    _run(tmp_path, story)


def test_a_foreign_host_is_misdirected_at_every_address_of_page_and_api(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        paths = {(page.method, _path(page)) for page in PAGES} | {
            ("GET", "/nothing"),
            ("GET", "/public-api/v1/nothing"),
        }
        paths |= {
            (m, re.sub(r"\{\w+\}", "x", r.path))
            for r in t.app.routes
            for m in ("GET", "POST", "PATCH", "DELETE")
        }
        for method, path in sorted(paths):
            for host in ("evil.example", "tenant.test.evil.example", "[::1]", ""):
                answer = await _ask(
                    t, method, path, b"", Host=host, Authorization=f"Bearer {LOCAL}"
                )
                assert answer.status_code == 421, (method, path, host)

    _run(tmp_path, story, allowed_hosts=("tenant.test",))


def test_every_answer_of_the_page_has_its_headers_errors_and_files_included(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        cookie = await _cookie(t)
        asked = [(page.method, _path(page)) for page in PAGES]
        asked += [
            ("GET", f"/static/{name}")
            for name in ("page.css", "page.js", "icon.svg", "..%2Fapp.py", "page")
        ]
        asked += [
            ("HEAD", "/"),
            ("OPTIONS", "/settings/webhooks"),
            ("TRACE", "/"),
            ("GET", "/nothing"),
            ("PUT", "/sign-out"),
        ]
        for method, path in asked:
            for given in ({}, {"Cookie": cookie}):
                answer = await _ask(t, method, path, b"", **given)
                for name, value in HEADERS.items():
                    wanted = (
                        "no-cache"
                        if name == "Cache-Control" and path.startswith("/static/p")
                        else value
                    )
                    if not (name == "Cache-Control" and path.startswith("/static/")):
                        assert answer.headers[name] == wanted, (method, path, name)
                assert "Access-Control-Allow-Origin" not in answer.headers

    _run(tmp_path, story)


def test_the_policy_allows_nothing_that_is_not_needed() -> None:
    policy = dict(
        part.strip().partition(" ")[::2] for part in HEADERS["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {source for name, sources in policy.items() for source in sources.split()} == {
        "'none'",
        "'self'",
    }


def test_a_method_that_an_address_has_not_is_405(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        for path in {page.path for page in PAGES}:
            allowed = sorted(page.method for page in PAGES if page.path == path)
            for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "BREW"):
                answer = await _ask(t, method, re.sub(r"\{\w+\}", "x", path))
                assert (answer.status_code, answer.headers["Allow"]) == (405, ", ".join(allowed)), (
                    path
                )

    _run(tmp_path, story)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"csrf=x", "application/json", 415),
        (b"csrf=x", "text/plain", 415),
        (b"csrf=x", "multipart/form-data; boundary=x", 415),
        (b"\xff", FORM, 400),
        (b"csrf=%ff", FORM, 400),
        (b"a=b&" * (MAX_FIELDS + 1), FORM, 400),
        (b"a=" + b"x" * 300_000, FORM, 413),
        (b"csrf=", f"{FORM}; charset=utf-8", 403),
        (b"csrf&&&===", FORM, 403),
    ],
)
def test_an_odd_form_is_refused_and_leaves_the_session_alone(
    tmp_path: Path, body: bytes, kind: str, status: int
) -> None:
    async def story(t: Tenant) -> None:
        cookie = await _cookie(t)
        answer = await _ask(t, "POST", "/sign-out", body, Cookie=cookie, Content_Type=kind)
        assert answer.status_code == status
        assert (await _ask(t, "GET", "/settings/webhooks", Cookie=cookie)).status_code == 200

    _run(tmp_path, story)


def test_the_api_ignores_a_session_and_the_page_a_token(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        cookie = await _cookie(t)
        for operation in ("/webhooks", "/events", "/invocations", "/metrics"):
            assert (await t.call("GET", operation, token=None, Cookie=cookie)).status_code == 401
        answer = await _ask(t, "GET", "/settings/webhooks", Authorization=f"Bearer {LOCAL}")
        assert answer.status_code == 401
        both = await _ask(
            t, "GET", "/settings/webhooks", Authorization="Bearer nonsense", Cookie=cookie
        )
        assert both.status_code == 200

    _run(tmp_path, story)
