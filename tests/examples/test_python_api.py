"""The script of examples/python-api: against the embedded tenant in a file, and a served one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.examples.transcript import UPDATE
from tests.support.processes import ROOT, Tenant, environment, run, tenant_manifest

EXAMPLE = ROOT / "examples/python-api"
EXPECTED = EXAMPLE / "plan.expected"
DIGEST = re.compile(r"^digest sha256:[0-9a-f]{64}\n", re.MULTILINE)


def copy(folder: Path) -> Path:
    ignored = shutil.ignore_patterns(".reconciler", "__pycache__")
    return Path(shutil.copytree(EXAMPLE, folder / "example", ignore=ignored))


def printed(folder: Path, **env: str) -> str:
    """What the script prints, without digests."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "plan_and_reconcile.py"],
        cwd=folder,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return DIGEST.sub("", done.stdout)


def test_the_script_prints_the_plan_and_carries_it_out(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    first = printed(folder)
    plan, _, report = first.partition("created ")
    if UPDATE:
        EXPECTED.write_text(plan.rstrip("\n") + "\n")

    assert plan.strip() == EXPECTED.read_text().strip()
    assert "Report: 1 created, 0 updated, 0 deleted, 0 unchanged, 0 failed, 0 skipped." in report
    assert "No changes. 1 unchanged" in printed(folder)
    assert run("plan", "webhooks", cwd=folder).out.splitlines()[-1].startswith("No changes.")


def test_the_script_plans_and_reconciles_a_served_tenant(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    with Tenant(tmp_path / "tenant") as tenant:
        (folder / "webhooks" / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        first = printed(folder, TENANT_TOKEN=tenant.token)

        assert "Plan: 1 to create, 0 to update, 0 to delete" in first
        assert [webhook["name"] for webhook in tenant.webhooks()] == ["backup-oncall"]
        assert "No changes. 1 unchanged" in printed(folder, TENANT_TOKEN=tenant.token)
        assert tenant.token not in first
