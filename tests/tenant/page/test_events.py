"""The events page: the catalogue by group, what of it is not public, and which webhooks receive
what.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path

from reconciler.core.model.catalogue import CATALOGUE
from reconciler.tenant.page.views import events
from reconciler.tenant.store.values.receivers import SHOWN
from tests.tenant.harness import EVENT, Tenant, tenant
from tests.tenant.page.visitor import Visitor, visitor

Story = Callable[[Tenant, Visitor], Awaitable[None]]
PAGE = "/settings/events"
UNHEALTHY = "elastio:recovery-point:iscan:unhealthy"


def on_page(folder: Path, story: Story) -> None:
    async def run() -> None:
        async with tenant(folder) as made, visitor(made) as me:
            await story(made, me)

    asyncio.run(run())


def part(html: str, kind: str) -> str:
    """The section of one type of event."""
    return html.partition(f'aria-label="{kind}"')[2].partition("</section>")[0]


def test_every_event_of_the_catalogue_stands_in_one_group() -> None:
    shown = [row.type for group in events.make_groups({}) for row in group.rows]
    assert sorted(shown) == sorted(event.type for event in CATALOGUE)


def test_what_is_public_is_shown_and_what_is_not_is_said(tmp_path: Path) -> None:
    async def story(_made: Tenant, me: Visitor) -> None:
        page = await me.get(PAGE)
        started, unhealthy = part(page.html, EVENT["type"]), unescape(part(page.html, UNHEALTHY))
        assert "The creation of a recovery point has begun." in started
        assert "Versions: v0. Severities: not recorded." in started
        assert "&#34;backup_policy_name&#34;: &#34;test1&#34;" in started
        assert "No description is public." in unhealthy
        assert "Versions: not recorded." in unhealthy
        assert "Known only from Elastio's public sample code" in unhealthy
        assert "No example of its payload is public." in unhealthy
        assert "Group not recorded" in page.text
        assert "other groups and events exist" in page.text
        assert "info, warning, critical are this project's own" in page.text

    on_page(tmp_path, story)


def test_each_event_names_the_webhooks_that_receive_it(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", events=[EVENT, {**EVENT, "severity": "critical"}])
        off = await made.make("off", events=[EVENT], enabled=False)
        page = await me.get(PAGE)
        started = part(page.html, EVENT["type"])
        assert "2 webhooks receive it, 1 enabled" in started
        assert f'<a href="/settings/webhooks/{one["id"]}"><bdi>one</bdi></a>' in started
        assert "<bdi>v0</bdi> <bdi>critical</bdi>, <bdi>v0</bdi> <bdi>info</bdi>" in started
        assert f'href="/settings/webhooks/{off["id"]}"' in started
        assert "No webhook receives it." in part(page.html, UNHEALTHY)
        unreceived = page.html.partition('id="unreceived"')[2].partition("</section>")[0]
        assert UNHEALTHY in unreceived
        assert EVENT["type"] not in unreceived

    on_page(tmp_path, story)


def test_an_event_that_only_disabled_webhooks_receive_is_received_by_no_webhook(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        await made.make("off", events=[EVENT], enabled=False)
        unreceived = (
            (await me.get(PAGE)).html.partition('id="unreceived"')[2].partition("</section>")[0]
        )
        assert EVENT["type"] in unreceived

    on_page(tmp_path, story)


def test_what_the_catalogue_does_not_know_is_listed_and_escaped(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        hostile = '"><script>alert(1)</script>'
        await made.make(
            hostile, events=[{"type": hostile, "version": hostile, "severity": hostile}]
        )
        page = await me.get(PAGE)
        assert "Received, but not in the catalogue" in page.text
        assert hostile in page.text
        assert "<script>alert" not in page.html

    on_page(tmp_path, story)


def test_of_many_webhooks_the_first_by_name_are_listed_and_all_counted(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        for number in range(SHOWN + 3):
            await made.make(f"{'Aa'[number % 2]}-{number:03}", events=[EVENT])
        started = part((await me.get(PAGE)).html, EVENT["type"])
        assert f"{SHOWN + 3} webhooks receive it" in started
        assert f"The first {SHOWN} by name." in started
        names = re.findall(r'<a href="[^"]*"><bdi>(.*?)</bdi>', started)
        assert (
            names
            == sorted((f"{'Aa'[n % 2]}-{n:03}" for n in range(SHOWN + 3)), key=str.casefold)[:SHOWN]
        )

    on_page(tmp_path, story)
