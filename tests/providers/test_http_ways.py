"""Ways to a tenant: TLS that does not hold is said so, at once; an application in process needs no
socket; a request cut off.
"""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reconciler.core.errors import TenantFault, Unreachable
from tests.providers.builders import Asked, Reply, Sleeps, client, problem, serving


def test_a_certificate_that_is_not_trusted_is_said_so_at_once() -> None:
    async def run() -> None:

        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)

        async def connection(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(connection, "127.0.0.1", 0, ssl=context)
        sleeps = Sleeps()
        async with (
            server,
            client(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", sleeps) as http,
        ):
            with pytest.raises(Unreachable, match="its TLS certificate is not trusted"):
                await http.request("GET", "/webhooks", idempotent=True)
        assert sleeps == []

    asyncio.run(run())


def test_https_to_a_server_that_speaks_plain_http_is_said_so() -> None:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(connection, "127.0.0.1", 0)
        async with (
            server,
            client(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=5) as http,
        ):
            with pytest.raises(Unreachable, match="the TLS handshake failed"):
                await http.request("GET", "/webhooks", idempotent=True)

    asyncio.run(run())


def test_an_application_in_process_is_spoken_to_without_a_socket() -> None:
    async def whoami(request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "path": request.url.path,
                "token": request.headers["authorization"].startswith("Bearer "),
            }
        )

    async def broken(_request: Request) -> JSONResponse:
        raise RuntimeError("a defect of the tenant")

    async def run() -> None:
        app = Starlette(
            routes=[
                Route("/public-api/v1/webhooks", whoami),
                Route("/public-api/v1/broken", broken),
            ]
        )
        async with client("http://tenant.invalid/public-api/v1", app=app, tries=2) as http:
            answer = await http.request("GET", "/webhooks", idempotent=True)
            assert answer.body == {"path": "/public-api/v1/webhooks", "token": True}
            with pytest.raises(TenantFault, match="the tenant answered 500"):
                await http.request("GET", "/broken", idempotent=True)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "cause"), [([], type(None)), ([problem(500, "fault")], TenantFault)]
)
def test_a_request_that_is_cut_off_reports_the_earlier_answer_of_the_tenant_if_any(
    said: list[Reply], cause: type
) -> None:
    async def run() -> None:
        asked, left = asyncio.Event(), list(said)

        def answer(_asked: Asked) -> Reply:
            if left:
                return left.pop()
            asked.set()
            return Reply(raw=b"HTTP/1.1", again=b" ")  # without an end

        async with serving(answer) as server, client(server.url) as http:
            asking = asyncio.ensure_future(http.request("GET", "/webhooks", idempotent=True))
            await asked.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError) as cut:
                await asking
            assert type(cut.value.__cause__) is cause

    asyncio.run(run())
