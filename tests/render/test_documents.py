"""The JSON documents keep their published schemas, and say what docs/json-outputs.md says they do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.core.change import Change, FieldChange, Plan
from reconciler.core.model.webhook import ManagedBy, Use
from reconciler.core.results.drift import find_drift
from reconciler.core.results.reports import TestReport
from reconciler.rendering import document
from tests.render import builders

SCHEMAS = Path(__file__).parents[2] / "schemas"
PLANS = {
    "mixed": builders.mixed_plan(),
    "empty": builders.empty_plan(),
    **{
        f"hostile {number}": builders.hostile_plan(text)
        for number, text in enumerate(builders.HOSTILE)
    },
}


def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(
        json.loads((SCHEMAS / f"{kind}.schema.json").read_text(encoding="utf-8"))
    )


def faults(kind: str, made: dict[str, Any]) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(made)]


def changed(made: dict[str, Any], *path: str | int) -> dict[str, Any]:
    """A copy without the value at `path`."""
    copy = json.loads(json.dumps(made))
    place = copy
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return copy


@pytest.mark.parametrize("kind", ["plan", "report", "drift", "test", "error"])
def test_a_schema_is_valid_and_names_no_network_host(kind: str) -> None:
    schema = validator(kind).schema
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:webhook-reconciler:schema:{kind}"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_every_plan_and_its_report_keep_their_schemas(plan: Plan) -> None:
    assert faults("plan", document.plan_document(plan)) == []
    assert faults("report", document.report_document(builders.report_of(plan))) == []


@pytest.mark.parametrize(
    ("use", "written"),
    [
        (None, None),
        (Use(3, 1), {"succeeded": 3, "failed": 1}),
        (Use(500, at_least=True), {"succeeded": 500, "failed": 0, "at_least": True}),
    ],
)
def test_the_use_of_a_deleted_webhook_keeps_the_schemas(
    use: Use | None, written: dict[str, Any] | None
) -> None:
    plan = with_use(builders.labelled_plan(), use)
    drift = document.drift_document(find_drift(plan))
    for kind, made in (("plan", document.plan_document(plan)), ("drift", drift)):
        assert faults(kind, made) == []
        assert [item["use"] for item in made["changes"] if "use" in item] == [written]


def with_use(plan: Plan, use: Use | None) -> Plan:
    """The plan with that use of every live webhook."""

    def change(item: Change) -> Change:
        return item if item.live is None else replace(item, live=replace(item.live, use=use))

    return replace(plan, stages=tuple(tuple(map(change, stage)) for stage in plan.stages))


def test_test_results_keep_their_schema() -> None:
    assert faults("test", document.test_document(builders.checks())) == []
    assert faults("test", document.test_document(TestReport())) == []


@pytest.mark.parametrize(
    "path",
    [
        ("digest",),
        ("tenant", "owner"),
        ("summary", "out_of_scope"),
        ("changes", 0, "file"),
        ("changes", 1, "fields", 0, "secret"),
        ("changes", 2, "use"),
        ("violations", 0, "names"),
    ],
)
def test_the_schema_of_a_plan_misses_what_is_missing(path: tuple[str | int, ...]) -> None:
    made = document.plan_document(builders.mixed_plan())
    if path[-1] == "secret":
        made["changes"][1]["fields"][0]["secret"] = "yes"
        assert faults("plan", made)
    else:
        assert faults("plan", changed(made, *path))


@pytest.mark.parametrize(
    "path", [("summary", "skipped"), ("outcomes", 2, "error"), ("outcomes", 2, "error", "fields")]
)
def test_the_schema_of_a_report_misses_what_is_missing(path: tuple[str | int, ...]) -> None:
    assert faults(
        "report",
        changed(document.report_document(builders.report_of(builders.mixed_plan())), *path),
    )


@pytest.mark.parametrize(
    "path", [("summary", "failed"), ("deliveries", 0, "verdict"), ("deliveries", 0, "detail")]
)
def test_the_schema_of_test_results_misses_what_is_missing(path: tuple[str | int, ...]) -> None:
    assert faults("test", changed(document.test_document(builders.checks()), *path))


def test_a_plan_names_file_and_line_of_each_event_it_adds() -> None:
    update = document.plan_document(builders.mixed_plan())["changes"][1]
    events = next(field for field in update["fields"] if field["path"] == ["events"])
    assert [(item["type"], item["file"], item["line"]) for item in events["added"]] == [
        (builders.UNHEALTHY.type, "webhooks/payments.yaml", 10)
    ]
    assert events["removed"] == [
        {"type": builders.STARTED.type, "version": "v0", "severity": "info"}
    ]


def test_a_delete_names_its_recorded_source_and_its_use() -> None:
    made = document.plan_document(builders.plan_of(builders.delete("Gone")))["changes"][0]
    assert (made["file"], made["line"], made["use"]) == (
        "webhooks/payments.yaml",
        None,
        {"succeeded": 3, "failed": 1},
    )


@pytest.mark.parametrize("mark", [None, ManagedBy("payments", "gone", ())])
def test_a_delete_without_a_recorded_source_names_no_file(mark: ManagedBy | None) -> None:
    change = builders.delete("Gone")
    assert change.live is not None
    bare = replace(change, live=replace(change.live, managed_by=mark), source=None)
    made = document.plan_document(builders.plan_of(bare))
    assert (made["changes"][0]["file"], made["changes"][0]["line"]) == (None, None)
    assert faults("plan", made) == []


def test_the_secret_fields_of_a_plan_say_versions_only() -> None:
    fields = document.plan_document(builders.mixed_plan())["changes"][1]["fields"]
    secret = {
        "path": ["auth", "token"],
        "secret": True,
        "before": "version 1",
        "after": "version 2",
    }
    assert [field for field in fields if field.get("secret")] == [secret]


def test_a_value_that_is_no_json_stays_hidden() -> None:
    field = FieldChange(
        ("url",), builders.Secret(builders.TOKEN), ["a", builders.Secret(builders.TOKEN)]
    )
    made = document.plan_document(builders.plan_of(builders.update("x", field)))["changes"][0][
        "fields"
    ][0]
    assert made == {"path": ["url"], "before": "(hidden)", "after": ["a", "(hidden)"]}


def test_seconds_are_rounded_to_milliseconds() -> None:
    outcome = document.report_document(builders.report_of(builders.mixed_plan()))["outcomes"][0]
    delivery = document.test_document(builders.checks())["deliveries"][0]
    assert (outcome["seconds"], delivery["seconds"]) == (0.021, 0.041)


def test_an_error_is_a_document_too() -> None:
    made = document.error_document("unreachable", "no answer", 1)
    assert made == {
        "format": "reconciler.error/v1",
        "kind": "unreachable",
        "message": "no answer",
        "exit_code": 1,
    }
    assert faults("error", made) == []
    for field in made:
        assert faults("error", changed(made, field)) != []
