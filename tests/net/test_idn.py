"""Hosts in letters beyond ASCII: what to write instead, and nothing else of the url."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.net import idn
from tests.support.processes import run, tenant_manifest, webhook

HOSTS = [
    ("https://bücher.example/s3cret?x=1", "xn--bcher-kva.example"),
    ("https://user:s3cret@BÜCHER.example:8443/", "xn--bcher-kva.example"),
    ("http://支払い.example.com", "xn--n8j502mt1b.example.com"),
    ("https://faß.example", "xn--fa-hia.example"),
    ("https://a。b.example/", "a.b.example"),
]
OTHERS = [
    "https://a.example/é",
    "https://a.example",
    "https://☃\u200b.example",
    "https://[é",
    "é",
    "https://\ud800.example",
    "https://é" + "x" * 3000,
]


@pytest.mark.parametrize(("url", "host"), HOSTS)
def test_the_hint_is_the_host_as_dns_knows_it(url: str, host: str) -> None:
    assert idn.hint(url) == f"write the host as {host}"


@pytest.mark.parametrize("url", OTHERS)
def test_where_the_host_is_not_the_fault_there_is_no_hint(url: str) -> None:
    assert idn.hint(url) is None


def test_webhooks_tenants_and_the_option_get_the_hint(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        webhook("a", url="https://bücher.example/a")
        + "---\n"
        + tenant_manifest("https://tenänt.example/v1")
    )
    found = run("validate", ".", "-o", "json", cwd=tmp_path).json["problems"]
    assert [problem["hint"] for problem in found] == [
        "write the host as xn--bcher-kva.example",
        "write the host as xn--tennt-ira.example",
    ]
    done = run(
        "plan", ".", "--tenant-url", "https://bücher.example/v1", "--owner", "a", cwd=tmp_path
    )
    assert "write the host as xn--bcher-kva.example" in done.err
