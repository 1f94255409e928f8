"""Many embedded tenants in one process, each in a file of its own, at /NUMBER/public-api/v1.

python -m tests.kubernetes.many_tenants FOLDER COUNT PORT TOKEN

`/counts` answers the number of listings, of pages and of writes so far.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.tenant.server.app import create_app
from reconciler.tenant.store.store import open_store


def serve(folder: Path, count: int, port: int, token: str) -> None:
    counts: Counter[str] = Counter()

    async def show_counts(_request: Request) -> JSONResponse:
        return JSONResponse(dict(counts))

    with ExitStack() as stack:
        sender = Sender(AddressPolicy())
        apps = [
            create_app(
                stack.enter_context(open_store(str(folder / f"{number}.db"))), sender,
                local_token=token, deliver=False,
            )
            for number in range(count)
        ]  # fmt: skip
        routes = [Mount(f"/{number}", app) for number, app in enumerate(apps)]
        inner = Starlette(routes=[Route("/counts", show_counts), *routes])

        async def count_requests(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["path"].endswith("/webhooks"):
                is_first = b"cursor=" not in scope["query_string"]
                counts["pages" if scope["method"] == "GET" else "writes"] += 1
                counts["listings"] += scope["method"] == "GET" and is_first
            elif scope["type"] == "http" and "/webhooks/" in scope["path"]:
                counts["writes"] += scope["method"] != "GET"
            await inner(scope, receive, send)

        uvicorn.run(count_requests, host="127.0.0.1", port=port, log_level="critical")


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
