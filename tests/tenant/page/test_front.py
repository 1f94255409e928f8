"""Every address of the page, found in the table of routes: closed to strangers, forged forms,
foreign sites and foreign hosts.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.tenant.page.routes import PAGES
from reconciler.tenant.page.session.visit import Page as Route
from tests.tenant.harness import Tenant
from tests.tenant.page.filled import read_again
from tests.tenant.page.visitor import ORIGIN, Visitor, on_page

CLOSED = [page for page in PAGES if not page.open]
POSTS = [page for page in CLOSED if page.method == "POST"]
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN}


def name(page: Route) -> str:
    return f"{page.method} {page.path}"


def address(page: Route, webhook_id: str) -> str:
    return page.path.format(id=webhook_id, draft="nothing", delivery="nothing", name="nothing")


@pytest.mark.parametrize("page", CLOSED, ids=name)
@pytest.mark.parametrize("cookie", ["", "reconciler_session=forged", "reconciler_session="])
def test_without_a_session_every_page_and_action_is_refused(
    tmp_path: Path, page: Route, cookie: str
) -> None:
    async def story(made: Tenant, _me: Visitor) -> None:
        one = await made.make("one")
        headers = {**FORM, "Cookie": cookie, "Authorization": "Bearer local-token-with-every-scope"}
        where = ORIGIN + address(page, one["id"])
        answer = await made.http.request(
            page.method, where, headers=headers, content=b"enabled=false&revision=1"
        )
        assert answer.status_code == 401
        assert await read_again(made, one) == one

    on_page(tmp_path, story)


@pytest.mark.parametrize("page", POSTS, ids=name)
def test_a_form_needs_the_sessions_token_and_this_origin(tmp_path: Path, page: Route) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        where = address(page, one["id"])
        token = (await me.get("/settings/webhooks/new")).form("next").fields["csrf"]
        fields = {"enabled": "false", "revision": "1", "events": "[]"}
        for given, headers in (
            ({}, {}),
            ({"csrf": "0" * 64}, {}),
            ({"csrf": "é"}, {}),
            ({"csrf": token}, {"Origin": "https://evil.example"}),
            ({"csrf": token}, {"Origin": "null"}),
            ({"csrf": token}, {"Sec-Fetch-Site": "cross-site"}),
            ({"csrf": token}, {"Sec-Fetch-Site": "same-site"}),
        ):
            assert (await me.post(where, {**fields, **given}, **headers)).status == 403
        refused = await me.post(where, {**fields, "csrf": token}, **{"Content-Type": "text/plain"})
        assert refused.status == 415
        assert await read_again(made, one) == one

    on_page(tmp_path, story)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_another_host_than_those_that_are_served_gets_nothing(tmp_path: Path, page: Route) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        headers = {**FORM, "Host": "evil.example"}
        answer = await made.http.request(
            page.method, ORIGIN + address(page, "nothing"), headers=headers
        )
        assert answer.status_code == 421

    on_page(tmp_path, story, allowed_hosts=("tenant.test",))


@pytest.mark.parametrize("page", [page for page in CLOSED if page.method == "GET"], ids=name)
def test_every_page_has_the_headers_that_keep_it_to_itself(tmp_path: Path, page: Route) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        answer = (await me.get(address(page, one["id"]))).answer
        assert answer.status_code in {200, 404, 410}
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text

    on_page(tmp_path, story)
