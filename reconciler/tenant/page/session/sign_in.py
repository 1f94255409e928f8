"""Signing in with a link, and out. A link is shown by GET and used up by POST, so that a preview of
it does not use it up.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.values.session import SESSION_SECONDS

HOME = "/settings/webhooks"
_OVER: Final = "it was used already or is older than 10 minutes"


async def show_button(visit: Visit) -> Response:
    """`GET /sign-in?link=…`: a button."""
    if not await visit.store.sessions.is_link_valid(visit.read_query("link")):
        raise Refusal("link", _OVER)
    return visit.render("sign_in.html")


async def sign_in(visit: Visit) -> Response:
    """`POST /sign-in?link=…`: uses the link up and sets the cookie."""
    session = await visit.store.sessions.sign_in(visit.read_query("link"))
    if session is None:
        raise Refusal("link", _OVER)
    answer = html.redirect(HOME)
    answer.set_cookie(
        visit.cookie,
        session,
        max_age=SESSION_SECONDS,
        path="/",
        secure=visit.secure,
        httponly=True,
        samesite="lax",
    )
    return answer


async def sign_out(visit: Visit) -> Response:
    """`POST /sign-out`."""
    session = visit.session
    if session is not None:
        await visit.store.sessions.sign_out(session)
    answer = visit.__class__(visit.tenant, visit.request).render("signed_out.html")
    answer.delete_cookie(visit.cookie, path="/", secure=visit.secure, httponly=True, samesite="lax")
    return answer


async def show_home(_visit: Visit) -> Response:
    """`GET /`: the first page."""
    return html.redirect(HOME)
