"""The page's own style sheet and script: read once, served to everybody."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import Refusal

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES: Final = {
    path.name: (path.read_bytes(), _TYPES[path.suffix])
    for path in (html.FOLDER / "static").iterdir()
    if path.suffix in _TYPES
}


async def show_file(visit: Visit) -> Response:
    """`GET /static/{name}`; raises 404."""
    file = _FILES.get(visit.read_part("name"))
    if file is None:
        raise Refusal("not-found", "there is no such file")
    content, kind = file
    return Response(content, 200, {**html.HEADERS, "Cache-Control": "no-cache"}, kind)
