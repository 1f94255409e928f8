"""The example provider as its users have it: installed as a package, found by its entry point."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.processes import ROOT, Ended, environment, run

EXAMPLE = ROOT / "examples" / "provider"
KEY, TOKEN = "pigeon-key-0123456789", "oncall-secret-0123456789"
TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {{name: north}}
spec:
  provider: pigeon
  url: {url}
  token: {{fromEnv: PIGEON_KEY}}
  owner: payments
  target: {{loft: north}}
"""
WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: oncall}
spec:
  name: On-call
  url: https://hooks.example.com/oncall
  auth: {type: bearer, token: {fromEnv: ONCALL_TOKEN}, version: "1"}
  events: [{type: bird.landed}, {type: bird.lost}]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed in it, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "provider"
    source.mkdir()
    for file in EXAMPLE.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            copy = source / file.relative_to(EXAMPLE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, env=environment())
    return folder


class Pigeon:
    """The served product, a repository for it, and the command."""

    def __init__(self, folder: Path, site: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.env = {"PYTHONPATH": f"{site}:{ROOT}", "PIGEON_KEY": KEY, "ONCALL_TOKEN": TOKEN}
        self.write("tenant", TENANT.format(url=url))
        self.write("oncall", WEBHOOK)

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.yaml").write_text(text)

    def run(self, command: str, *options: str) -> Ended:
        ended = run(command, ".", *options, cwd=self.folder, **self.env)
        assert TOKEN not in ended.out + ended.err
        assert KEY not in ended.out + ended.err
        return ended

    def call(self, method: str, path: str = "", body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Pigeon-Key": KEY}
        request = urllib.request.Request(
            f"{self.url}/lofts/north/hooks{path}", data, headers, method=method
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "null")


@pytest.fixture
def pigeon(tmp_path: Path, site: Path) -> Iterator[Pigeon]:
    command = [sys.executable, "-m", "pigeon_provider.server", "0"]
    env = environment(PYTHONPATH=str(site), PIGEON_KEY=KEY)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        repo = tmp_path / "repo"
        repo.mkdir()
        yield Pigeon(repo, site, process.stdout.readline().strip())
        process.kill()


def test_it_is_listed_with_what_it_can_do(pigeon: Pigeon) -> None:
    ended = run("providers", "-o", "json", cwd=pigeon.folder, **pigeon.env)
    schema = run("schema", "providers", cwd=pigeon.folder).json
    Draft202012Validator(schema).validate(ended.json)
    found = {item["name"]: item for item in ended.json["providers"]}
    assert {"pigeon", "tenant"} <= found.keys()
    assert found["pigeon"]["mark"] == "field"
    assert found["pigeon"]["unique_names"] is False
    text = run("providers", "pigeon", cwd=pigeon.folder, **pigeon.env).out
    assert "target.loft        Whose pigeons., required" in text


def test_from_an_empty_product_to_an_empty_plan(pigeon: Pigeon) -> None:
    assert pigeon.run("validate").code == 0
    assert pigeon.run("reconcile", "--yes").code == 0
    assert pigeon.run("plan", "--detailed-exitcode").code == 0
    (hook,) = pigeon.call("GET")["hooks"]
    assert hook["notes"] == "[reconciler owner=payments key=oncall v=1 source=oncall.yaml]"
    assert (hook["title"], hook["events"]) == ("On-call", ["bird.landed", "bird.lost"])


def test_an_edit_past_git_is_drift_and_is_repaired(pigeon: Pigeon) -> None:
    pigeon.run("reconcile", "--yes")
    pigeon.call("PATCH", "/1", {"target": "https://elsewhere.example.com/"})
    drift = pigeon.run("drift")
    assert drift.code == 7
    assert "url" in drift.out
    assert pigeon.run("reconcile", "--yes").code == 0
    assert pigeon.call("GET", "/1")["target"] == "https://hooks.example.com/oncall"


def test_options_are_planned_written_and_compared_by_name(pigeon: Pigeon) -> None:
    pigeon.run("reconcile", "--yes")
    pigeon.write("oncall", WEBHOOK + "  options: {urgent: true, tags: [north, night]}\n")
    plan = pigeon.run("plan", "-o", "json").json
    (change,) = plan["changes"]
    assert [".".join(field["path"]) for field in change["fields"]] == [
        "options.tags",
        "options.urgent",
    ]
    assert pigeon.run("reconcile", "--yes").code == 0
    assert (pigeon.call("GET", "/1")["urgent"], pigeon.call("GET", "/1")["tags"]) == (
        True,
        ["north", "night"],
    )
    assert pigeon.run("plan", "--detailed-exitcode").code == 0
    pigeon.call("PATCH", "/1", {"urgent": False})
    assert "options.urgent" in pigeon.run("drift").out


def test_a_saved_plan_of_the_product_is_carried_out(pigeon: Pigeon) -> None:
    pigeon.write("oncall", WEBHOOK + "  options: {urgent: true}\n")
    assert pigeon.run("plan", "--out", "../plan.json").code == 0
    assert "options.urgent" in run("show", "../plan.json", cwd=pigeon.folder, **pigeon.env).out
    ended = pigeon.run("reconcile", "--plan", "../plan.json", "--yes")
    assert ended.code == 0, ended.err
    assert pigeon.call("GET", "/1")["urgent"] is True


def test_two_hooks_of_one_name_are_distinguished_by_their_marks(pigeon: Pigeon) -> None:
    second = WEBHOOK.replace("{name: oncall}", "{name: second}").replace("/oncall", "/second")
    pigeon.write("second", second)
    assert pigeon.run("reconcile", "--yes").code == 0
    assert pigeon.run("plan", "--detailed-exitcode").code == 0
    assert [hook["title"] for hook in pigeon.call("GET")["hooks"]] == ["On-call", "On-call"]


def test_a_damaged_mark_is_a_warning_and_the_webhook_is_not_deleted(pigeon: Pigeon) -> None:
    pigeon.run("reconcile", "--yes")
    pigeon.call("PATCH", "/1", {"notes": "[reconciler owner=pay"})
    ended = pigeon.run("plan", "-o", "json")
    assert [item["rule"] for item in ended.json["violations"]] == ["not-owned"]
    assert any("its mark cannot be read" in text for text in ended.json["warnings"])
    assert pigeon.run("reconcile", "--yes").code == 6
    assert len(pigeon.call("GET")["hooks"]) == 1


def test_a_deleted_manifest_deletes_the_hook_and_its_use_is_unknown(pigeon: Pigeon) -> None:
    pigeon.write("other", WEBHOOK.replace("oncall", "other").replace("On-call", "Other"))
    pigeon.run("reconcile", "--yes")
    (pigeon.folder / "oncall.yaml").unlink()
    plan = pigeon.run("plan")
    assert "deliveries unknown: the product reported no count" in plan.out
    assert pigeon.run("reconcile", "--yes").code == 0
    assert [hook["title"] for hook in pigeon.call("GET")["hooks"]] == ["Other"]


@pytest.mark.parametrize(
    ("old", "new", "place", "rule"),
    [
        ("type: bearer, token", "type: apiKey, header: X-A, value", "oncall.yaml:7:16", "auth"),
        ("{type: bird.lost}", "{type: bird.lost, version: v0}", "oncall.yaml:8:33", "event"),
        ("  name: On-call", "  options: {urgent: maybe}", "oncall.yaml:5:21", "option"),
        ("  name: On-call", "  options: {color: red}", "oncall.yaml:5:12", "option"),
    ],
)
def test_what_the_product_cannot_hold_is_an_error_with_its_place(
    pigeon: Pigeon, old: str, new: str, place: str, rule: str
) -> None:
    pigeon.write("oncall", WEBHOOK.replace(old, new))
    ended = pigeon.run("validate")
    assert ended.code == 1
    assert f"{place}: error: " in ended.err
    assert f"[provider/{rule}]" in ended.err


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("{loft: north}", "{loft: NORTH}", "target.loft does not fit pigeon: pattern must be"),
        ("{loft: north}", "{}", "target does not fit pigeon: it lacks loft"),
        ("{loft: north}", "{loft: north, x: 1}", "unknown field x; known: loft"),
        ("provider: pigeon", "provider: pidgeon", "no provider is named 'pidgeon'"),
    ],
)
def test_a_wrong_target_or_provider_is_an_error_of_the_tenant(
    pigeon: Pigeon, old: str, new: str, text: str
) -> None:
    pigeon.write("tenant", TENANT.format(url=pigeon.url).replace(old, new))
    ended = pigeon.run("validate")
    assert ended.code == 1
    assert "tenant.yaml:" in ended.err
    assert text in ended.err
    assert "1 error, 0 warnings" in ended.err


def test_doctor_asks_the_product_and_test_sends_through_it(pigeon: Pigeon) -> None:
    pigeon.run("reconcile", "--yes")
    doctor = pigeon.run("doctor")
    assert doctor.code == 0
    assert "answers with 1 webhooks" in doctor.out
    ended = pigeon.run("test", "-o", "json", "--timeout", "2")
    (check,) = ended.json["deliveries"]
    assert (check["via"], check["event"]) == ("tenant", "bird.landed")
