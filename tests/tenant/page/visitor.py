"""Somebody who is signed in, as a browser without scripts: it follows what the page says, form by
form, and fills them in.

    async with visitor(made) as me:
        page = await me.get("/settings/webhooks/new")
        page = await me.press(page, "next", name="one", url="https://…")

`press` sends every control of the form that holds the button, as HTML says, with what is given
typed over it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx

from reconciler.tenant.store.rows import sessions
from tests.support.database import database_of
from tests.tenant.harness import Tenant, tenant

BLOCKS = {"h1", "h2", "p", "div", "dt", "dd", "li", "tr", "th", "td"}
ORIGIN = "http://tenant.test"


@dataclass
class Form:
    """One form: address, controls by name, and its buttons as (name, value, text)."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.select = self.textarea = ""
        self.button: tuple[str, str] | None = None
        self.words: list[str] = []
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in BLOCKS:
            self.said += " "
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        if not self.forms:
            return
        name, fields = given.get("name", ""), self.forms[-1].fields
        if tag == "input" and name:
            box = given.get("type") in {"radio", "checkbox"}
            if not box or "checked" in given:
                fields[name] = given.get("value", "on" if box else "")
        elif tag == "select":
            self.select = name
        elif tag == "option" and ("selected" in given or self.select not in fields):
            fields[self.select] = given.get("value", "")
        elif tag == "textarea":
            self.textarea, fields[name] = name, ""
        elif tag == "button":
            self.button, self.words = (name, given.get("value", "")), []

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            fields = self.forms[-1].fields
            fields[self.textarea] = fields[self.textarea].removeprefix("\n").replace("\n", "\r\n")
            self.textarea = ""
        elif tag == "button" and self.button is not None and self.forms:
            self.forms[-1].buttons.append((*self.button, " ".join("".join(self.words).split())))
            self.button = None

    def handle_data(self, data: str) -> None:
        self.said += data
        if self.textarea:
            self.forms[-1].fields[self.textarea] += data
        if self.button is not None:
            self.words.append(data)


@dataclass
class Page:
    """An answer as somebody sees it."""

    answer: httpx.Response

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def path(self) -> str:
        """Where it was found, with its query."""
        return self.answer.request.url.raw_path.decode()

    @property
    def html(self) -> str:
        return self.answer.text

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.html)
        return reader

    @property
    def text(self) -> str:
        """Its words, spaces made one."""
        return " ".join(self._read().said.split())

    def form(self, button: str) -> Form:
        """The form that has a button of this value or text."""
        [found] = [
            form
            for form in self._read().forms
            if any(
                button in (value, text) or text.startswith(button)
                for _, value, text in form.buttons
            )
        ]
        return found

    def error(self, name: str) -> str:
        """What stands beside a field; checks that the field says so too, and that the summary links
        to it.
        """
        found = re.search(rf'<p class="error" id="{name}-error">(.*?)</p>', self.html, re.DOTALL)
        assert found, f"no error at {name}: {self.text[:2000]}"
        assert f'<a href="#{name}">' in self.html
        if name not in {"auth", "events", "test"}:
            assert re.search(
                rf'id="{name}" name="{name}" aria-describedby="[^"]*{name}-error"[^>]* aria-invalid="true"',
                self.html,
            )
        return re.sub("<[^>]+>", "", found[1]).removeprefix("Error: ")


class Visitor:
    """A session of its own; `get` and `press` follow redirects."""

    def __init__(self, tenant: Tenant, cookie: str, link: str) -> None:
        self.tenant = tenant
        self._headers = {"Cookie": f"reconciler_session={cookie}"}
        self.link = link

    async def get(self, path: str) -> Page:
        return await self._followed(
            await self.tenant.http.get(ORIGIN + path, headers=self._headers)
        )

    async def _followed(self, answer: httpx.Response) -> Page:
        """As browsers do; httpx itself would forget the cookie, which is this visitor's own and in
        no jar.
        """
        while answer.status_code == 303:
            answer = await self.tenant.http.get(
                ORIGIN + answer.headers["location"], headers=self._headers
            )
        return Page(answer)

    async def post(
        self, path: str, data: dict[str, Any] | bytes, *, follow: bool = False, **headers: str
    ) -> Page:
        given = {
            **self._headers,
            "Origin": ORIGIN,
            "Content-Type": "application/x-www-form-urlencoded",
            **headers,
        }
        body: dict[str, Any] = {"content": data} if isinstance(data, bytes) else {"data": data}
        answer = await self.tenant.http.post(ORIGIN + path, headers=given, **body)
        return await self._followed(answer) if follow else Page(answer)

    async def press(self, page: Page, button: str, *, follow: bool = True, **typed: str) -> Page:
        """Fills in the form that has this button, and presses it; what a field of `None` names is
        not sent.
        """
        form = page.form(button)
        name, value, _ = next(b for b in form.buttons if button in b[1:] or b[2].startswith(button))
        fields = {**form.fields, **typed, **({name: value} if name else {})}
        return await self.post(form.action or page.path, fields, follow=follow)


@asynccontextmanager
async def visitor(tenant: Tenant) -> AsyncIterator[Visitor]:
    """Signs somebody in by the link, as a person does."""
    link = await database_of(tenant.store).write(lambda c: sessions.create_link(c, tenant.clock()))
    where = f"{ORIGIN}/sign-in?link={link}"
    answer = await tenant.http.post(
        where,
        headers={"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"},
        content=b"",
    )
    assert answer.status_code == 303, answer.text
    cookie = answer.cookies["reconciler_session"]
    tenant.http.cookies.clear()
    yield Visitor(tenant, cookie, link)


Story = Callable[[Tenant, Visitor], Awaitable[None]]


def on_page(folder: Path, story: Story, **options: Any) -> None:
    """One story of somebody who is signed in."""

    async def run() -> None:
        async with tenant(folder, **options) as made, visitor(made) as me:
            await story(made, me)

    asyncio.run(run())


async def webhooks(made: Tenant) -> list[dict[str, Any]]:
    return list((await made.call("GET", "/webhooks")).json()["items"])


def dump(made: Tenant) -> str:
    """Every byte of the file and its log, as text."""
    return "".join(
        path.read_bytes().decode("latin-1")
        for path in Path(made.store.path).parent.glob("tenant.db*")
    )
