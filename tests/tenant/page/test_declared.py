"""The manifest of a webhook on the page, and what a webhook that Git manages says of itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import run as run_command
from tests.support.receiver import SIGNING_KEY
from tests.tenant.harness import BEARER, EVENT, Tenant, tenant
from tests.tenant.page.visitor import Visitor, visitor

Story = Callable[[Tenant, Visitor], Awaitable[None]]
MARK = {
    "owner": "payments",
    "key": "payments-oncall",
    "sources": ["a/<b>.yaml", "c.yaml"],
    "revision": "4fd1c2e",
    "repository": "forge.example/acme/webhooks",
}
SECRET = "sesame-open-4711"
AUTHS: dict[str, dict[str, Any]] = {
    "none": {"type": "none"},
    "basic": {"type": "basic", "username": "null", "password": SECRET, "credential_version": "1"},
    "bearer": BEARER,
    "apiKey": {
        "type": "apiKey",
        "header": "X-API-TOKEN",
        "value": SECRET,
        "credential_version": "hmac-sha256:00",
    },
    "signature": {
        "type": "signature",
        "scheme": "standard",
        "secret": SIGNING_KEY,
        "credential_version": "3",
    },
}
HOSTILE = [
    "</code></pre><script>alert(1)</script>",
    "- a: b # c\\ \"' {{ 7*7 }} ${HOME}",
    "\u05d0\u05d1\u05d2 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\ufeff",
    "n" * 255,
    "null",
]


def on_page(folder: Path, story: Story) -> None:
    async def run() -> None:
        async with tenant(folder) as made, visitor(made) as me:
            await story(made, me)

    asyncio.run(run())


def test_hostile_names_of_every_authentication_pass_reconciler_validate(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()

    async def story(made: Tenant, me: Visitor) -> None:
        for number, name in enumerate(HOSTILE):
            for kind, auth in AUTHS.items():
                event = {"type": name, "version": "v0", "severity": name}
                mark = {**MARK, "key": f"key-{number}-{kind.lower()}"} if number % 2 else None
                full = f"{name[:250]} {kind[:4]}".strip()
                fields = {
                    "description": f"{name}\nline",
                    "events": [EVENT, event],
                    "protected": True,
                }
                one = await made.make(
                    full, auth=auth, managed_by=mark, enabled=number > 2, **fields
                )
                page = await me.get(f"/settings/webhooks/{one['id']}/manifest?raw=1")
                assert page.answer.headers["content-type"] == "text/plain; charset=utf-8"
                assert SECRET not in page.html
                assert SIGNING_KEY not in page.html
                (folder / f"{number}-{kind}.yaml").write_text(page.html, encoding="utf-8")

    on_page(tmp_path, story)
    for path in (
        folder.iterdir()
    ):  # each is a webhook of another repository: keys made from names may be equal
        done = run_command("validate", str(path), cwd=tmp_path)
        assert done.code == 0, done.out + done.err


@pytest.mark.parametrize("kind", AUTHS)
def test_the_page_shows_what_the_plain_text_has_and_the_variables_to_set(
    tmp_path: Path, kind: str
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("Payments on-call", auth=AUTHS[kind])
        path = f"/settings/webhooks/{one['id']}/manifest"
        page, raw = await me.get(path), await me.get(path + "?raw=1")
        assert " ".join(raw.html.split()) in page.text
        field = {
            "basic": "PASSWORD",
            "bearer": "TOKEN",
            "apiKey": "VALUE",
            "signature": "SECRET",
        }.get(kind)
        assert ("Secrets to set" in page.text) == (field is not None)
        if field:
            assert page.html.count(f"<code>WEBHOOK_PAYMENTS_ON_CALL_{field}</code>") == 1
            assert f"{{fromEnv: WEBHOOK_PAYMENTS_ON_CALL_{field}}}" in raw.html
        version = AUTHS[kind].get(
            "credential_version", "hmac-sha256:"
        )  # a computed one is made again at the next run
        assert (f'    version: "{version}"\n' in raw.html) == (
            not version.startswith("hmac-sha256:")
        )
        assert "reconciler reconcile --adopt" in page.text

    on_page(tmp_path, story)


def test_a_managed_webhook_says_owner_key_sources_and_revision_and_keeps_its_key(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", managed_by=MARK)
        path = f"/settings/webhooks/{one['id']}"
        for page in (await me.get(path), await me.get(f"{path}/delete")):
            for part in (
                "Managed by Git",
                "payments",
                "payments-oncall",
                "a/<b>.yaml",
                "c.yaml",
                "4fd1c2e",
            ):
                assert part in page.text
            assert f'href="{path}/manifest"' in page.html
            assert "next reconcile" in page.text
        manifest = await me.get(f"{path}/manifest")
        assert "name: payments-oncall" in manifest.text
        assert "--adopt" not in manifest.text

    on_page(tmp_path, story)


def test_a_webhook_that_is_not_managed_has_a_manifest_and_no_warning(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        page = await me.get(f"/settings/webhooks/{one['id']}")
        assert "Managed by Git" not in page.text
        assert f'href="/settings/webhooks/{one["id"]}/manifest"' in page.html
        assert (await me.get("/settings/webhooks/nothing/manifest")).status == 404

    on_page(tmp_path, story)


def test_a_name_without_latin_letters_gets_a_key_from_its_id(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("\u05d0\u05d1\u05d2")
        raw = await me.get(f"/settings/webhooks/{one['id']}/manifest?raw=1")
        assert f"name: webhook-{one['id'][:8]}\n" in raw.html
        assert json.dumps("\u05d0\u05d1\u05d2", ensure_ascii=False) in raw.html

    on_page(tmp_path, story)
