"""kubectl's kustomize, over folders of deploy/."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.support.processes import ROOT

DEPLOY = ROOT / "deploy"


@cache
def render(folder: Path) -> str:
    """The YAML of a kustomization."""
    done = subprocess.run(
        [Path(sys.executable).with_name("kubectl"), "kustomize", folder],
        env={},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def objects_of(name: str) -> list[dict[str, Any]]:
    """The objects of a folder of deploy/."""
    return list(yaml.safe_load_all(render(DEPLOY / name)))


def find(objects: list[dict[str, Any]], kind: str, name: str = "reconciler-operator") -> Any:
    """The one object of a kind and name."""
    (found,) = [
        item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)
    ]
    return found
