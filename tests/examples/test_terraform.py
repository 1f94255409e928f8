"""The commands of examples/terraform: takeover runs everywhere, rendering runs with the real
Terraform if it is installed.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.examples.test_examples import clone
from tests.examples.transcript import Terminal, terminal_in
from tests.manifests.revisions import commit
from tests.support.processes import ROOT, Tenant

FOLDER = ROOT / "examples" / "terraform"
RENDERED = "webhooks/webhooks.yaml"
EVENT = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}
OLD_URL, NEW_URL = "https://hooks.example.com/oncall", "https://hooks.example.com/pager"
TERRAFORM, JQ = shutil.which("terraform"), shutil.which("jq")
# no configuration of this machine, no network
SETTINGS = "export TF_CLI_CONFIG_FILE=/dev/null CHECKPOINT_DISABLE=1"
RENDER, PLAN_IN_CI, EXPORT, ADOPT = (
    block.splitlines()
    for block in re.findall(r"```sh\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
)


def type_in(terminal: Terminal, commands: list[str]) -> list[str]:
    """Runs commands in order; every one must exit 0. Returns the lines of the last."""
    lines: list[str] = []
    for command in commands:
        lines, code = terminal.run(command)
        assert code == 0, f"$ {command}\nended with {code}\n" + "\n".join(lines)
    return lines


def copy_example(tmp_path: Path) -> Path:
    """The example in a clone whose files are all committed."""
    folder = clone(tmp_path) / "terraform"
    commit(tmp_path)
    return folder


def make_unowned_webhooks(folder: Path) -> None:
    """Fills the tenant of `--local` as people do on its page: one webhook has another url, one is
    not in main.tf.
    """
    scans = [
        {**EVENT, "type": "elastio:recovery-point:iscan:unhealthy", "severity": level}
        for level in ("warning", "critical")
    ]
    webhooks = [
        {"name": "audit", "url": "https://hooks.example.com/audit", "events": [EVENT]},
        {"name": "billing", "url": "https://hooks.example.com/billing", "events": [EVENT]},
        {"name": "oncall", "url": NEW_URL, "events": [EVENT, *scans]},
    ]
    with Tenant(folder / ".reconciler") as tenant:
        for webhook in webhooks:
            status, body = tenant.call("POST", "/webhooks", {**webhook, "enabled": True})
            assert status == 201, body


def test_the_rendered_manifest_plans_and_is_what_terraform_renders(tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    committed = (folder / RENDERED).read_bytes()
    with terminal_in(folder) as terminal:
        assert type_in(terminal, ["reconciler validate webhooks --strict"])[-1].endswith(
            "0 errors, 0 warnings."
        )
        assert type_in(terminal, ["reconciler plan webhooks --local"])[-1].startswith(
            "Plan: 2 to create, 0 to update"
        )
        if TERRAFORM:
            type_in(terminal, [SETTINGS, f"rm {RENDERED}", *RENDER])
            assert (folder / RENDERED).read_bytes() == committed
            assert type_in(terminal, ["git status --porcelain"]) == []


def test_ci_plans_what_is_rendered_and_refuses_a_manifest_that_is_out_of_date(
    tmp_path: Path,
) -> None:
    folder = copy_example(tmp_path)
    (*_, compare, plan) = PLAN_IN_CI
    with terminal_in(folder) as terminal:
        assert type_in(terminal, [compare, plan])[-1].startswith("Plan: 2 to create")
        if TERRAFORM and JQ:
            type_in(terminal, [SETTINGS, *PLAN_IN_CI])
            main = folder / "main.tf"
            main.write_text(main.read_text().replace(OLD_URL, NEW_URL))
            type_in(terminal, PLAN_IN_CI[:-2])
        else:
            file = folder / RENDERED
            file.write_text(file.read_text().replace(OLD_URL, NEW_URL))
        lines, code = terminal.run(compare)
    assert code == 1
    assert f'+  "url": "{NEW_URL}"' in lines


def test_existing_webhooks_are_taken_over_by_export_and_adopt(tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    make_unowned_webhooks(folder)
    with terminal_in(folder) as terminal:
        assert f'+  "url": "{NEW_URL}"' in type_in(terminal, EXPORT)
        assert sorted(path.name for path in (folder / "webhooks").iterdir()) == [
            "billing.yaml",
            "webhooks.yaml",
        ]
        exported = (folder / RENDERED).read_text()
        if TERRAFORM:
            main = folder / "main.tf"
            main.write_text(main.read_text().replace(OLD_URL, NEW_URL))
            type_in(terminal, [SETTINGS, *RENDER])
            assert (folder / RENDERED).read_text() == exported
        adopted, code = terminal.run(ADOPT[0])
        assert (code, adopted[-1]) == (
            0,
            "Report: 0 created, 3 updated, 0 deleted, 0 unchanged, 0 failed, 0 skipped.",
        )
        lines, code = terminal.run(ADOPT[1])
    assert (code, lines[-1][:12]) == (0, "No changes. ")
