"""The pages of docs/ that are read at a terminal: each of their commands is typed into a real
shell, against a served tenant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.examples.transcript import UPDATE, Terminal, play, terminal_in
from tests.support.connect_proxy import ConnectProxy
from tests.support.processes import ROOT, Tenant
from tests.support.tls_tenant import serving

DOCS = ROOT / "docs"
PAGES = ("taking-over-an-existing-tenant", "working-with-two-teams", "recovering-from-a-bad-apply")
STARTED = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}
THERE: list[dict[str, Any]] = [
    {
        "name": "Payments on-call",
        "url": "https://hooks.example.com/payments",
        "auth": {"type": "bearer", "token": "made-up"},
        "events": [STARTED],
    },
    {
        "name": "Audit log",
        "url": "https://hooks.example.com/audit",
        "description": "For the audit",
        "events": [STARTED],
    },
    {
        "name": "Scans",
        "url": "https://hooks.example.com/scans",
        "managed_by": {"owner": "search", "key": "scans"},
    },
]


@contextmanager
def desk(folder: Path) -> Iterator[tuple[Terminal, Tenant]]:
    """A terminal in an empty folder, and a tenant at the printed port with the tokens that a reader
    would have.
    """
    home = folder / "home"
    home.mkdir()
    with (
        terminal_in(home) as terminal,
        Tenant(folder / "tenant", port=int(terminal.ports["8080"])) as tenant,
    ):
        (home / ".gitconfig").write_text(
            "[user]\nname = A Reader\nemail = reader@example.com\n[init]\ndefaultBranch = main\n"
        )
        tokens = {"TENANT_TOKEN": tenant.token, "ADMIN_TOKEN": tenant.token}
        for team in ("payments", "search"):
            tokens[f"{team.upper()}_TENANT_TOKEN"] = tenant.make_token(
                team, "Webhooks: Write", owner=team
            )
        for name, value in tokens.items():
            assert terminal.run(f"export {name}={value}")[1] == 0
        assert terminal.run("mkdir work && cd work")[1] == 0
        yield terminal, tenant


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_prints_what_it_says(page: str, tmp_path: Path) -> None:
    path = DOCS / f"{page}.md"
    with desk(tmp_path) as (terminal, tenant):
        if page.startswith("taking-over"):
            for webhook in THERE:
                assert (
                    tenant.call(
                        "POST",
                        "/webhooks",
                        webhook,
                        Idempotency_Key=webhook["name"].replace(" ", "-"),
                    )[0]
                    == 201
                )

        def by_hand(what: str) -> None:
            if what.endswith(" delete"):
                tenant.remove(what.removesuffix(" delete"))
                return
            name, _, fields = what.partition("{")
            tenant.edit(name.strip(), **json.loads("{" + fields))

        ran = play(path.read_text(), terminal, by_hand)
    if UPDATE:
        path.write_text(ran.text)
    assert sum(command.split()[0] == "reconciler" for command, _ in ran.outputs) >= 5
    assert ran.outputs[-1][1][-1].startswith("No changes.")


def test_the_page_on_networks_is_run_behind_a_proxy_with_a_private_authority(
    tmp_path: Path,
) -> None:
    path, home = DOCS / "networks.md", tmp_path / "home"
    home.mkdir()
    with terminal_in(home) as terminal:
        port, proxy_port = (int(terminal.ports[printed]) for printed in ("8080", "9000"))
        with serving(tmp_path, port=port) as tenant, ConnectProxy(port=proxy_port) as proxy:
            assert (
                terminal.run(f"export TENANT_TOKEN={tenant.token}; cp {tenant.ca} company-ca.pem")[
                    1
                ]
                == 0
            )
            ran = play(path.read_text(), terminal)
            assert proxy.targets
            assert set(proxy.targets) == {f"127.0.0.1:{port}"}
            assert tenant.token.encode() not in proxy.passed
    if UPDATE:
        path.write_text(ran.text)
    outputs = ["\n".join(lines) for _, lines in ran.outputs]
    assert "its TLS certificate is not trusted" in outputs[0]
    assert "empty.pem: holds no certificate" in outputs[2]


def test_the_page_on_a_first_pipeline_starts_in_an_empty_folder(tmp_path: Path) -> None:
    path = DOCS / "first-pipeline.md"
    with terminal_in(tmp_path) as terminal:
        ran = play(path.read_text(), terminal)
    if UPDATE:
        path.write_text(ran.text)
    tokens = [(tmp_path / f"{name}-token").stat().st_mode & 0o777 for name in ("plan", "apply")]
    assert (len(ran.outputs), tokens) == (5, [0o600, 0o600])


def test_every_page_that_shows_a_prompt_is_run() -> None:
    shown = {path.stem for path in DOCS.glob("*.md") if "```console\n" in path.read_text()}
    assert shown == {*PAGES, "networks", "first-pipeline", "tutorial"}  # the last by test_readme.py
