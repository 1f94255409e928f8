"""Who sends a request to the page, and whether it may be answered: session, origin, CSRF token and
form.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request

from reconciler.tenant.api.endpoint import read_body
from reconciler.tenant.page.session.visit import Page, Visit
from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.values.session import Session

FORM: Final = "application/x-www-form-urlencoded"


MAX_FIELDS: Final = 2000


def _check_origin(visit: Visit) -> None:
    """Refuses what another site's page sends. `null` is what browsers send from pages without a
    referrer, ours included.
    """
    origin, site = (visit.request.headers.get(name) for name in ("origin", "sec-fetch-site"))
    same = origin == visit.origin or (origin == "null" and site == "same-origin")
    if not same or site not in {None, "same-origin"}:
        raise Refusal("origin", "the form was not sent by this page")


async def _read_form(request: Request) -> dict[str, tuple[str, ...]]:
    """The fields of a posted form; raises 413, 415, 400."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refusal("media-type", f"send {FORM}")
    try:
        text = (await read_body(request)).decode("ascii")
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise Refusal("bad-request", "the form could not be read") from None
    if any(len(values) > 1 for values in fields.values()):
        raise Refusal("bad-request", "a field of the form was sent twice")
    return {name: tuple(values) for name, values in fields.items()}


async def find_session(visit: Visit) -> Session | None:
    """Who sends a request, None for somebody who is not signed in."""
    text = visit.request.cookies.get(visit.cookie, "")
    return await visit.store.sessions.find(text) if text else None


async def read_form(visit: Visit, page: Page) -> Mapping[str, tuple[str, ...]]:
    """What was posted; raises 401, 403, 413, 415, 400. Of somebody who is not signed in, only a
    form to keep.
    """
    if page.method == "GET":
        return {}
    known = visit.session is not None or page.open
    if not known and page.again is None:
        return {}
    try:
        _check_origin(visit)
        return await _read_form(visit.request)
    except Refusal as refusal:
        if known:
            raise
        raise _make_refusal(visit, refusal.problem.headers) from None


def _make_refusal(visit: Visit, headers: Mapping[str, str] | None = None) -> Refusal:
    return Refusal(
        "signed-out", "" if visit.request.method == "GET" else "nothing was done", headers=headers
    )


def check_session(visit: Visit, page: Page) -> None:
    """Raises 401, 403 where the visitor may not see this page or do this."""
    if visit.session is None and not page.open:
        raise _make_refusal(visit)
    token = visit.read_field("csrf").encode("utf-8", "replace")
    if (
        page.method == "POST"
        and visit.session is not None
        and not hmac.compare_digest(token, visit.csrf.encode())
    ):
        raise Refusal(
            "csrf",
            "it was opened in an earlier session, so nothing was done: open the page "
            "again and do it there",
        )
