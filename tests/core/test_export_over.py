"""An export over manifests that the tenant has moved away from, whatever their layout: the plan is
then empty.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import Live, ManagedBy, Subscription, Webhook
from reconciler.providers.memory import MemoryProvider
from tests.support.exporting import export_into, plan_after

TYPES = [
    "elastio:recovery-point:create:started",
    "elastio:recovery-point:create:failed",
    "own:type",
    "plain",
]
TEXTS = [
    "",
    "About it",
    "two\nlines",
    "a: b # c",
    "null",
    "'quoted' \"both\"",
    "é ☃",
    "ends with newline\n",
    "- dash",
    "{brace",
]


class Values:
    """Random values of one seed, and manifests in random layouts."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def some(self, items: list[Any], most: int) -> list[Any]:
        return self.dice.sample(items, self.dice.randint(0, min(most, len(items))))

    def events(self) -> frozenset[Subscription]:
        every = [
            Subscription(kind, version, level)
            for kind in TYPES
            for version in ("v0", "1")
            for level in ("info", "warning", "on")
        ]
        return frozenset(self.some(every, 6))

    def auth(self) -> Auth:
        credential = Withheld(
            self.dice.choice([None, "1", "two: 2", "hmac-sha256:0123456789abcdef0123456789abcdef"])
        )
        made: list[Auth] = [
            NoAuth(),
            BearerAuth(credential),
            BasicAuth(Secret(self.dice.choice(["bob", "null", "a#b"])), credential),
        ]
        return self.dice.choice(
            [*made, ApiKeyAuth(self.dice.choice(["X-Key", "X-Other", "null"]), credential)]
        )

    def spec(self, name: str) -> Webhook:
        url = hidden_url(
            self.dice.choice(
                ["https://a.example/1", "https://b.example/x?y=%20z", "http://127.0.0.1:80/"]
            )
        )
        enabled = self.dice.random() < 0.7
        return Webhook(name, url, self.dice.choice(TEXTS), enabled, self.auth(), self.events())

    def live(self, number: int) -> Live:
        mark = ManagedBy("payments", f"hook-{number}", ("old.yaml",))
        return Live(
            self.spec(f"Hook {number}"), f"id-{number}", "r1", mark, self.dice.random() < 0.3
        )

    def moved(self, live: Live) -> Live:
        """Some of its fields edited by hand."""
        other = self.spec(f"{live.spec.name} {self.dice.choice(['new', ': x', 'é'])}")
        fields = self.some(["name", "url", "description", "enabled", "auth", "subscriptions"], 6)
        spec = replace(live.spec, **{field: getattr(other, field) for field in fields})
        if (
            "subscriptions" in fields and self.dice.random() < 0.7
        ):  # mostly one more or less, or another severity
            held = set(live.spec.subscriptions)
            for one in self.some(sorted(held, key=lambda item: item.sort_key), 2):
                held.discard(one)
                if self.dice.random() < 0.6:
                    held.add(
                        replace(
                            one,
                            severity=self.dice.choice(["info", "critical"]),
                            version=self.dice.choice(["v0", "v1"]),
                        )
                    )
            spec = replace(spec, subscriptions=frozenset(held))
        return replace(live, spec=spec, protected=self.dice.random() < 0.3)


