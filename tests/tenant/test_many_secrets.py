"""A thousand secrets through everything that takes one: the endpoint gets each, and no output
has a piece of any.
"""

from __future__ import annotations

import asyncio
import html
import json
import logging
import random
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_plus

import httpx
import pytest

from tests.tenant.harness import EVENT, Tenant, tenant
from tests.tenant.page.visitor import Visitor, visitor

COUNT, BY_PAGE, LANES = 1000, 40, 8
PIECE = 12  # characters; so many of a secret's start or end are taken for a leak
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
FIELD = {"basic": "password", "bearer": "token", "apiKey": "value"}
KINDS = tuple(FIELD)
USER, HEADER = "ann", "X-Api-Key"


def _secrets(seed: int) -> list[str]:
    """Printable ASCII of 12 to 255 characters, no space at either end."""
    rng = random.Random(seed)
    lengths = [12, 255, *(rng.randint(12, 255) for _ in range(COUNT - 2))]
    return [
        rng.choice(PRINTABLE[1:])
        + "".join(rng.choices(PRINTABLE, k=n - 2))
        + rng.choice(PRINTABLE[1:])
        for n in lengths
    ]


def _spellings(secret: str) -> Iterator[str]:
    """As it is, in JSON, in a form, in hexadecimal, and in base64 behind anything: of that what
    does not depend on the rest.
    """
    yield from (secret, json.dumps(secret)[1:-1], quote_plus(secret), secret.encode().hex())
    for before, depends in ((0, 0), (1, 2), (2, 3)):
        yield b64encode(bytes(before) + secret.encode()).decode().rstrip("=")[depends:-1]


def _pieces(secrets: Iterable[str]) -> set[str]:
    return {
        piece
        for secret in secrets
        for text in _spellings(secret)
        for piece in (text[:PIECE], text[-PIECE:])
    }


def _found(pieces: set[str], texts: Iterable[str]) -> list[str]:
    """Which pieces stand in these texts, whose lines are looked at once each."""
    lines = {line for text in texts for line in text.splitlines()}
    return [
        line[at : at + PIECE]
        for line in lines
        for at in range(len(line) - PIECE + 1)
        if line[at : at + PIECE] in pieces
    ]


@dataclass
class Echo:
    """An endpoint that fails and says everything again that it got: in reason, headers and body of
    its answer.
    """

    url: str = ""
    credentials: set[str] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        arrived = head + await reader.readexactly(int(lines[b"Content-Length"]))
        given = lines.get(b"Authorization") or lines[HEADER.encode()]
        self.credentials.add(given.decode())
        writer.write(
            b"HTTP/1.1 500 %b\r\nRetry-After: %b\r\nX-Echo: %b\r\nConnection: close\r\n\r\n"
            % (given, given, given)
        )
        writer.write(arrived)
        writer.close()


@asynccontextmanager
async def _echo() -> AsyncIterator[Echo]:
    made = Echo()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield made


def _credential(kind: str, secret: str) -> str:
    """The header's value in which the endpoint gets it."""
    basic = "Basic " + b64encode(f"{USER}:{secret}".encode()).decode()
    return {"basic": basic, "bearer": f"Bearer {secret}", "apiKey": secret}[kind]


def _auth(kind: str, secret: str) -> dict[str, str]:
    more = {"basic": {"username": USER}, "bearer": {}, "apiKey": {"header": HEADER}}[kind]
    return {"type": kind, FIELD[kind]: secret, **more}


async def _through_the_api(
    t: Tenant, name: str, url: str, kinds: list[str], secrets: list[str]
) -> None:
    """The first is created and tested, the second edited in, for an event, the third tested unsaved
    and refused in four ways.
    """
    stored, edited, refused = (
        _auth(kind, secret) for kind, secret in zip(kinds, secrets, strict=True)
    )
    webhook = await t.make(name, url=url, auth=stored, events=[EVENT])
    tested = await t.call("POST", f"/webhooks/{webhook['id']}/test", {})
    assert tested.json()["verdict"] == "receiver-error"
    assert (await t.patch(webhook, {"auth": edited})).status_code == 200
    unsaved = await t.call("POST", "/webhooks/test", {"webhook": {"url": url, "auth": refused}})
    assert unsaved.json()["verdict"] == "receiver-error"
    assert (await t.patch(webhook, {"auth": refused})).status_code == 412
    for wrong, status in (
        ({"name": name, "url": url}, 409),
        ({"name": "other", "url": "nowhere"}, 422),
        ({"auth_": 1}, 422),
    ):
        assert (await t.call("POST", "/webhooks", {**wrong, "auth": refused})).status_code == status


