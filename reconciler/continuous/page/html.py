"""Templates to answers: the Jinja environment of the status page, and its headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from starlette.responses import PlainTextResponse, Response

from reconciler.continuous.page import wording
from reconciler.continuous.page.listing import MAX_NAME, ROWS, get_state
from reconciler.web.html import make_environment, make_headers
from reconciler.web.static_files import read_files

_FOLDER: Final = Path(__file__).parent
HEADERS: Final = make_headers(scripts=False)
_FILES: Final = read_files(_FOLDER / "static")

_ENVIRONMENT: Final = make_environment(_FOLDER / "templates")
_ENVIRONMENT.filters.update(
    moment=wording.format_time,
    distance=wording.format_distance,
    span=wording.format_length,
    short=wording.shorten_revision,
    plan=wording.describe_plan,
    state=get_state,
)
_ENVIRONMENT.globals.update(
    STATES=wording.STATES,
    PHASES=wording.PHASES,
    LABELS=wording.LABELS,
    OUTCOMES=wording.OUTCOMES,
    MAX_NAME=MAX_NAME,
    ROWS=ROWS,
)


def render_page(
    template: str, status: int = 200, /, refresh: int | None = None, **values: Any
) -> Response:
    """A rendered template as an answer. Every value is escaped; half of a surrogate pair, which
    UTF-8 does not have, is a question mark. `refresh` is as in `Query`.
    """
    text = _ENVIRONMENT.get_template(template).render(refresh=refresh, **values)
    headers = {**HEADERS, "Refresh": str(refresh)} if refresh else HEADERS
    return Response(text.encode("utf-8", "replace"), status, headers, "text/html; charset=utf-8")


def render_text(text: str, status: int) -> Response:
    """A line of plain text as an answer."""
    return PlainTextResponse(f"{text}\n", status, HEADERS)


def render_file(name: str) -> Response:
    """A static file; 404 for an unknown one."""
    if name not in _FILES:
        return render_text("there is no such file", 404)
    content, kind = _FILES[name]
    return Response(content, 200, {**HEADERS, "Cache-Control": "no-cache"}, kind)