class Layout(Values):
    """Webhooks as somebody may have written them."""

    def files(self, held: list[Live]) -> dict[str, str]:
        documents = [self.document(live) for live in held]
        for document in list(documents):
            documents += self.split(document)
        if self.dice.random() < 0.3:
            return {
                f"{number}.json": json.dumps(document, indent=self.dice.choice([None, 2]))
                for number, document in enumerate(documents)
            }
        texts = [self.text(document) for document in documents]
        if self.dice.random() < 0.5:
            return {f"{number}.yaml": text for number, text in enumerate(texts)}
        return {"all.yaml": self.dice.choice(["---\n", "--- # next\n# it\n"]).join(texts)}

    def document(self, live: Live) -> dict[str, Any]:
        spec, key = live.spec, live.managed_by.key if live.managed_by else ""
        made: dict[str, Any] = {
            "name": spec.name,
            "url": spec.url.reveal() if isinstance(spec.url, Secret) else spec.url,
        }
        made["description"] = spec.description
        if spec.enabled is False or self.dice.random() < 0.5:
            made["enabled"] = spec.enabled
        if self.dice.random() < 0.5:
            made["protected"] = live.protected
        made["auth"] = self.auth_of(spec.auth)
        groups: dict[tuple[str, str | None], list[str | None]] = {}
        for one in sorted(spec.subscriptions, key=lambda item: item.sort_key):
            spread = self.dice.random() if self.dice.random() < 0.4 else 0
            groups.setdefault((f"{one.type}|{spread}", one.version), []).append(one.severity)
        made["events"] = [
            {
                "type": kind.split("|")[0],
                "version": version,
                "severity": levels if len(levels) > 1 else self.dice.choice([levels, levels[0]]),
            }
            for (kind, version), levels in groups.items()
        ]
        made = dict(self.some(list(made.items()), 9) or made.items()) | {
            "url": made["url"],
            "name": made["name"],
            "events": made["events"],
        }
        if not made["events"] and self.dice.random() < 0.8:
            del made["events"]
        return {
            "apiVersion": "webhooks.reconciler/v1",
            "kind": "Webhook",
            "metadata": {"name": key},
            "spec": made,
        }

    def auth_of(self, auth: Auth) -> dict[str, Any]:
        match auth:
            case BasicAuth(username, credential):
                made = {
                    "type": "basic",
                    "username": username.reveal() if isinstance(username, Secret) else username,
                }
                made["password"] = {"fromEnv": "P"}
            case BearerAuth(credential):
                made = {"type": "bearer", "token": {"fromEnv": "T"}}
            case ApiKeyAuth(header, credential):
                made = {"type": "apiKey", "header": header, "value": {"fromEnv": "V"}}
            case NoAuth():
                return {"type": "none"}
        return made | ({"version": credential.version} if credential.version else {})

    def split(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """Some of its events as an EventSubscription."""
        events = document["spec"].get("events", [])
        if not events or self.dice.random() < 0.5:
            return []
        at = self.dice.randint(1, len(events))
        name = document["metadata"]["name"]
        document["spec"]["events"] = events[:-at] or None
        if not document["spec"]["events"]:
            del document["spec"]["events"]
        spec = {"webhook": name, "events": events[-at:]}
        return [
            {
                **document,
                "kind": "EventSubscription",
                "metadata": {"name": f"{name}-more"},
                "spec": spec,
            }
        ]

    def text(self, value: Any, column: int = 0) -> str:
        """A document in block style, what lies deeper in any."""
        self.anchors: dict[str, str] = {}
        lines = []
        for key, held in value.items():
            lines += self.pair(key, held, column)
        return "".join(f"{line}\n" for line in lines)

    def pair(self, key: str, held: Any, column: int) -> list[str]:
        comment = self.dice.choice(["", "  # why", ""])
        indent, deeper = " " * column, column + self.dice.choice([2, 4])
        plain = not isinstance(held, dict | list) or not held or self.dice.random() < 0.4
        if plain and isinstance(held, str) and "\n" in held and held.endswith("s"):
            return [f"{indent}{key}: |-", *(f"{indent}   {line}" for line in held.split("\n"))]
        if plain:
            return [f"{indent}{key}: {self.inline(held)}{comment}"]
        if isinstance(held, dict):
            return [
                f"{indent}{key}:{comment}",
                *(line for name, one in held.items() for line in self.pair(name, one, deeper)),
            ]
        deeper = column + self.dice.choice([0, 2])
        return [
            f"{indent}{key}:{comment}",
            *(line for one in held for line in self.item(one, deeper)),
        ]

    def item(self, held: Any, column: int) -> list[str]:
        indent, comment = " " * column, self.dice.choice(["", "  # item"])
        if not isinstance(held, dict) or self.dice.random() < 0.5:
            return [f"{indent}- {self.inline(held)}{comment}"]
        first, *rest = [
            line for name, one in held.items() for line in self.pair(name, one, column + 2)
        ]
        return (
            [f"{indent}- {first.strip()}", *rest]
            if self.dice.random() < 0.9
            else [f"{indent}-{comment}", first, *rest]
        )

    def inline(self, held: Any) -> str:
        if isinstance(held, dict):
            return (
                "{"
                + self.dice.choice([", ", ",  "]).join(
                    f"{key}: {self.inline(one)}" for key, one in held.items()
                )
                + "}"
            )
        if isinstance(held, list):
            return "[" + ", ".join(map(self.inline, held)) + "]"
        if held not in {"v0", "1", "info", "warning", "on"} or self.dice.random() < 0.6:
            return self.scalar(held)
        if held in self.anchors:  # what a document says twice is an alias now and then
            return f"*{self.anchors[held]} "
        self.anchors[held] = f"a{len(self.anchors)}"
        return f"&{self.anchors[held]} {self.scalar(held)}"

    def scalar(self, held: Any) -> str:
        if (
            isinstance(held, str)
            and "\n" not in held
            and "'" not in held
            and self.dice.random() < 0.5
        ):
            return f"'{held}'"
        return json.dumps(held, ensure_ascii=False)


@pytest.mark.parametrize("start", range(0, 200, 20))
def test_after_an_export_over_older_manifests_and_adopt_the_plan_is_empty_for_200_random_tenants(
    tmp_path: Path, start: int
) -> None:
    for seed in range(start, start + 20):
        made = Layout(seed)
        held = [made.live(number) for number in range(made.dice.randint(1, 6))]
        folder = tmp_path / str(seed)
        folder.mkdir()
        for name, text in made.files(held).items():
            (folder / name).write_bytes(
                text.replace("\n", made.dice.choice(["\n", "\r\n"])).encode()
            )
        tenant = MemoryProvider(
            [made.moved(live) if made.dice.random() < 0.8 else live for live in held]
        )
        warnings = export_into(folder, tenant)
        after = plan_after(folder, tenant)
        assert (after.pending, after.violations) == ((), ()), (seed, warnings)
        written = {path: path.read_bytes() for path in folder.iterdir()}
        export_into(folder, tenant)
        assert {path: path.read_bytes() for path in folder.iterdir()} == written
