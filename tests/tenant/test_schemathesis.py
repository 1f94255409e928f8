"""Schemathesis asks a served tenant whatever its OpenAPI document allows and what it forbids: no
5xx, nothing undocumented.

Bounded in time here; `make fuzz` goes on for longer. Expected refusals stand in
`schemathesis.toml`, each with its reason.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import Tenant, environment

CONFIG = Path(__file__).with_name("schemathesis.toml")
SECONDS = int(os.environ.get("FUZZ_SECONDS", "8"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
TOKENS = {  # name: scopes, owner
    "full": (("Webhooks: Write", "Events: Write"), None),
    "read": (("Webhooks: Read",), None),
    "owner": (("Webhooks: Write", "Events: Write"), "payments"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", TOKENS)
def test_the_tenant_answers_as_its_document_says_to_whatever_it_allows(
    tmp_path: Path, name: str
) -> None:
    scopes, owner = TOKENS[name]
    with Tenant(tmp_path) as tenant:
        token = tenant.make_token(name, *scopes, owner=owner)
        asked = [
            "run",
            f"{tenant.url}/openapi.json",
            "-H",
            f"Authorization: Bearer {token}",
            "--seed",
            "1",
            "--no-color",
        ]
        # One worker: hypothesis parses source, and in Python 3.11 two threads that parse at once
        # can break each other. The examples of the document are held to their schemas by
        # test_contract.py.
        bounds = ["--max-examples", str(EXAMPLES), "--max-time", str(SECONDS), "--workers", "1"]
        bounds += ["--checks", "all", "--phases", "coverage,fuzzing,stateful"]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "schemathesis.cli",
                "--config-file",
                str(CONFIG),
                *asked,
                *bounds,
            ],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS + 120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16/16" in done.stdout
    assert "Unsupported regex" not in done.stdout
