"""How the tenant is: whether it works, and its metrics. Handlers of `app.py`."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from reconciler.tenant.api.endpoint import Call, reply
from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.rows import webhook_metrics
from reconciler.tenant.store.rows.totals import check_readable, totals
from reconciler.tenant.telemetry import Facts

READ_SECONDS: Final = 3.0  # in which a healthy file is read


async def health(call: Call) -> Response:
    """`GET /healthz`: 200 while the file can be read and the engine runs, else 503."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            await call.store.read(check_readable)
    except TimeoutError:
        raise Refusal("busy", "the storage does not answer", headers={"Retry-After": "5"}) from None
    if call.tenant.engine is not None and not call.tenant.engine.running:
        raise Refusal("not-running", headers={"Retry-After": "5"})
    return reply({"status": "ok"})


def _size(path: str) -> int:
    total = 0
    for name in (path, path + "-wal"):
        with suppress(OSError):
            total += Path(name).stat().st_size
    return total


async def metrics(call: Call) -> Response:
    """`GET /metrics`: in Prometheus' text format."""
    now, path, each = call.store.clock(), call.store.path, call.tenant.telemetry.webhooks

    def run(connection: sqlite3.Connection) -> Facts:
        found = totals(connection)
        if each is not None:
            each.webhooks, each.count = webhook_metrics.read(connection)
        age = 0.0 if found.oldest is None else max(0.0, now - found.oldest)
        return Facts(found.pending, age, found.enabled, found.webhooks - found.enabled, _size(path))

    text = call.tenant.telemetry.exposition(await call.store.read(run))
    return Response(
        text,
        200,
        {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Type": CONTENT_TYPE_LATEST,
        },
    )
