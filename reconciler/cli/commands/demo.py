"""`reconciler demo`: the main job on this machine, with the same commands that a user would
type.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from reconciler.cli.options.output import logging_options
from reconciler.cli.terminal.console import console_of

TOKEN: Final = "demo-token-of-this-machine-only"  # noqa: S105  a made-up credential that its own receiver expects
MANIFESTS: Final = """\
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: demo-oncall, labels: {team: demo}}
spec:
  name: Demo on-call
  url: %(url)s
  enabled: true
  description: Made by reconciler demo
  auth:
    type: bearer
    token: {fromEnv: DEMO_TOKEN}
    version: "1"
  events:
    - {type: "elastio:recovery-point:create:started", version: v0, severity: info}
---
apiVersion: webhooks.reconciler/v1
kind: EventSubscription
metadata: {name: demo-scans}
spec:
  webhook: demo-oncall
  events:
    - {type: "elastio:recovery-point:iscan:unhealthy", version: v0, severity: [warning, critical]}
"""
STEPS: Final = (
    ("validate",),
    ("plan", "--local-file", "tenant.db"),
    ("reconcile", "--local-file", "tenant.db", "--yes"),
    (
        "test",
        "--local-file",
        "tenant.db",
        "--via",
        "both",
        "--check-auth",
        "--allow-network",
        "127.0.0.0/8",
    ),
    ("plan", "--local-file", "tenant.db", "--detailed-exitcode"),
)

_END: Final = """
That was the whole circle: the second plan is empty, and nothing of it stays on this machine.
A tenant that stays: %s tenant serve; it prints a sign-in link that opens its page in a browser,
and the README's tutorial goes on from there."""


@click.command("demo", epilog="Example: reconciler demo")
@logging_options
@click.pass_context
def command(ctx: click.Context) -> int:
    """Show the whole circle: a tenant, a receiver, validate, plan, reconcile, test, and a second
    plan that is empty.

    Everything happens in a temporary folder and ends by itself.
    """
    from reconciler.cli.actions.tenant.demo_receiver import DemoReceiver  # noqa: PLC0415  only here

    console = console_of(ctx)
    with (
        tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder,
        DemoReceiver(TOKEN) as receiver,
    ):
        webhooks = Path(folder, "webhooks")
        webhooks.mkdir()
        Path(webhooks, "demo.yaml").write_text(MANIFESTS % {"url": receiver.url}, "utf-8")
        for step in STEPS:
            name, *options = step
            console.data(f"\n$ reconciler {name} webhooks {shlex.join(options)}".rstrip())
            code = _run([name, "webhooks", *options], folder)
            if code:
                console.error(f"reconciler {name} ended with exit code {code}")
                return code
    console.data(_END % _typed())
    return 0


def _typed() -> str:
    """What a user has to type for this very command: its name alone only where PATH leads to it."""
    program, installed = shutil.which("reconciler"), Path(sys.executable).with_name("reconciler")
    if program is not None and installed.exists() and Path(program).samefile(installed):
        return "reconciler"
    return (
        shlex.quote(os.path.relpath(installed))
        if installed.exists()
        else f"{shlex.quote(sys.executable)} -m reconciler"
    )


def _run(arguments: list[str], folder: str) -> int:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")
    }
    path = os.pathsep.join(
        [str(Path(__file__).parents[3]), *filter(None, [clean.get("PYTHONPATH")])]
    )
    environment = {**clean, "DEMO_TOKEN": TOKEN, "PYTHONPATH": path}
    sys.stdout.flush()
    return subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "reconciler", *arguments], cwd=folder, env=environment, check=False
    ).returncode
