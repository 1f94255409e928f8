"""A webhook that somebody switched off at the tenant: every command that knows it says so, and
reconcile leaves it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.environments import LOCAL, manifest
from tests.manifests.revisions import commit, new
from tests.support.processes import ROOT, Ended, Tenant, run, webhook
from tests.support.receiver import Receiver

OFF = "switched off at the tenant"


class Desk:
    """A repository with the webhooks `oncall` and `audit` at a served tenant; `oncall` was switched
    off there by hand.
    """

    def __init__(self, folder: Path, tenant: Tenant, url: str) -> None:
        self.folder, self.tenant, self.url = new(folder), tenant, url
        self.declare("oncall")
        self.declare("audit")
        (folder / "t.yaml").write_text(manifest("prod", tenant.url))
        commit(folder)
        assert self.run("reconcile", "--yes").code == 0
        tenant.edit("oncall", enabled=False)

    def declare(self, key: str, extra: str = "") -> None:
        (self.folder / f"{key}.yaml").write_text(webhook(key, url=self.url, extra=extra))

    def run(self, command: str, *options: str) -> Ended:
        return run(command, ".", *options, cwd=self.folder, PROD_TOKEN=self.tenant.token)

    @property
    def enabled(self) -> bool:
        return bool(self.tenant.by_name()["oncall"]["enabled"])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("switched-off")
    with Tenant(folder / "tenant", *LOCAL) as tenant, Receiver() as receiver:
        receiver.script("/ok", 200)
        yield Desk(folder / "repository", tenant, receiver.url("/ok"))


@pytest.mark.parametrize(
    "options",
    [(), ("--since", "HEAD"), ("--all-tenants",), ("--watch", "1", "--deadline", "2")],
    ids=lambda options: str(options[:1]),
)
def test_drift_reports_the_field_enabled_and_exits_7(desk: Desk, options: tuple[str, ...]) -> None:
    done = desk.run("drift", *options)
    assert done.code == 7
    assert "~ oncall  oncall.yaml:1  [drift]  switched off at the tenant" in done.out
    assert "enabled: false -> true" in done.out
    assert "audit" not in done.out


@pytest.mark.parametrize("options", [(), ("--since", "HEAD")], ids=["alone", "--since"])
def test_drift_as_json_has_the_field_with_its_label(desk: Desk, options: tuple[str, ...]) -> None:
    done = desk.run("drift", "-o", "json", *options)
    [change] = done.json["changes"]
    [field] = change["fields"]
    assert (done.code, change["key"], change["label"]) == (7, "oncall", "drift")
    assert (field["path"], field["before"], field["after"]) == (["enabled"], False, True)
    assert (done.json["summary"]["drift"], done.json["summary"]["keep"], done.json["warnings"]) == (
        1,
        1,
        [],
    )


def test_a_plan_has_no_change_but_a_warning_that_names_it_in_every_form(desk: Desk) -> None:
    said = f"oncall.yaml:1:1: oncall: {OFF}"
    text, markdown, document = (
        desk.run("plan", "--detailed-exitcode", "-o", form) for form in ("text", "markdown", "json")
    )
    assert [done.code for done in (text, markdown, document)] == [0, 0, 0]
    assert f"warning: {said}" in text.out
    assert f"- warning: {said}" in markdown.out
    [warning] = document.json["warnings"]
    assert (warning.startswith(said), document.json["changes"]) == (True, [])


def test_a_test_says_so_beside_the_endpoint_that_passed(desk: Desk) -> None:
    text, markdown, junit, document = (
        desk.run("test", "-o", form) for form in ("text", "markdown", "junit", "json")
    )
    assert {done.code for done in (text, markdown, junit, document)} == {0}
    assert f"warning: oncall: {OFF}" in text.out
    assert f"- warning: oncall: {OFF}" in markdown.out
    outs = {suite.get("name"): suite.findtext("system-out") for suite in fromstring(junit.out)}  # noqa: S314  our own output
    assert (OFF in str(outs["oncall"]), outs["audit"]) == (True, None)
    assert [text.split(": ")[0] for text in document.json["warnings"]] == ["oncall"]
    assert OFF not in desk.run("test", "--only", "audit").out


def test_doctor_says_so(desk: Desk) -> None:
    done = desk.run("doctor", "-o", "json")
    found = {item["check"]: item for item in done.json["checks"]}
    assert (done.code, found["webhooks"]["status"], found["webhooks"]["message"]) == (
        0,
        "warning",
        f"{OFF}: oncall",
    )
    assert OFF in desk.run("doctor").out


@pytest.mark.parametrize("options", [(), ("--live",)], ids=["by itself", "--live"])
def test_events_count_it_for_nothing(desk: Desk, options: tuple[str, ...]) -> None:
    plain, live = desk.run("events", "--no-live"), desk.run("events", *options)
    assert (plain.code, live.code) == (0, 0), live.err
    assert ("info      audit, oncall" in plain.out, OFF in plain.out) == (True, False)
    assert ("info      audit\n" in live.out, f"{OFF}: oncall receives nothing" in live.out) == (
        True,
        True,
    )
    document = desk.run("events", "--live", "-o", "json").json
    Draft202012Validator(json.loads((ROOT / "schemas/events.schema.json").read_text())).validate(
        document
    )
    assert [part["switched_off"] for part in document["coverage"]] == [["oncall"]]
    options = ("--tenant-url", desk.tenant.url, "--owner", "prod")
    other = run(
        "events",
        ".",
        "--live",
        *options,
        cwd=desk.folder,
        RECONCILER_TENANT_TOKEN=desk.tenant.token,
    )
    assert (other.code, OFF in other.out) == (0, False)


def test_events_with_live_need_paths_and_a_tenant_that_answers(desk: Desk) -> None:
    assert run("events", "--live", cwd=desk.folder).code == 64
    unresolved = run("events", ".", "--live", cwd=desk.folder)
    assert (unresolved.code, "secret/unresolved" in unresolved.out + unresolved.err) == (1, True)
    refused = run("events", ".", "--live", cwd=desk.folder, PROD_TOKEN="wrong")
    assert refused.code == 3, refused.err


def test_events_alone_need_no_token_and_no_tenant_that_answers(desk: Desk) -> None:
    unresolved = run("events", ".", cwd=desk.folder)
    refused = run("events", ".", cwd=desk.folder, PROD_TOKEN="wrong")
    assert [
        (done.code, "info      audit, oncall" in done.out) for done in (unresolved, refused)
    ] == [(0, True), (0, True)]
    assert unresolved.err == ""
    for token in ({}, {"PROD_TOKEN": "wrong"}):  # what was not asked is null, not an empty list
        document = run("events", ".", "-o", "json", cwd=desk.folder, **token).json
        assert [part.get("switched_off") for part in document["coverage"]] == [None]
    assert "warning: the tenant was not asked what is switched off there: " in refused.err


def test_reconcile_leaves_it_until_the_manifest_says_true_and_does_not_warn_if_it_says_false(
    desk: Desk,
) -> None:
    assert (desk.run("reconcile", "--yes").code, desk.enabled) == (0, False)
    desk.declare("oncall", "enabled: false")
    for command in ("plan", "drift", "test", "doctor"):
        done = desk.run(command)
        assert (done.code, OFF in done.out) == (0, False), command
    desk.declare("oncall", "enabled: true")
    plan: Any = desk.run("plan", "-o", "json").json
    assert [field["path"] for field in plan["changes"][0]["fields"]] == [["enabled"]]
    assert desk.run("drift").code == 7
    assert (desk.run("reconcile", "--yes").code, desk.enabled) == (0, True)
