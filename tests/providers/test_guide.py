"""The guide `docs/write-a-provider.md`: its test file runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from reconciler.providers.conformance.checks import list_rows
from reconciler.providers.conformance.subject import Setting
from tests.providers.test_conformance import EXAMPLE, PIGEON
from tests.support.processes import ROOT, environment


def test_the_test_file_of_the_guide_passes(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "write-a-provider.md").read_text()
    (code,) = re.findall(r"```python\n(import os.*?)```", text, re.DOTALL)
    (tmp_path / "test_pigeon.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pigeon.py"]
    done = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        # the plugin of kmock, among the packages of these tests, needs one that is not there
        env=environment(PYTHONPATH=f"{ROOT}:{EXAMPLE}", PYTEST_ADDOPTS="-p no:kmock"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    rows = list_rows(Setting(PIGEON.capabilities, over_http=True, has_session=True))
    assert f"{len(rows)} passed" in done.stdout, done.stdout
