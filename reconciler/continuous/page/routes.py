"""The addresses of the status page, and the check of the Host header that they share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.continuous.page import html
from reconciler.continuous.page.listing import read_query, select_tenants
from reconciler.net.host_header import is_served

Handler = Callable[[Request], Awaitable[Response]]
_MISDIRECTED: Final = "this host is not served here"


def for_hosts(hosts: Iterable[str], handler: Handler) -> Handler:
    """The handler for requests to these hosts; 421 for others: a page of another site must not read
    the answer by giving our address its own name.
    """
    names = frozenset(host.lower() for host in hosts)

    async def answer(request: Request) -> Response:
        if not is_served(request.headers.get("host", ""), names):
            return html.render_text(_MISDIRECTED, 421)
        return await handler(request)

    return answer


def make_routes(read_status: Callable[[], dict[str, Any]], hosts: Iterable[str]) -> list[Route]:
    """Every address of the page. `read_status` returns the document of `/status`."""
    views = _Views(read_status)
    pages: dict[str, Handler] = {
        "/": views.show_tenants,
        "/tenants/{name:path}": views.show_tenant,
        "/static/{name}": views.show_file,
    }
    names = tuple(hosts)
    return [Route(path, for_hosts(names, handler)) for path, handler in pages.items()]


class _Views:
    def __init__(self, read_status: Callable[[], dict[str, Any]]) -> None:
        self._read_status = read_status

    async def show_tenants(self, request: Request) -> Response:
        query, status = read_query(request.query_params), self._read_status()
        listing = select_tenants(status["tenants"], query)
        return html.render_page(
            "tenants.html", refresh=query.refresh, query=query, listing=listing, status=status
        )

    async def show_tenant(self, request: Request) -> Response:
        query, status = read_query(request.query_params), self._read_status()
        name = request.path_params["name"]
        tenant = next((item for item in status["tenants"] if item["name"] == name), None)
        values = {"refresh": query.refresh, "status": status, "name": name}
        if tenant is None:
            return html.render_page("unknown.html", 404, **values)
        return html.render_page("tenant.html", **values, tenant=tenant, run=tenant["last_run"])

    async def show_file(self, request: Request) -> Response:
        return html.render_file(request.path_params["name"])
