"""The table of fields: a row that is added at run time is shown, saved and exported, and a codec
that forgets one fails.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.change import Label, Plan
from reconciler.core.export.manifest import make_manifest
from reconciler.core.model import fields as table
from reconciler.core.model.auth import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    NoAuth,
    SignatureAuth,
    get_credential,
    with_credential,
)
from reconciler.core.model.capabilities import TENANT
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Declared, Live, Owner, Webhook
from reconciler.core.planning.diff import diff
from reconciler.core.safety.planned_document import make_planned_document
from reconciler.core.saved.resume import resume
from reconciler.core.saved.since import Base, labelled
from reconciler.core.wire import webhooks as codec
from reconciler.rendering import document, markdown, text
from reconciler.tenant.page.forms import comparison
from reconciler.tenant.requests.body import read_details
from reconciler.tenant.store.rows import webhooks as rows
from reconciler.tenant.store.store import open_store
from reconciler.tenant.store.values.webhook import StoredWebhook
from tests.support.builders import (
    FAILED,
    STARTED,
    as_stored,
    declared,
    only,
    plan_of,
    policy,
    secret,
)
from tests.support.database import database_of
from tests.support.saved_plans import format_plan, read

OWNER = Owner("payments", "4fd1c2e")


@dataclass(frozen=True, slots=True)
class Slower(Webhook):
    """The model with one more field."""

    timeout: int = 10


@pytest.fixture
def _timeout(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The table with one more row."""
    monkeypatch.setattr(table, "MODEL", Slower)
    table.FIELDS.insert(3, table.plain_field("timeout", 10, type=int))
    yield
    table.FIELDS.pop(3)


def slower(item: Declared, seconds: int) -> Declared:
    values = {field.name: getattr(item.spec, field.name) for field in fields(Webhook)}
    return replace(item, spec=Slower(**values, timeout=seconds))


WANTED = declared("a", url="https://hooks.example.com/x")


def make_live(seconds: int) -> Live:
    return as_stored(slower(WANTED, seconds))


def plan(seconds: int) -> Plan:
    return plan_of([slower(WANTED, seconds)], [make_live(10)])


@pytest.mark.usefixtures("_timeout")
def test_a_new_field_is_compared_and_enters_the_digest() -> None:
    [field] = only(plan(20)).fields
    assert (field.dotted, field.before, field.after) == ("timeout", 10, 20)
    assert plan(10).pending == ()
    assert plan(20).digest != plan(30).digest
    [created] = plan_of([slower(WANTED, 30)], []).pending
    assert ("timeout", 30) in [(field.dotted, field.after) for field in created.fields]


@pytest.mark.usefixtures("_timeout")
def test_a_new_field_is_printed_in_every_form() -> None:
    assert "timeout: 10 -> 20" in text.plan_text(plan(20))
    assert "timeout" in markdown.plan_markdown(plan(20))
    assert document.plan_document(plan(20))["changes"][0]["fields"] == [
        {"path": ["timeout"], "before": 10, "after": 20}
    ]


@pytest.mark.usefixtures("_timeout")
def test_a_new_field_is_saved_with_a_plan() -> None:
    made = plan(20)
    back = read(format_plan(made, policy(), [slower(WANTED, 20)]))
    [change] = back.shown.pending
    [manifest_of_it] = back.manifests
    assert change.live is not None
    sides = [back.live[change.live.id]["timeout"], manifest_of_it["value"]["spec"]["timeout"]]
    assert sides == [10, 20]
    again = resume(
        back,
        [make_live(10)],
        [slower(WANTED, 20)],
        policy(),
        normalize=lambda spec: spec,
        fingerprint_key=None,
    )
    assert again.digest == made.digest


@pytest.mark.usefixtures("_timeout")
@pytest.mark.parametrize(
    ("then", "now", "there", "label"),
    [(10, 20, 10, "pending"), (20, 20, 10, "drift"), (5, 20, 10, "both")],
)
def test_a_new_field_says_who_moved_since_a_revision(
    then: int, now: int, there: int, label: str
) -> None:
    base = Base("main", "0" * 40, (slower(WANTED, then),))
    made = labelled(
        plan_of([slower(WANTED, now)], [make_live(there)]), base, policy(), lambda spec: spec
    )
    assert [(field.dotted, field.label) for field in only(made).fields] == [
        ("timeout", Label(label))
    ]


