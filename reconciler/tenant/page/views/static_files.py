"""The page's style sheet, script and icon, served to everybody."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import Refusal
from reconciler.web.static_files import read_files

_FILES: Final = read_files(html.FOLDER / "static")


async def show_file(visit: Visit) -> Response:
    """`GET /static/{name}`; raises 404."""
    file = _FILES.get(visit.read_part("name"))
    if file is None:
        raise Refusal("not-found", "there is no such file")
    content, kind = file
    return Response(content, 200, {**html.HEADERS, "Cache-Control": "no-cache"}, kind)
