"""`reconciler init`: a first repository layout that validates and plans. Never overwrites."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from reconciler.cli.options.output import logging_options
from reconciler.cli.terminal.console import console_of

TENANT: Final = """\
# Where webhooks live, and who owns them. `reconciler explain Tenant` says what else may stand here.
apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata:
  name: first
spec:
  owner: first-team # two repositories that share a tenant have two owners
  local: .reconciler/tenant.db # the embedded tenant in a file, to try things; a served one has:
  # url: https://acme.example.com/public-api/v1
  # token: {fromEnv: TENANT_TOKEN}
"""
WEBHOOK: Final = """\
# An endpoint and what it receives. `reconciler explain Webhook` says what else may stand here,
# `reconciler events` which events there are.
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata:
  name: oncall # the key in Git
  labels: {team: first-team}
spec:
  name: On-call # the name in the tenant
  url: https://hooks.example.com/elastio
  enabled: true # left out, it would be as somebody switches it at the tenant
  auth:
    type: bearer
    token: {fromEnv: ONCALL_TOKEN} # a reference; a credential never stands in a manifest
    version: "1" # raise it to send a rotated credential
  events:
    - type: elastio:recovery-point:iscan:unhealthy
      version: v0
      severity: [warning, critical]
"""
POLICY: Final = """\
# A rule that planned webhooks have to keep; a plan that breaks it is refused. `reconciler explain
# Policy` says what else may stand here, `reconciler schema planned-webhook` what its schema sees.
apiVersion: webhooks.reconciler/v1
kind: Policy
metadata:
  name: https
spec:
  message: endpoints are reached by https
  schema:
    properties:
      url: {pattern: "^https://"}
"""
MANIFESTS: Final = {
    "tenant.yaml": TENANT,
    "webhooks/oncall.yaml": WEBHOOK,
    "policies/https.yaml": POLICY,
}
SCHEMA: Final = ".schemas/manifest.schema.json"  # hidden, so that no run reads it as a manifest

EPILOG = """\b
Examples:
  reconciler init
  reconciler init infrastructure/webhooks
"""


@click.command("init", epilog=EPILOG)
@click.argument("folder", metavar="[DIR]", default=".")
@logging_options
@click.pass_context
def command(ctx: click.Context, folder: str) -> None:
    """Write a first Tenant manifest, webhook and policy into DIR, by default the current folder.
    Never overwrites a file.

    The JSON Schema of manifests is written beside them: editors with the YAML language server check
    and complete offline.
    """
    console, root, files = console_of(ctx), Path(folder), _files()
    there = [name for name in files if os.path.lexists(root / name)]
    if there:
        raise click.ClickException(
            f"{', '.join(str(root / name) for name in there)}: there already; nothing was written"
        )
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as handle:
            handle.write(text)
        console.data(f"wrote {file}")
    console.say(f"next: reconciler validate {root}, then reconciler plan {root}")


def _files() -> dict[str, str]:
    """The text of each file by its path; a manifest begins with the line by which editors find the
    schema.
    """
    from reconciler.manifests.schema_texts import read_schema_text  # noqa: PLC0415  `--help` does not need it

    files = {
        name: f"# yaml-language-server: $schema={'../' * name.count('/')}{SCHEMA}\n{text}"
        for name, text in MANIFESTS.items()
    }
    return {**files, SCHEMA: read_schema_text("manifest")}
