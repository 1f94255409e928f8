"""Templates to answers: the one Jinja environment, and the headers that every page has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from reconciler.core.model.capabilities import TENANT, list_auth_types
from reconciler.core.model.secret import shown_url
from reconciler.tenant.api.endpoint import SIGN_IN
from reconciler.tenant.page.rendering import graph, wording
from reconciler.web.html import make_address, make_environment, make_headers

FOLDER: Final = Path(__file__).parents[2]
HEADERS: Final = make_headers(scripts=True)

_ENVIRONMENT: Final = make_environment(FOLDER / "templates")
_ENVIRONMENT.globals["auth_types"] = tuple(list_auth_types(TENANT))
_ENVIRONMENT.filters.update(
    moment=wording.format_moment,
    lasted=wording.format_span,
    host=shown_url,
    stamp=wording.format_stamp,
    verdict=wording.describe_verdict,
    sentence=wording.make_sentence,
)
_ENVIRONMENT.globals.update(event_key=wording.format_event, periods=graph.PERIODS)


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
