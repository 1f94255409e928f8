"""What the tests of each product with a product file do with the product's own server."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support.product_repository import ProductRepository

HEAD = "apiVersion: webhooks.reconciler/v1\nkind: "


class Server:
    """A product's server with a place for webhooks: `path` lists them, `field` has them if the
    answer is an object. `target` is that of a Tenant.
    """

    def __init__(
        self, product: str, url: str, token: str, path: str, target: dict[str, str]
    ) -> None:
        self.product, self.url, self.token, self.path = product, url, token, path
        self.target, self.field = target, ""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Token {self.token}"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        path: str | None = self.path
        while path:
            answer = self.call("GET", path)
            found += answer[self.field] if self.field else answer
            path = answer["next"] if self.field else None
            path = path.removeprefix(self.url) if path else None
        return found

    def edit(self, ident: object, body: dict[str, Any]) -> None:
        self.call("PATCH", f"{self.path.partition('?')[0]}{ident}/", body)

    def remove_all(self) -> None:
        for webhook in self.list():
            self.call("DELETE", f"{self.path.partition('?')[0]}{webhook['id']}/")

    def make_repository(self, folder: Path, event: str) -> ProductRepository:
        tenant = (
            f"{HEAD}Tenant\nmetadata: {{name: here}}\nspec:\n  provider: http\n"
            f"  product: {self.product}\n  url: {self.url}\n  token: {{fromEnv: PRODUCT_TOKEN}}\n"
            f"  owner: payments\n  target: {json.dumps(self.target)}\n"
        )
        webhook = HEAD + (
            "Webhook\nmetadata: {{name: {name}}}\nspec:\n  url: {url}\n"
            f"  events: [{{{{type: {event}}}}}]\n"
        )
        env = {"PRODUCT_TOKEN": self.token}
        return ProductRepository(folder, tenant, webhook, env, (self.token,))


def check_sixty(
    server: Server, repository: ProductRepository, url: str, by_hand: dict[str, Any]
) -> None:
    """Creates 60, plans again, and deletes one by its manifest; `url` is the url's field. One that
    a person made, of that body, stays.
    """
    server.call("POST", server.path.partition("?")[0], by_hand)
    [unmanaged] = server.list()
    for number in range(60):
        repository.write(f"hook-{number:02}")
    repository.reconcile()
    assert len(server.list()) == 61
    (repository.folder / "hook-07.yaml").unlink()
    repository.reconcile()
    left = server.list()
    assert {item[url].rpartition("/")[2] for item in left if item["id"] != unmanaged["id"]} == {
        f"hook-{number:02}" for number in range(60) if number != 7
    }
    assert unmanaged in left


def check_edit_by_hand(
    server: Server, repository: ProductRepository, edit: dict[str, Any], field: str
) -> None:
    """An edit by hand is drift, and the next run repairs it. `{}` in a text is the text before."""
    repository.write("oncall")
    repository.reconcile()
    [before] = server.list()
    texts = {name: text for name, text in edit.items() if isinstance(text, str)}
    edit |= {name: text.format(before[name]) for name, text in texts.items()}
    server.edit(before["id"], edit)
    drift = repository.run("drift", "-o", "json")
    assert drift.code == 7, drift.out + drift.err
    assert field in drift.out
    repository.reconcile()
    [after] = server.list()
    assert {name: after[name] for name in edit} == {name: before[name] for name in edit}


def check_rename(server: Server, repository: ProductRepository) -> None:
    """A new key with the old one under `previously` keeps the webhook."""
    repository.write("before", "https://hooks.example.com/one")
    repository.reconcile()
    [before] = server.list()
    (repository.folder / "before.yaml").unlink()
    more = "  previously: [before]\n"
    repository.write("after", "https://hooks.example.com/two", more=more)
    repository.reconcile()
    [after] = server.list()
    assert after["id"] == before["id"]


def check_two_runs(server: Server, repository: ProductRepository) -> None:
    """Two runs of one owner at once: a change is made once, a delete too, and nothing else moves."""
    for number in range(4):
        repository.write(f"hook-{number}")
    repository.reconcile()
    before = {item["id"] for item in server.list()}
    (repository.folder / "hook-3.yaml").unlink()
    repository.write("hook-2", "https://hooks.example.com/moved")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: repository.run("reconcile", "--yes"), range(2)))
    repository.reconcile()
    after = {item["id"]: str(item) for item in server.list()}
    assert len(after.keys() & before) == len(after) == 3
    assert "hooks.example.com/moved" in str(after)
    assert "hooks.example.com/hook-3" not in str(after)


def check_wrong_token(repository: ProductRepository) -> None:
    repository.env["PRODUCT_TOKEN"] = "wrong-token-0123456789"
    refused = repository.run("plan")
    assert refused.code == 3, refused.err
    assert "PRODUCT_TOKEN" in refused.err
