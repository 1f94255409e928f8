"""Templates to answers: the one Jinja environment, and the headers that every page has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from reconciler.core.model.capabilities import TENANT, list_auth_types
from reconciler.core.model.secret import shown_url
from reconciler.tenant.api.endpoint import SIGN_IN
from reconciler.tenant.page.rendering import graph, wording

FOLDER: Final = Path(__file__).parents[2]
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def make_address(path: str, **query: Any) -> str:
    """A path of this page with its query; what is None or empty is left out."""
    parameters = {name: value for name, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(parameters)}" if parameters else path


_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.globals["auth_types"] = tuple(list_auth_types(TENANT))
_ENVIRONMENT.filters.update(
    moment=wording.format_moment,
    number=wording.format_number,
    lasted=wording.format_span,
    host=shown_url,
    stamp=wording.format_stamp,
    verdict=wording.describe_verdict,
    sentence=wording.make_sentence,
)
_ENVIRONMENT.globals.update(
    address=make_address, event_key=wording.format_event, periods=graph.PERIODS
)


def render_page(
    template: str, status: int = 200, /, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """A rendered template as an answer.

    Every value is escaped where it stands; `signed_in` and `csrf` come from `Visit.page`.
    """
    known = {"signed_in": False, "csrf": "", "at": "", "message": "", "login": SIGN_IN}
    text = _ENVIRONMENT.get_template(template).render({**known, **values})
    return Response(text, status, {**HEADERS, **(headers or {})}, "text/html")


def redirect(path: str, *, part: str = "", **query: Any) -> Response:
    """303: look at another page now, at the `part` with this id, so that a reload sends nothing
    again.
    """
    return RedirectResponse(
        make_address(path, **query) + (f"#{part}" if part else ""), 303, HEADERS
    )