@pytest.mark.usefixtures("_timeout")
def test_a_new_field_is_exported_and_policies_see_it() -> None:
    assert "  timeout: 20\n" in make_manifest(make_live(20).spec, "a").text
    assert "timeout" not in make_manifest(make_live(10).spec, "a").text  # the default needs no line
    assert make_planned_document(slower(WANTED, 20), frozenset())["timeout"] == 20


@pytest.mark.usefixtures("_timeout")
def test_a_new_field_is_sent_to_the_tenant_and_read_back() -> None:
    wanted = slower(WANTED, 20)
    body = codec.make_create_body(wanted, OWNER)
    assert codec.make_patch_body(make_live(10), wanted, OWNER)["timeout"] == 20
    assert "timeout" not in codec.make_patch_body(make_live(20), wanted, OWNER)
    shown = {**body, "id": "1", "revision": "1", "invocations": None}
    assert codec.live_from_wire(shown).spec.timeout == 20  # type: ignore[attr-defined]  of the new model


@pytest.mark.usefixtures("_timeout")
@pytest.mark.parametrize(
    ("value", "taken", "fault"),
    [(20, 20, []), (None, 10, []), ("20", None, ["/timeout"]), (-1, None, ["/timeout"])],
)
def test_the_tenant_takes_a_new_field_or_says_what_is_wrong_with_it(
    value: object, taken: int | None, fault: list[str]
) -> None:
    details = read_details({"timeout": value}, lambda _field, _text: b"")
    assert details.fields.get("timeout") == taken
    assert [error.pointer for error in details.errors] == fault


def secret_auth(version: str) -> BearerAuth:
    return BearerAuth(secret(version=version))


# Of each row two specs that differ in it alone.
PAIRS: dict[tuple[str, ...], tuple[Any, Any]] = {
    ("name",): ("a", "b"),
    ("url",): ("https://a.example.com/", "https://b.example.com/"),
    ("description",): ("a", "b"),
    ("enabled",): (True, False),
    ("auth", "type"): (NoAuth(), secret_auth("1")),
    ("auth", "username"): (
        BasicAuth("a", secret(version="1")),
        BasicAuth("b", secret(version="1")),
    ),
    ("auth", "header"): (
        ApiKeyAuth("X-A", secret(version="1")),
        ApiKeyAuth("X-B", secret(version="1")),
    ),
    ("auth", "scheme"): (
        SignatureAuth("standard", secret(version="1")),
        SignatureAuth("standard-v1a", secret(version="1")),
    ),
    ("auth", "credential"): (secret_auth("1"), secret_auth("2")),
    ("events",): (frozenset({STARTED}), frozenset({FAILED})),
}
ATTRIBUTES = {"auth": "auth", "events": "subscriptions"}


def spec(row: table.Field, value: Any) -> Webhook:
    return replace(
        WANTED.spec, **{"enabled": True, ATTRIBUTES.get(row.path[0], row.path[0]): value}
    )


def forgotten(
    create: Callable[[Declared, Owner], Any], patch: Callable[[Live, Declared, Owner], Any]
) -> list[str]:
    """The rows that a codec of the tenant does not send, or does not read back.

    Options are a product's own fields; the tenant has none, which manifests are checked for.
    """
    found = []
    assert TENANT.options == {}
    for row in table.list_common_rows():
        before, after = (replace(WANTED, spec=spec(row, value)) for value in PAIRS[row.path])
        live = as_stored(before)
        body = {**create(after, OWNER), "id": "1", "revision": "1", "invocations": None}
        read = (
            codec.live_from_wire(json.loads(json.dumps(body))).spec
            if row.path[0] in body
            else before.spec
        )
        differs = {change.path[0] for change in diff(live.spec, read)}
        if row.path[0] not in patch(live, after, OWNER) or row.path[0] not in differs:
            found.append(".".join(row.path))
    return found