async def _in_turn(t: Tenant, url: str, lane: int, secrets: list[str]) -> None:
    """Every eighth three, so that not each has to wait for the disk alone."""
    for at in range(3 * lane, COUNT - BY_PAGE, 3 * LANES):
        kinds = [KINDS[(at // 3 + n) % 3] for n in range(3)]
        await _through_the_api(t, f"api-{at}", url, kinds, secrets[at : at + 3])


async def _through_the_page(
    t: Tenant, me: Visitor, name: str, url: str, kind: str, secrets: list[str]
) -> None:
    """The first is tested and created in two steps after an error, the second tested and saved over
    it.
    """
    typed = {"auth": kind, "url": url, "username": USER, "header": HEADER}
    page = await me.press(
        await me.get("/settings/webhooks/new"),
        "test",
        name="",
        **typed,
        **{FIELD[kind]: secrets[0]},
    )
    assert "status 500" in page.text
    page = await me.press(page, "next")
    assert page.status == 422
    page = await me.press(await me.press(page, "next", name=name), "save")
    assert page.path == "/settings/webhooks?said=created"
    [webhook] = (await t.call("GET", f"/webhooks?name={name}")).json()["items"]
    place = f"/settings/webhooks/{webhook['id']}"
    page = await me.press(await me.get(place), "test", **{FIELD[kind]: secrets[1]})
    assert "status 500" in page.text
    assert "The changes were saved." in (await me.press(page, "save")).text


async def _look_at_everything(t: Tenant, me: Visitor) -> None:
    """Every answer and page that shows webhooks, for some of them; the test collects what comes."""
    found = (await t.call("GET", "/webhooks?limit=500")).json()["items"]
    assert len(found) == (COUNT - BY_PAGE) // 3 + BY_PAGE // 2
    for webhook in found[::20]:
        for end in ("", "/deliveries", "/invocations"):
            assert (await t.call("GET", f"/webhooks/{webhook['id']}{end}")).status_code == 200
        for end in ("", "/deliveries", "/manifest", "/delete"):
            assert (await me.get(f"/settings/webhooks/{webhook['id']}{end}")).status == 200
    for place in ("/settings/webhooks", "/settings/events"):
        assert (await me.get(place)).status == 200
    assert "reconciler_attempts_total" in (await t.call("GET", "/metrics")).text


def _record(seen: list[str], client: httpx.AsyncClient) -> None:
    """From now on every answer's head and body stand in `seen`, also as a browser reads them."""

    async def keep(answer: httpx.Response) -> None:
        await answer.aread()
        seen.extend(
            ("\n".join(map(repr, answer.headers.items())), answer.text, html.unescape(answer.text))
        )

    client.event_hooks["response"].append(keep)


async def _story(folder: Path, seen: list[str], secrets: list[str]) -> set[str]:
    """Uses each secret; what the endpoint got."""
    async with (
        _echo() as endpoint,
        tenant(folder, tests_per_minute=10 * COUNT) as t,
        visitor(t) as me,
    ):
        _record(seen, t.http)
        await asyncio.gather(*(_in_turn(t, endpoint.url, lane, secrets) for lane in range(LANES)))
        for at in range(COUNT - BY_PAGE, COUNT, 2):
            await _through_the_page(
                t, me, f"page-{at}", endpoint.url, KINDS[at % 3], secrets[at : at + 2]
            )
        accepted = await t.call("POST", "/events", {**EVENT, "event": {}})
        assert accepted.json()["deliveries"] == (COUNT - BY_PAGE) // 3
        await t.engine.wait_until_idle()
        await _look_at_everything(t, me)
        files = {
            path.name: path.read_bytes().decode("latin-1") for path in folder.glob("tenant.db*")
        }
        assert {"tenant.db", "tenant.db-wal"} <= set(files)
        seen.extend(files.values())
        return endpoint.credentials


class _Lines(logging.Handler):
    """Keeps every line of the package, from DEBUG up, with all that a formatter may put into it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()}\n{vars(record)!r}")


@contextmanager
def _logged() -> Iterator[list[str]]:
    logger, handler = logging.getLogger("reconciler"), _Lines()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


@pytest.mark.long
def test_a_thousand_secrets_reach_the_endpoint_and_stand_nowhere_else(tmp_path: Path) -> None:
    seen: list[str] = []
    secrets = _secrets(4)
    with _logged() as lines:
        got = asyncio.run(_story(tmp_path, seen, secrets))
    assert [sum(_credential(kind, secret) in got for kind in KINDS) for secret in secrets] == [
        1
    ] * COUNT
    shown = set(_found(_pieces(secrets), got))
    assert [
        secret for secret in secrets if not shown & _pieces([secret])
    ] == []  # so the search finds what is there
    assert sum("api-0" in line for line in lines) == 2  # the test of what is stored, and the event
    assert _found(_pieces(secrets), [*seen, *lines]) == []
