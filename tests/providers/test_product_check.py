"""`providers check FILE`: the checks of the kit over a product file, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers.test_product_file import make_spec, write_manifests
from tests.stand_ins.rest import TOKEN, open_rest


def test_check_runs_the_kit_against_the_product(tmp_path: Path) -> None:
    with open_rest() as server:
        repository = write_manifests(tmp_path, server, make_spec())
        more = ("--url", server.url, "--event", "a", "--event", "b")
        repository.env["RECONCILER_TENANT_TOKEN"] = TOKEN
        checked = repository.call("providers", "check", "product.yaml", *more)
        assert checked.code == 0, checked.err
        assert "ok      no duplicate: a lost answer leaves one webhook" in checked.err
        assert not server.hooks
        server.hooks[1] = {
            "id": 1,
            "config": {"url": "https://a.example"},
            "active": True,
            "events": [],
        }
        refused = repository.call("providers", "check", "product.yaml", *more)
        assert refused.code == 64
        assert "holds webhooks" in refused.err
        assert list(server.hooks) == [1]


def test_check_fails_where_the_file_is_wrong_about_the_product(tmp_path: Path) -> None:
    with open_rest() as server:
        spec = make_spec()
        spec["fields"]["description"] = "/config/url"
        repository = write_manifests(tmp_path, server, spec)
        repository.env["RECONCILER_TENANT_TOKEN"] = TOKEN
        more = ("--url", server.url, "--event", "a", "--event", "b")
        checked = repository.call("providers", "check", "product.yaml", *more)
        assert checked.code == 1
        assert "checks failed" in checked.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("check",), "needs the FILE"),
        (("mlflow", "x.yaml"), "only check takes a FILE"),
        (("check", "product.yaml", "--url", "http://127.0.0.1:9"), "RECONCILER_TENANT_TOKEN"),
        (("check", "tenant.yaml"), "0 Products"),
    ],
)
def test_check_says_what_it_lacks(arguments: tuple[str, ...], text: str, tmp_path: Path) -> None:
    with open_rest() as server:
        repository = write_manifests(tmp_path, server, make_spec())
        (tmp_path / "tenant.yaml").write_text(
            (tmp_path / "tenant.yaml")
            .read_text()
            .replace("provider: http\n  product: rest", "provider: tenant")
        )
        ended = repository.call("providers", *arguments)
        assert ended.code != 0
        assert text in ended.err