def test_the_codec_of_the_tenant_covers_the_table() -> None:
    assert forgotten(codec.make_create_body, codec.make_patch_body) == []


@pytest.mark.parametrize("field", ["description", "enabled", "events", "url"])
def test_a_codec_that_forgets_a_field_is_found(field: str) -> None:
    def without(body: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if name != field}

    assert forgotten(
        codec.make_create_body, lambda *sides: without(codec.make_patch_body(*sides))
    ) == [field]


def test_a_field_that_is_left_to_the_tenant_is_known_to_settle() -> None:
    """A further one must be filled in there from the live webhook."""
    assert [row.name for row in table.FIELDS if row.created is not None] == ["enabled"]


def test_no_row_of_a_secret_is_plain() -> None:
    plain = [row for row in table.FIELDS if row.kind is table.Kind.PLAIN]
    values = [
        row.read(replace(WANTED.spec, url=secret(), auth=BasicAuth(secret(), secret())))
        for row in plain
    ]
    assert not any(isinstance(value, Secret) for value in values)


def stored(item: Webhook) -> StoredWebhook:
    return StoredWebhook("w", 1, item, created_at=1.0, updated_at=1.0)


def store_and_read(folder: Path, item: Webhook, alter: str = "") -> Webhook:
    """A spec as the tenant's file gives it back."""

    def work(connection: sqlite3.Connection) -> StoredWebhook | None:
        if alter:
            connection.execute(alter)
        rows.insert(connection, stored(item))
        return rows.find(connection, "w", 0.0)

    with open_store(str(folder / "tenant.db")) as store:
        found = database_of(store).write_now(work)
    assert found is not None
    return found.spec


@pytest.mark.usefixtures("_timeout")
def test_a_new_field_is_kept_in_the_tenant_s_file(tmp_path: Path) -> None:
    alter = "ALTER TABLE webhooks ADD COLUMN timeout INTEGER NOT NULL DEFAULT 10"
    enabled = replace(WANTED, spec=replace(WANTED.spec, enabled=True))
    item = slower(enabled, 20).spec
    assert store_and_read(tmp_path, item, alter) == item
    with open_store(str(tmp_path / "tenant.db")) as store:
        changed = stored(slower(enabled, 30).spec)
        database_of(store).write_now(lambda c: rows.update(c, changed))
        found = database_of(store).write_now(lambda c: rows.find(c, "w", 0.0))
    assert found is not None
    assert found.spec == changed.spec


@pytest.mark.usefixtures("_timeout")
def test_the_page_compares_a_new_field_of_two_versions() -> None:
    made = comparison.compare_specs(slower(WANTED, 20).spec, slower(WANTED, 10).spec)
    assert [(row.label, row.typed, row.stored) for row in made if row.differs] == [
        ("Timeout", ("20",), ("10",))
    ]


def as_kept(value: Any) -> Any:
    """A value of PAIRS as the tenant has it: a secret withheld, known by its version."""
    if isinstance(value, Auth):
        found = get_credential(value)
        return value if found is None else with_credential(value, Withheld(found.version))
    return value


@pytest.mark.parametrize("row", list(table.list_common_rows()), ids=lambda row: ".".join(row.path))
def test_the_tenant_s_file_keeps_every_row_of_the_table(tmp_path: Path, row: table.Field) -> None:
    for number, value in enumerate(PAIRS[row.path]):
        folder = tmp_path / str(number)
        folder.mkdir()
        item = spec(row, as_kept(value))
        assert store_and_read(folder, item) == item


@pytest.mark.parametrize(
    "row",
    [row for row in table.list_common_rows() if row.kind is not table.Kind.CREDENTIAL],
    ids=lambda row: ".".join(row.path),
)
def test_the_page_compares_every_row_of_the_table(row: table.Field) -> None:
    """Of a credential it shows only whether a new one was typed, which no spec says."""
    one, other = (spec(row, as_kept(value)) for value in PAIRS[row.path])
    [found] = [each for each in comparison.compare_specs(one, other) if each.differs]
    assert found.typed
    assert found.stored
    assert not any(each.differs for each in comparison.compare_specs(one, one))
