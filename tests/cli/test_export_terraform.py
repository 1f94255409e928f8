"""`export --as terraform`: live webhooks as resources with import blocks, without a credential."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.core.export.terraform import make_hcl
from reconciler.core.model.webhook import Subscription, Webhook
from tests.providers.github_repository import Repository
from tests.stand_ins.github import github

TERRAFORM = shutil.which("terraform")


def check_format(folder: Path) -> None:
    if TERRAFORM:  # `make tools` says where it comes from; the texts are checked without it too
        command = [TERRAFORM, "fmt", "-check", "-diff", "webhooks.tf"]
        done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_webhooks_of_a_repository_become_resources_to_import(tmp_path: Path) -> None:
    with github() as server:
        repository = Repository(tmp_path, server)
        repository.write("oncall")
        repository.reconcile()
        ((number, _),) = server.hooks.items()
        out = tmp_path / "tf"
        ended = repository.call("export", str(out), "tenant.yaml", "--as", "terraform")
        assert ended.code == 0, ended.err
        assert "1 webhook; terraform plan imports them" in ended.out
        text = (out / "webhooks.tf").read_text()
        assert (
            text
            == f"""import {{
  to = github_repository_webhook.oncall
  id = "api/{number}"
}}

variable "oncall_secret" {{
  type      = string
  sensitive = true
}}

resource "github_repository_webhook" "oncall" {{
  repository = "api"
  active     = true
  events     = ["pull_request", "push"]

  configuration {{
    url          = "https://hooks.example.com/oncall"
    content_type = "json"
    insecure_ssl = false
    secret       = var.oncall_secret
  }}
}}
"""
        )
        check_format(out)
        again = repository.call("export", str(out), "tenant.yaml", "--as", "terraform")
        assert again.code == 64
        assert "has webhooks.tf already" in again.err
        shown = repository.call("export", str(out), "tenant.yaml", "--as", "terraform", "--dry-run")
        assert shown.out.strip() == text.strip()


@pytest.mark.parametrize("kind", ["project", "group"])
def test_gitlab_hooks_say_which_events_are_off(kind: str, tmp_path: Path) -> None:
    spec = Webhook(
        'a "quoted" ${name} \b%{x}',
        "https://hooks.example.com/a",
        "two\nlines",
        subscriptions=frozenset({Subscription("issues_events", None, None)}),
        options={"enable_ssl_verification": True, "push_events_branch_filter": ""},
    )
    text = make_hcl("gitlab", {kind: "acme/api"}, [("7", spec), ("8", spec)])
    assert f'resource "gitlab_{kind}_hook" "a_quoted_name_x"' in text
    assert f'resource "gitlab_{kind}_hook" "a_quoted_name_x_8"' in text
    assert 'id = "acme/api:7"' in text
    assert re.search(r"push_events +\= false", text)
    assert re.search(r"issues_events +\= true", text)
    assert r'"a \"quoted\" $${name} \u0008%%{x}"' in text
    assert r'"two\nlines"' in text
    assert "token" not in text
    (tmp_path / "webhooks.tf").write_text(text)
    check_format(tmp_path)


def test_other_providers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: t}\n"
        "spec: {local: t.db, owner: payments}\n"
    )
    with github() as server:
        repository = Repository(tmp_path, server)
        ended = repository.call("export", "tf", "t.yaml", "--as", "terraform")
    assert ended.code == 64
    assert "github, gitlab" in ended.err
    assert json.dumps(ended.out) == '""'
