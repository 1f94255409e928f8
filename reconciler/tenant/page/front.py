"""What every request of the page goes through: host, session, origin, CSRF token and form; and
turning a refusal into a page.

What a page shows stands in `views`. The page ignores bearer tokens, as the API ignores cookies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconciler.tenant.api.endpoint import Tenant, check_host, make_storage_problem
from reconciler.tenant.page.forms import typed_texts
from reconciler.tenant.page.forms.typed_texts import Typed
from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.session import checks
from reconciler.tenant.page.session.visit import Page, Visit
from reconciler.tenant.problems import STATUS, Problem, Refusal
from reconciler.tenant.store.faults import StorageFailed
from reconciler.tenant.store.vault import Unreadable


class Front:
    """The ASGI application of one address: its pages by method."""

    def __init__(self, tenant: Tenant, pages: Mapping[str, Page]) -> None:
        self._tenant, self._pages = tenant, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; only a defect leaves as an exception."""
        request = Request(scope, receive)
        visit, page = Visit(self._tenant, request), self._pages.get(request.method)
        try:
            check_host(self._tenant, request)
            if page is None:
                raise Refusal(
                    "method-not-allowed", headers={"Allow": ", ".join(sorted(self._pages))}
                )
            visit = replace(visit, session=await checks.find_session(visit))
            visit = replace(visit, form=await checks.read_form(visit, page))
            checks.check_session(visit, page)
            response = await page.handler(visit)
        except ClientDisconnect:
            return
        except _REFUSED as error:
            response = await _answer_refusal(visit, page, _read_problem(error))
        await response(scope, receive, send)


_REFUSED: Final = (Refusal, StorageFailed, Unreadable)


def _read_problem(error: Refusal | StorageFailed | Unreadable) -> Problem:
    """The problem that the visitor sees of an error; raises one again that is a defect."""
    if isinstance(error, Refusal):
        return error.problem
    if isinstance(error, Unreadable):
        return Problem("credential", "type it again on the page where the webhook is edited")
    return make_storage_problem(error)


async def _answer_refusal(visit: Visit, page: Page | None, problem: Problem) -> Response:
    """A refusal: a webhook's form again with what was typed, where that can be shown, else a page
    of its own.
    """
    known = visit.session is not None and problem.type != "signed-out"
    if known and page is not None and page.again is not None and typed_texts.copy_texts(visit.form):
        try:
            return await page.again(visit, problem)
        except _REFUSED as error:  # the form itself cannot be read, or the storage cannot
            _read_problem(error)
    return render_refusal(problem, visit)


def render_refusal(problem: Problem, visit: Visit | None = None) -> Response:
    """A refusal as a page; `visit` of None where the visitor is unknown.

    A visitor whose session has ended gets what was typed back as a form, to send it again after
    signing in elsewhere.
    """
    status, title = STATUS[problem.type]
    typed: Typed = {}
    if visit is not None and problem.type == "signed-out":
        typed = typed_texts.copy_texts(visit.form)
        visit = replace(visit, session=None)  # it may have ended while the form was on its way
    render = html.render_page if visit is None else visit.render
    values = {"title": title, "detail": problem.detail, "kind": problem.type, "typed": typed}
    return render("refused.html", status, headers=problem.headers, **values)
