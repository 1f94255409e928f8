"""Catalogues of events from files: AsyncAPI 3, and the webhooks of OpenAPI 3.1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.core.model.catalogue import CATALOGUE
from reconciler.core.model.catalogue_document import read_catalogue
from tests.support.processes import Ended, run
from tests.support.receiver import Receiver

ASYNCAPI = """
asyncapi: 3.0.0
info: {title: Billing, version: "4"}
channels:
  hooks:
    address: null
    messages:
      paid: {$ref: '#/components/messages/paid'}
      sent: {name: invoice.sent, title: An invoice was sent}
components:
  messages:
    paid:
      name: invoice.paid
      summary: An invoice was paid.
      payload: {type: object}
      examples: [{payload: {id: in_1, amount: 12}}]
"""
OPENAPI = """
openapi: 3.1.0
info: {title: Billing, version: "4"}
webhooks:
  invoice.paid:
    post:
      summary: An invoice was paid.
      requestBody: {$ref: '#/components/requestBodies/paid'}
  invoice.sent:
    $ref: '#/components/pathItems/sent'
components:
  pathItems:
    sent: {post: {description: An invoice was sent}}
  requestBodies:
    paid:
      content:
        application/json: {examples: {one: {value: {id: in_1, amount: 12}}}}
"""
TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {name: billing}
spec:
  url: https://billing.example.com
  token: {fromEnv: BILLING_TOKEN}
  owner: payments
  catalog: api/catalog.yaml
"""
WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: pager}
spec:
  url: %s
  enabled: true
  events: [{type: %s, version: v0, severity: info}]
