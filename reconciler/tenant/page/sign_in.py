"""Signing in with a link, and out. A link is shown by GET and used up by POST, so that a preview of
it signs nobody in.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from reconciler.tenant.page import html
from reconciler.tenant.page.front import Visit
from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.rows import sessions

HOME = "/settings/webhooks"
_OVER: Final = "it was used already or is older than 10 minutes"


async def show(visit: Visit) -> Response:
    """`GET /sign-in?link=…`: a button."""
    text, now = visit.query("link"), visit.store.clock()
    if not await visit.store.read(lambda c: sessions.link_holds(c, text, now)):
        raise Refusal("link", _OVER)
    return visit.page("sign_in.html")


async def enter(visit: Visit) -> Response:
    """`POST /sign-in?link=…`: uses the link up and sets the cookie."""
    text, now = visit.query("link"), visit.store.clock()
    session = await visit.store.write(lambda c: sessions.sign_in(c, text, now))
    if session is None:
        raise Refusal("link", _OVER)
    answer = html.moved(HOME)
    answer.set_cookie(
        visit.cookie,
        session,
        max_age=sessions.SESSION_SECONDS,
        path="/",
        secure=visit.secure,
        httponly=True,
        samesite="lax",
    )
    return answer


async def leave(visit: Visit) -> Response:
    """`POST /sign-out`."""
    session = visit.session
    if session is not None:
        await visit.store.write(lambda c: sessions.sign_out(c, session))
    answer = visit.__class__(visit.tenant, visit.request).page("signed_out.html")
    answer.delete_cookie(visit.cookie, path="/", secure=visit.secure, httponly=True, samesite="lax")
    return answer


async def home(_visit: Visit) -> Response:
    """`GET /`: the first page."""
    return html.moved(HOME)
