"""What hostile people type into a new webhook's form, and send past it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tenant.harness import Tenant
from tests.tenant.page.filled import CREATE, URL
from tests.tenant.page.visitor import Visitor, on_page, webhooks

HOSTILE = [
    "x" * 255,
    "<script>alert(1)</script>",
    "שלום",
    "🎉" * 20,
    "a\tb",
    "a\x00b",
    "a\u202eb",
    "{{ 7 * 7 }}",
    "' OR 1=1 --",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_shown_as_text_or_refused_at_its_field(tmp_path: Path, name: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.press(await me.get(CREATE), "next", name=name, url=URL)
        assert "<script>alert" not in page.html
        if page.status == 422:
            assert "control character" in page.error("name")
            return
        page = await me.press(page, "save")
        assert [item["name"] for item in await webhooks(made)] == [name]
        assert "<script>alert" not in page.html
        assert name in page.text

    on_page(tmp_path, story)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"name=%ED%A0%80", 400),
        (b"name=%FF", 400),
        (b"name=a&name=b", 400),
        (b"name=" + b"x" * 300_000, 413),
        (b"&".join(b"f%d=1" % n for n in range(5000)), 400),
        (b"auth=magic&name=a&url=https://a.example/", 422),
        (b"events=nonsense", 400),
        (b"events=[1]", 400),
        (b'events=[{"type":1,"version":"","severity":""}]', 400),
        (b'events=[{"type":"%5Cud800","version":"v0","severity":"x"}]', 422),
        (b'events=[{"type":"","version":"v0","severity":"x"}]&name=a&url=https://a.example/', 422),
        (b"events=" + b"[" * 5000, 400),
        (b"", 422),
        (b"action=remove&remove=x&name=a", 303),
        ("name=é".encode(), 400),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else str(value),
)
def test_what_no_browser_sends_is_refused_with_a_page(
    tmp_path: Path, body: bytes, status: int
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        token = (await me.get(CREATE)).form("next").fields["csrf"].encode()
        page = await me.post(CREATE, b"csrf=" + token + b"&" + body)
        assert page.status == status, page.text
        if status != 303:
            assert "<h1>" in page.html

    on_page(tmp_path, story)
