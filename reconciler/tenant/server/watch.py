"""Around every request: its end is counted in `telemetry.py`, and a defect becomes an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.tenant.telemetry import Telemetry

UNKNOWN: Final = "none"  # the route of an unknown path: the path itself may be anything


class Watch:
    """ASGI middleware; `refuse` makes the answer of a defect."""

    def __init__(
        self, app: ASGIApp, telemetry: Telemetry, refuse: Callable[[Scope], Response]
    ) -> None:
        self._app, self._telemetry, self._refuse = app, telemetry, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = 0, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            self._telemetry.log_defect(error)
            if status:
                raise  # too late for another answer: the connection ends
            await self._refuse(scope)(scope, receive, watched)
        finally:
            route = scope.get("route")
            path = route.path if isinstance(route, Route) else UNKNOWN
            self._telemetry.count_request(
                scope["method"], path, status, time.perf_counter() - started
            )
