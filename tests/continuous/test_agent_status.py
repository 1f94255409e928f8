"""The document of `/status`: it keeps its published schema, and the schema describes all of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from reconciler.continuous.agent.status import make_run
from reconciler.continuous.results import State
from reconciler.core.results.drift import find_drift
from reconciler.manifests.schema_texts import load_schema
from reconciler.rendering.document import to_json
from tests.continuous.page.board import (
    CLOCK,
    SOURCE,
    Board,
    make_item,
    make_many,
    make_result,
    make_rows,
)
from tests.render import builders

SCHEMA = load_schema("agent-status")


def close(schema: Any) -> Any:
    """The schema with no room for fields that it does not describe."""
    if isinstance(schema, list):
        return [close(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: close(value) for name, value in schema.items()}
    return {**closed, "additionalProperties": False} if "required" in schema else closed


def list_faults(document: Any) -> list[str]:
    validator = Draft202012Validator(close(SCHEMA), format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_the_schema_is_valid_and_names_no_network_host() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:webhook-reconciler:schema:agent-status"
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", make_rows())
def test_every_state_of_a_tenant_keeps_the_schema(name: str) -> None:
    document = Board({name: make_rows()[name]}).make_status()
    assert list_faults(json.loads(to_json(document))) == []


def test_a_thousand_tenants_and_an_agent_that_knows_nothing_yet_keep_the_schema() -> None:
    empty = {**SOURCE, "revision": None, "last_look": None, "problem": "no answer"}
    for board in (Board(make_many(1000)), Board({}, empty)):
        assert list_faults(board.make_status()) == []


@pytest.mark.parametrize("text", builders.HOSTILE)
def test_odd_texts_are_json_that_every_reader_takes(text: str) -> None:
    plan = builders.hostile_plan(text)
    rows = {"a": (make_item("a"), make_result("a", State.FAILED, plan, error=text))}
    written = to_json(Board(rows).make_status())
    assert list_faults(json.loads(written.encode())) == []


def test_a_document_without_a_field_breaks_the_schema() -> None:
    document = Board(make_rows()).make_status()
    for name in SCHEMA["required"]:
        assert list_faults({key: value for key, value in document.items() if key != name})


def test_a_long_list_is_cut_and_its_rest_is_counted() -> None:
    plan = builders.plan_of(*(builders.update(f"hook-{number}") for number in range(130)))
    run = make_run(make_result("a", State.PENDING, plan))
    assert len(run["changes"]) == 100
    assert run["omitted"]["changes"] == 30
    assert run["summary"]["update"] == 130


def test_drift_is_a_number_only_when_a_revision_was_applied() -> None:
    plan = builders.labelled_plan()
    assert make_run(make_result("a", State.PENDING, plan))["drift"] is None
    assert make_run(make_result("a", State.DRIFTED, plan, drift=find_drift(plan)))["drift"] == 5


def test_the_next_run_is_unknown_during_a_run_and_of_a_suspended_tenant() -> None:
    rows = {
        "a": (make_item("a", started=CLOCK - 60, due=CLOCK - 60), None),
        "b": (make_item("b", is_suspended=True), None),
        "c": (make_item("c", due=CLOCK - 5), None),
    }
    tenants = Board(rows).make_status()["tenants"]
    assert [tenant["next_run"] for tenant in tenants] == [None, None, "2026-07-01T12:00:00+00:00"]
    assert tenants[0]["running_since"] == "2026-07-01T11:59:00+00:00"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://token@git.example.com/acme/webhooks.git", "git.example.com/acme/webhooks"),
        ("git@git.example.com:acme/webhooks.git", "git.example.com/acme/webhooks"),
        ("/srv/git/webhooks.git", "/srv/git/webhooks.git"),
    ],
)
def test_the_repository_is_shown_without_a_user(address: str, shown: str) -> None:
    status = Board({}, {**SOURCE, "repository": address}).make_status()
    assert status["source"]["repository"] == shown
