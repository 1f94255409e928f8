"""The alerts of deploy/components/monitoring, by Prometheus' own promtool."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.kustomize import find, objects_of

CASES = Path(__file__).with_name("alerts.test.yaml")


def promtool(folder: Path, *arguments: str) -> str:
    """Standard output of a call that has to end well."""
    done = subprocess.run(
        ["promtool", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def groups() -> dict[str, Any]:
    return dict(find(objects_of("overlays/monitored"), "PrometheusRule")["spec"])


def test_prometheus_reads_the_alerts_and_they_fire_when_they_should(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(groups()))
    (tmp_path / CASES.name).write_text(CASES.read_text())
    alerts = [rule["alert"] for group in groups()["groups"] for rule in group["rules"]]
    assert f"SUCCESS: {len(alerts)} rules found" in promtool(
        tmp_path, "check", "rules", "alerts.yaml"
    )
    assert "SUCCESS" in promtool(tmp_path, "test", "rules", CASES.name)


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    tests = yaml.safe_load(CASES.read_text())["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    rules = [rule for group in groups()["groups"] for rule in group["rules"]]
    assert fired == {rule["alert"] for rule in rules}
    for rule in rules:
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