"""


def write(
    folder: Path, event: str, catalogue: str = ASYNCAPI, url: str = "https://a.example"
) -> None:
    (folder / "api").mkdir(exist_ok=True)
    (folder / "api" / "catalog.yaml").write_text(catalogue)
    (folder / "tenant.yaml").write_text(TENANT)
    (folder / "pager.yaml").write_text(WEBHOOK % (url, event))


def call(folder: Path, *arguments: str) -> Ended:
    return run(*arguments, cwd=folder, timeout=60, BILLING_TOKEN="t-0123456789")


@pytest.mark.parametrize("text", [ASYNCAPI, OPENAPI], ids=["asyncapi", "openapi"])
def test_a_document_becomes_a_catalogue(text: str) -> None:
    catalogue = read_catalogue(yaml.safe_load(text))
    assert sorted(catalogue.by_type) == ["invoice.paid", "invoice.sent"]
    paid, sent = catalogue.by_type["invoice.paid"], catalogue.by_type["invoice.sent"]
    assert (paid.description, sent.description) == ("An invoice was paid.", "An invoice was sent")
    assert json.loads(paid.example or "") == {"id": "in_1", "amount": 12}
    assert sent.example is None


def test_our_own_catalogue_is_written_as_asyncapi_and_read_back(tmp_path: Path) -> None:
    ended = call(tmp_path, "events", "-o", "asyncapi")
    document = json.loads(ended.out)
    assert ended.code == 0
    assert document["asyncapi"] == "3.0.0"
    messages = document["components"]["messages"]
    shown = document["channels"]["deliveries"]["messages"]
    assert {one["$ref"].rpartition("/")[2] for one in shown.values()} == set(messages)
    again = read_catalogue(document)
    assert list(again.by_type) == [event.type for event in CATALOGUE]
    assert {kind: event.description for kind, event in again.by_type.items()} == {
        event.type: event.description for event in CATALOGUE
    }
    assert [
        json.loads(event.example) if event.example else None for event in again.by_type.values()
    ] == [json.loads(event.example) if event.example else None for event in CATALOGUE]


@pytest.mark.parametrize("text", [ASYNCAPI, OPENAPI], ids=["asyncapi", "openapi"])
def test_the_catalogue_of_a_tenant_says_which_events_are_misspelt(
    tmp_path: Path, text: str
) -> None:
    write(tmp_path, "invoice.piad", text)
    wrong = call(tmp_path, "validate", ".")
    assert wrong.code == 0
    assert (
        "pager.yaml:7:12: warning: type is not in the catalogue of the Tenant billing" in wrong.out
    )
    assert "invoice.paid" in wrong.out
    assert "[events/unknown-type]" in wrong.out
    write(tmp_path, "invoice.paid", text)
    right = call(tmp_path, "validate", ".")
    assert right.code == 0
    assert "0 warnings" in right.out


def test_the_built_in_catalogue_does_not_count_where_a_tenant_names_its_own(tmp_path: Path) -> None:
    write(tmp_path, "elastio:recovery-point:create:started")
    ended = call(tmp_path, "validate", ".")
    assert "not in the catalogue of the Tenant billing" in ended.out


def test_events_shows_who_receives_which_event_of_the_catalogue(tmp_path: Path) -> None:
    write(tmp_path, "invoice.paid")
    of_tenant = call(tmp_path, "events", ".", "--no-live", "-o", "json")
    (coverage,) = json.loads(of_tenant.out)["coverage"]
    assert [(item["type"], item["known"]) for item in coverage["received"]] == [
        ("invoice.paid", True),
        ("invoice.sent", True),
    ]
    (tmp_path / "other.yaml").write_text(ASYNCAPI.replace("invoice.", "order."))
    given = call(tmp_path, "events", ".", "--no-live", "--catalog", "other.yaml")
    assert "order.paid" in given.out
    assert "invoice.paid  (not in the catalogue)" in given.out
    alone = call(tmp_path, "events", "--catalog", "other.yaml")
    assert "An invoice was paid." in alone.out
    assert "2 event types.\n" in alone.out


def test_a_probe_sends_the_example_of_the_catalogue(tmp_path: Path) -> None:
    with Receiver() as receiver:
        write(tmp_path, "invoice.paid", url=receiver.url())
        ended = call(
            tmp_path,
            "test",
            ".",
            "--via",
            "probe",
            "--allow-network",
            "127.0.0.0/8",
            "--allow-port",
            str(receiver.port),
        )
        assert ended.code == 0, ended.out + ended.err
        assert json.loads(receiver.requests[0].body) == {"id": "in_1", "amount": 12}


WRONG: dict[str, tuple[Any, str]] = {
    "no file": (None, "cannot be read"),
    "not YAML": ("a: [secret-line", "line 1 is not YAML"),
    "another document": ("swagger: 2", "must be an AsyncAPI 3 document"),
    "no event": ("asyncapi: 3.0.0", "describes no event"),
    "two documents": (f"{ASYNCAPI}---\n{ASYNCAPI}", "must be an AsyncAPI 3 document"),
    "a loop": (
        "openapi: 3.1.0\nwebhooks: {a: {$ref: '#/webhooks/a'}}",
        "references lead to one another",
    ),
    "another file": (
        "openapi: 3.1.0\nwebhooks: {a: {$ref: 'other.yaml#/a'}}",
        "leads to another document",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_no_catalogue_is_an_error_at_the_tenant(name: str, tmp_path: Path) -> None:
    text, message = WRONG[name]
    write(tmp_path, "invoice.paid", text or "")
    if text is None:
        (tmp_path / "api" / "catalog.yaml").unlink()
    ended = call(tmp_path, "validate", "tenant.yaml", "pager.yaml")
    assert ended.code == 1
    assert "tenant.yaml:8:12: error: catalog api/catalog.yaml: " in ended.err
    assert message in ended.err
    assert "[tenant/catalog]" in ended.err
    assert "secret-line" not in ended.err
    given = call(tmp_path, "events", "--catalog", "api/catalog.yaml")
    assert given.code == 64
    assert message in given.err


def test_asyncapi_is_the_catalogue_alone(tmp_path: Path) -> None:
    write(tmp_path, "invoice.paid")
    ended = call(tmp_path, "events", ".", "-o", "asyncapi")
    assert ended.code == 64
    assert "leave out PATHs" in ended.err
