"""The example of each product is valid, and is the one that its page shows."""

from __future__ import annotations

import re

import pytest

from tests.support.processes import ROOT, run

FOLDER = ROOT / "examples" / "products"
PRODUCTS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
ENV = {
    "GITEA_TOKEN": "t",
    "GITHUB_TOKEN": "t",
    "GITLAB_TOKEN": "t",
    "MLFLOW_LOGIN": "user:t",
    "LABEL_STUDIO_TOKEN": "t",
    "PRETIX_TOKEN": "t",
    "CI_HOOK_KEY": "k",
    "CI_HOOK_TOKEN": "k",
    "MLFLOW_HOOK_KEY": "k",
    "SVIX_TOKEN": "t",
    "SVIX_HOOK_KEY": f"whsec_{'a' * 32}",
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_example_of_a_product_is_valid_and_stands_on_its_page(name: str) -> None:
    shown = re.search(
        r"```yaml\n(.*?)```", (ROOT / f"docs/provider-{name}.md").read_text(), re.DOTALL
    )
    assert shown is not None
    assert (FOLDER / name / "webhooks.yaml").read_text() == shown[1]
    ended = run("validate", ".", cwd=FOLDER / name, timeout=60, **ENV)
    assert ended.code == 0, ended.out + ended.err
    assert "2 documents (0 skipped): 0 errors, 0 warnings." in ended.out
