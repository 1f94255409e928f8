"""`providers`: what is installed, and what comes as a product file."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from tests.support.processes import ROOT, run

SCHEMA = Draft202012Validator(json.loads((ROOT / "schemas" / "providers.schema.json").read_text()))


def test_product_files_are_marked_in_the_list(tmp_path: Path) -> None:
    lines = run("providers", cwd=tmp_path).out.splitlines()
    marked = [line for line in lines if "product file" in line]
    assert [line.split()[0] for line in marked] == ["label-studio", "pretix"]
    assert marked[1].endswith("product file: provider: http, product: pretix")
    assert "github  (version 1)" in lines


def test_product_files_are_marked_in_json(tmp_path: Path) -> None:
    document = run("providers", "-o", "json", cwd=tmp_path).json
    SCHEMA.validate(document)
    marked = [item["name"] for item in document["providers"] if item["product_file"]]
    assert marked == ["label-studio", "pretix"]


def test_one_product_file_says_how_a_tenant_names_it(tmp_path: Path) -> None:
    shown = run("providers", "pretix", cwd=tmp_path).out
    assert "  a Tenant says         provider: http, product: pretix\n" in shown
    assert "a Tenant says" not in run("providers", "github", cwd=tmp_path).out
