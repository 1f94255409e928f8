"""What every request of the page goes through: host, session, Origin, CSRF token, form, and turning
a refusal into a page.

What a page shows stands in its own file. The page ignores bearer tokens, as the API ignores
cookies.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconciler.tenant.api.endpoint import Tenant, body_of, check_host, storage_problem
from reconciler.tenant.page import forms, html
from reconciler.tenant.problems import STATUS, Problem, Refusal
from reconciler.tenant.store.rows import sessions
from reconciler.tenant.store.rows.sessions import Session
from reconciler.tenant.store.store import Store
from reconciler.tenant.store.vault import Unreadable

COOKIE: Final = "reconciler_session"
FORM: Final = "application/x-www-form-urlencoded"
MAX_FIELDS: Final = 2000


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to the page. `session` is None only where a page is open to everybody; `form` is
    what was posted.
    """

    tenant: Tenant
    request: Request
    session: Session | None = None
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def store(self) -> Store:
        """The tenant's file."""
        return self.tenant.store

    @property
    def csrf(self) -> str:
        """What a form of this session has to carry."""
        return "" if self.session is None else self.store.vault.mac("csrf", self.session.hash).hex()

    @property
    def origin(self) -> str:
        """Where the visitor's browser sees this page: where a proxy shows it, else as the request
        came.
        """
        return (
            self.tenant.public
            or f"{self.request.url.scheme}://{self.request.headers.get('host', '')}"
        )

    @property
    def secure(self) -> bool:
        """Whether the visitor came by TLS."""
        return self.origin.startswith("https:")

    @property
    def cookie(self) -> str:
        """The cookie's name: with a prefix that pins it to this host where TLS allows that."""
        return f"__Host-{COOKIE}" if self.secure else COOKIE

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str:
        """A parameter of the query, empty when absent."""
        return self.request.query_params.get(name, "")

    def typed(self, name: str) -> str:
        """A posted field, empty when absent."""
        return self.form.get(name, ("",))[0]

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """A template rendered for this visitor."""
        known = {
            "signed_in": self.session is not None,
            "csrf": self.csrf,
            "login": self.tenant.sign_in,
        }
        return html.page(template, status, **{**known, **values})


Handler = Callable[[Visit], Awaitable[Response]]
Again = Callable[[Visit, Problem], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """One method of one address; `open` pages are for people who are not signed in.

    `again` shows a webhook's form that was refused with what was typed, and does nothing else:
    nothing is written.
    """

    method: str
    path: str
    handler: Handler
    open: bool = False
    again: Again | None = None


def _check_origin(visit: Visit) -> None:
    """Refuses what another site's page sends. `null` is what browsers send from pages without a
    referrer, ours included.
    """
    origin, site = (visit.request.headers.get(name) for name in ("origin", "sec-fetch-site"))
    same = origin == visit.origin or (origin == "null" and site == "same-origin")
    if not same or site not in {None, "same-origin"}:
        raise Refusal("origin", "the form was not sent by this page")


async def _form(request: Request) -> dict[str, tuple[str, ...]]:
    """The fields of a posted form; raises 413, 415, 400."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refusal("media-type", f"send {FORM}")
    try:
        text = (await body_of(request)).decode("ascii")
        found = parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise Refusal("bad-request", "the form could not be read") from None
    if any(len(values) > 1 for values in found.values()):
        raise Refusal("bad-request", "a field of the form was sent twice")
    return {name: tuple(values) for name, values in found.items()}


async def _session(visit: Visit) -> Session | None:
    """Who sends a request, None for somebody who is not signed in."""
    text, now = visit.request.cookies.get(visit.cookie, ""), visit.store.clock()
    return await visit.store.read(lambda c: sessions.find(c, text, now)) if text else None


async def _sent(visit: Visit, page: Page) -> Mapping[str, tuple[str, ...]]:
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
        return await _form(visit.request)
    except Refusal as refusal:
        if known:
            raise
        raise _signed_out(visit, refusal.problem.headers) from None


def _signed_out(visit: Visit, headers: Mapping[str, str] | None = None) -> Refusal:
    return Refusal(
        "signed-out", "" if visit.request.method == "GET" else "nothing was done", headers=headers
    )


def _check_session(visit: Visit, page: Page) -> None:
    """Refuses whoever may not see this page or do this; raises 401, 403."""
    if visit.session is None and not page.open:
        raise _signed_out(visit)
    given = visit.typed("csrf").encode("utf-8", "replace")
    if (
        page.method == "POST"
        and visit.session is not None
        and not hmac.compare_digest(given, visit.csrf.encode())
    ):
        raise Refusal(
            "csrf",
            "it was opened in an earlier session, so nothing was done: open the page "
            "again and do it there",
        )


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
            visit = replace(visit, session=await _session(visit))
            visit = replace(visit, form=await _sent(visit, page))
            _check_session(visit, page)
            response = await page.handler(visit)
        except ClientDisconnect:
            return
        except _REFUSED as error:
            response = await _told(visit, page, _problem(error))
        await response(scope, receive, send)


_REFUSED: Final = (Refusal, sqlite3.DatabaseError, Unreadable)


def _problem(error: Refusal | sqlite3.DatabaseError | Unreadable) -> Problem:
    """What an error tells the visitor; raises one again that is a defect."""
    if isinstance(error, Refusal):
        return error.problem
    if isinstance(error, Unreadable):
        return Problem("credential", "type it again on the page where the webhook is edited")
    return storage_problem(error)


async def _told(visit: Visit, page: Page | None, problem: Problem) -> Response:
    """A refusal: a webhook's form again with what was typed, where that can be shown, else a page
    of its own.
    """
    known = visit.session is not None and problem.type != "signed-out"
    if known and page is not None and page.again is not None and forms.carried(visit.form):
        try:
            return await page.again(visit, problem)
        except _REFUSED as error:  # the form itself cannot be read, or the storage cannot
            _problem(error)
    return refused(problem, visit)


def refused(problem: Problem, visit: Visit | None = None) -> Response:
    """A refusal as a page; `visit` of None where nobody is known.

    Whoever is not signed in any more gets what was typed back as a form, to send it again after
    signing in elsewhere.
    """
    status, title = STATUS[problem.type]
    typed: forms.Typed = {}
    if visit is not None and problem.type == "signed-out":
        typed = forms.carried(visit.form)
        visit = replace(visit, session=None)  # it may have ended while the form was on its way
    shown = html.page if visit is None else visit.page
    values = {"title": title, "detail": problem.detail, "kind": problem.type, "typed": typed}
    return shown("refused.html", status, headers=problem.headers, **values)
