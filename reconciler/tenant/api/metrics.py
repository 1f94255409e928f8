"""Handlers of the tenant's own state: its health and its metrics."""

from __future__ import annotations

import asyncio
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from reconciler.tenant.api.endpoint import Call, reply
from reconciler.tenant.problems import Refusal

READ_SECONDS: Final = 3.0  # in which a healthy file is read


async def check_health(call: Call) -> Response:
    """`GET /healthz`: 200 while the file can be read and the engine runs, else 503."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            await call.store.statistics.check_readable()
    except TimeoutError:
        raise Refusal("busy", "the storage does not answer", headers={"Retry-After": "5"}) from None
    if call.tenant.engine is not None and not call.tenant.engine.is_running:
        raise Refusal("not-running", headers={"Retry-After": "5"})
    return reply({"status": "ok"})


async def show_metrics(call: Call) -> Response:
    """`GET /metrics`: in Prometheus' text format."""
    now, telemetry = call.store.clock(), call.tenant.telemetry
    text = telemetry.write_metrics(
        await call.store.statistics.read_metrics(per_webhook=telemetry.per_webhook), now
    )
    return Response(
        text,
        200,
        {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Type": CONTENT_TYPE_LATEST,
        },
    )
