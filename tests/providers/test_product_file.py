"""Product files: the checks of the kit over a product that one describes, every way of a listing,
every form of a field, and what a file can say wrong.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.core.errors import BadAnswer, Unauthorized
from reconciler.core.model.product import make_product
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Live, Subscription
from reconciler.manifests.yaml.document import File
from reconciler.manifests.yaml.reader import read_documents
from reconciler.providers.conformance import Samples, conformance
from reconciler.providers.http.client import Client
from reconciler.providers.product_file.plugin import ProductFile
from tests.providers.test_conformance import empty_pigeon
from tests.stand_ins.rest import TOKEN, Rest, open_rest
from tests.support.product_repository import ProductRepository
from tests.support.receiver import Receiver

PIGEON = Path(__file__).parent / "products" / "pigeon.yaml"


BIRDS = Samples(
    (Subscription("bird.landed", None, None), Subscription("bird.lost", None, None)),
    options={"urgent": True, "tags": ["a", "b"]},
)


SPEC = """
authorization: {prefix: "Token "}
errors: /detail
list: {get: /hooks, items: /items}
create: {post: /hooks}
update: {patch: "/hooks/{id}"}
delete: {delete: "/hooks/{id}"}
id: /id
fields: {name: /name, url: /config/url, enabled: /active, events: {at: /events}}
mark: /headers/X-Managed-By
"""


WAYS: dict[str, dict[str, Any] | None] = {
    "all": None,
    "link": {"link": True},
    "next": {"next": "/next"},
    "number": {"number": "page", "size": "size", "count": 3},
    "offset": {"offset": "start", "size": "size", "count": 3},
    "cursor": {"cursor": "start", "at": "/next"},
}


def read_product(path: Path) -> ProductFile:
    documents, problems = read_documents(File(path.name), path.read_bytes())
    assert not problems
    return ProductFile(make_product(path.stem, documents[0].value["spec"]))


def make_spec(**parts: Any) -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load(SPEC) | parts
    return {name: part for name, part in spec.items() if part is not None}


def list_all(server: Rest, spec: dict[str, Any], token: str = TOKEN) -> tuple[Live, ...]:
    plugin = ProductFile(make_product("rest", spec))

    async def run() -> tuple[Live, ...]:
        async with Client(server.url, Secret(token), dialect=plugin.dialect) as http:
            return await plugin.provider(http, {}).list()

    return asyncio.run(run())


def write_manifests(folder: Path, server: Rest, spec: dict[str, Any]) -> ProductRepository:
    head = "apiVersion: webhooks.reconciler/v1\nkind: "
    tenant = (
        f"{head}Tenant\nmetadata: {{name: here}}\nspec:\n  provider: http\n  product: rest\n"
        f"  url: {server.url}\n  token: {{fromEnv: REST_TOKEN}}\n  owner: payments\n"
    )
    webhook = head + (
        "Webhook\nmetadata: {{name: {name}}}\nspec:\n  url: {url}\n  enabled: true\n"
        "  events: [{{type: a}}]\n"
    )
    repository = ProductRepository(folder, tenant, webhook, {"REST_TOKEN": TOKEN}, (TOKEN,))
    product = {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": "Product",
        "metadata": {"name": "rest"},
        "spec": spec,
    }
    repository.write_text("product", yaml.safe_dump(product))
    return repository


test_a_product_file = conformance(read_product(PIGEON), empty_pigeon, BIRDS)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_a_listing_finds_every_webhook(way: str, tmp_path: Path) -> None:
    page = {} if WAYS[way] is None else {"page": WAYS[way]}
    spec = make_spec(list={"get": "/hooks", "items": "/items", **page})
    with open_rest(way) as server:
        repository = write_manifests(tmp_path, server, spec)
        for number in range(8):
            repository.write(f"hook-{number}")
        repository.reconcile()
        assert len(list_all(server, spec)) == 8
        (tmp_path / "hook-3.yaml").unlink()
        repository.reconcile()
        assert sorted(hook["name"] for hook in server.hooks.values()) == [
            f"hook-{number}" for number in range(8) if number != 3
        ]


FORMS = {
    "names": ({"at": "/events"}, {"events": ["a", "b"]}),
    "objects": (
        {"at": "/on", "parts": ["kind", "verb"]},
        {"on": [{"kind": "a", "verb": "b.c"}, {"kind": "d", "verb": "e"}]},
    ),
    "flags": ({"flags": {"a": "/push", "b": "/tag"}}, {"push": True, "tag": False}),
    "all": ({"at": "/events", "all": "/every"}, {"events": [], "every": True}),
}


@pytest.mark.parametrize("form", FORMS)
def test_events_are_read_in_every_form(form: str) -> None:
    where, members = FORMS[form]
    spec = make_spec()
    spec["fields"] = {"url": "/url", "events": where}
    with open_rest() as server:
        server.hooks[1] = {"id": 1, "url": "https://a.example", **members}
        (live,) = list_all(server, spec)
    expected = {
        "names": {"a", "b"},
        "objects": {"a.b.c", "d.e"},
        "flags": {"a"},
        "all": {"*"},
    }[form]
    assert {item.type for item in live.spec.subscriptions} == expected


@pytest.mark.parametrize("method", ["patch", "put"])
def test_an_update_keeps_what_the_file_does_not_know(method: str, tmp_path: Path) -> None:
    spec = make_spec(update={method: "/hooks/{id}"})
    with open_rest() as server:
        repository = write_manifests(tmp_path, server, spec)
        path = repository.write("pager")
        repository.reconcile()
        (hook,) = server.hooks.values()
        hook["headers"]["X-Team"] = "red"
        hook["config"]["retries"] = 5
        path.write_text(path.read_text().replace("hooks.example.com", "other.example.com"))
        repository.reconcile()
        (hook,) = server.hooks.values()
        assert hook["config"] == {"url": "https://other.example.com/pager", "retries": 5}
        assert hook["headers"]["X-Team"] == "red"
        assert hook["region"] == "eu"


def test_drift_by_hand_is_found_and_repaired(tmp_path: Path) -> None:
    with open_rest() as server:
        repository = write_manifests(tmp_path, server, make_spec())
        repository.write("pager")
        repository.reconcile()
        (hook,) = server.hooks.values()
        for change in (
            {"active": False},
            {"events": ["b"]},
            {"config": {"url": "https://b.example"}},
        ):
            hook.update(change)
            drift = repository.run("drift")
            assert drift.code == 7, (change, drift.out)
            repository.reconcile()


@pytest.mark.parametrize("has", ["/secret", None])
@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_key_is_sent_where_it_changes_and_never_a_masked_one(
    has: str | None, method: str, tmp_path: Path
) -> None:
    auth = {"type": "signature", "at": "/secret", **({"has": has} if has else {})}
    with open_rest() as server:
        spec = make_spec(auth=auth, update={method: "/hooks/{id}"})
        repository = write_manifests(tmp_path, server, spec)
        repository.env |= {"KEY": "first-key-0123456789"}
        repository.secrets += ("first-key-0123456789", "second-key-0123456789")
        line = '  auth: {type: signature, secret: {fromEnv: KEY}, version: "%s"}\n'
        path = repository.write("pager", more=line % "1")
        repository.reconcile()
        (hook,) = server.hooks.values()
        assert hook["secret"] == "first-key-0123456789"
        path.write_text(path.read_text().replace("hooks.example.com", "other.example.com"))
        if method == "patch":  # PUT would need the key, which never comes back
            repository.reconcile()
            (hook,) = server.hooks.values()
            assert hook["secret"] == "first-key-0123456789"
        repository.env["KEY"] = "second-key-0123456789"
        path.write_text(path.read_text().replace('version: "1"', 'version: "2"'))
        repository.reconcile()
        (hook,) = server.hooks.values()
        assert hook["secret"] == "second-key-0123456789"
        repository.remove_auth(path)
        repository.reconcile()
        (hook,) = server.hooks.values()
        assert hook["secret"] == ""


def test_a_probe_sends_what_the_file_says_and_signs_as_it_says(tmp_path: Path) -> None:
    key = "first-key-0123456789"
    envelope = {
        "headers": {"X-Rest-Event": "{event}", "X-Rest-Id": "{id}", "X-Rest-Url": "{instance}"},
        "names": {"a": "Event A"},
        "sample": {"kind": "{event}", "from": {"site": "{site}"}, "n": [1, "{time}"]},
        "signature": {"header": "X-Rest-Signature", "prefix": "sha1=", "algorithm": "sha1"},
    }
    target = {"site": {"description": "A site.", "required": False}}
    spec = make_spec(auth={"type": "signature", "at": "/secret"}, envelope=envelope, target=target)
    with open_rest() as server, Receiver() as receiver:
        repository = write_manifests(tmp_path, server, spec)
        repository.env |= {"KEY": key}
        repository.secrets += (key,)
        line = "  auth: {type: signature, secret: {fromEnv: KEY}}\n"
        repository.write("pager", receiver.url(), more=line)
        ended = repository.run("test", "--via", "probe", "--allow-network", "127.0.0.0/8")
        assert ended.code == 0, ended.err
        assert not server.asked
        (request,) = receiver.requests
    digest = hmac.new(key.encode(), request.body, hashlib.sha1).hexdigest()
    assert request.header("X-Rest-Signature") == f"sha1={digest}"
    assert request.header("X-Rest-Event") == "Event A"
    assert request.header("X-Rest-Url") == server.url
    assert request.json["kind"] == "Event A"
    assert request.json.keys() == {"kind", "n"}


WRONG = {
    "no list": ({}, "no list at /items"),
    "no url": ({"items": [{"id": 1, "active": True, "events": []}]}, "no usable /config/url"),
    "no id": (
        {"items": [{"config": {"url": "https://a.example"}, "active": True, "events": []}]},
        "no usable /id",
    ),
    "another type": (
        {
            "items": [
                {"id": 1, "config": {"url": "https://a.example"}, "active": "yes", "events": []}
            ]
        },
        "no usable /active",
    ),
}


@pytest.mark.parametrize("answer", WRONG)
def test_a_file_that_points_outside_the_answer_is_an_error(answer: str) -> None:
    body, text = WRONG[answer]
    with open_rest() as server:
        server.fixed = body
        with pytest.raises(BadAnswer, match=text):
            list_all(server, make_spec())


def test_a_listing_that_never_ends_is_an_error() -> None:
    hook = {
        "id": 1,
        "name": "a",
        "config": {"url": "https://a.example"},
        "active": True,
        "events": [],
    }
    endless: dict[str, Any] = {"items": [], "next": "/hooks?start=1"}
    with open_rest("next") as server:
        spec = make_spec(list={"get": "/hooks", "items": "/items", "page": {"next": "/next"}})
        server.fixed = endless
        with pytest.raises(BadAnswer, match="never ends"):
            list_all(server, spec)
        server.fixed = {"items": [hook], "next": "/hooks?start=1"}
        with pytest.raises(BadAnswer, match=r"twice|never ends"):
            list_all(server, spec)
        server.fixed = {"items": [hook], "next": "https://evil.example/other"}
        with pytest.raises(BadAnswer, match="at another path"):
            list_all(server, spec)
        assert not [line for line in server.asked if "other" in line]


def test_the_message_of_an_error_stands_where_the_file_says() -> None:
    with open_rest() as server, pytest.raises(Unauthorized, match="Invalid token"):
        list_all(server, make_spec(), token="another-token-0123456789")


FAULTS = {
    "an unknown placeholder": ({"list": {"get": "/{place}/hooks"}}, "{place} stands for nothing"),
    "an unknown word of a sample": (
        {"envelope": {"sample": {"a": {"b": "{place}"}}}},
        "{place} stands for nothing",
    ),
    "a header that HTTP uses": ({"envelope": {"headers": {"Host": "a"}}}, "Host is a header"),
    "a signature in such a header": ({"envelope": {"token": "Host"}}, "Host is a header"),
    "no id in a path": ({"delete": {"delete": "/hooks"}}, "delete names no webhook"),
    "a field at the id": ({"mark": "/id"}, "it points to the id"),
    "no url": ({"fields": {"events": {"at": "/events"}}}, "url"),
    "no events": ({"fields": {"url": "/config/url"}}, "events"),
    "no id": ({"id": None}, "id"),
    "no mark": ({"mark": None}, "mark"),
    "no listing": ({"list": None}, "list"),
    "an option nowhere": ({"options": {"retries": {"type": "integer"}}}, "at"),
    "another host": ({"list": {"get": "//evil.example/hooks"}}, "get must be made of one /"),
    "a step above": ({"list": {"get": "/../admin"}}, "get must be made of one /"),
    "two methods": ({"update": {"put": "/hooks/{id}", "patch": "/hooks/{id}"}}, "update"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_a_file_is_reported_at_its_place(name: str, tmp_path: Path) -> None:
    change, text = FAULTS[name]
    with open_rest() as server:
        repository = write_manifests(tmp_path, server, make_spec(**change))
        repository.write("pager")
        ended = repository.run("validate")
        assert ended.code == 1
        assert text in ended.out + ended.err
        assert "product.yaml:" in ended.out + ended.err
        assert not server.asked


TENANTS = {
    "no product": ("  product: rest\n", "", "the provider http needs a product"),
    "an unknown product": ("product: rest", "product: rset", "no product file is named rset"),
    "another provider": ("provider: http", "provider: github", "only the provider http"),
    "a target without a need": (
        "product: rest",
        "product: rest\n  target: {x: y}",
        "has no target",
    ),
}


@pytest.mark.parametrize("name", TENANTS)
def test_a_tenant_names_its_product(name: str, tmp_path: Path) -> None:
    old, new, text = TENANTS[name]
    with open_rest() as server:
        repository = write_manifests(tmp_path, server, make_spec())
        tenant = tmp_path / "tenant.yaml"
        tenant.write_text(tenant.read_text().replace(old, new))
        ended = repository.run("validate")
        assert ended.code == 1
        assert text in ended.out + ended.err
