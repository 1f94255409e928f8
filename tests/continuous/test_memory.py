"""A process that runs for months: what one run leaves behind is collected, and what all runs need
is made once.
"""

from __future__ import annotations

import gc
import json
import ssl
from pathlib import Path

import pytest

from reconciler.manifests import load
from reconciler.manifests.files.object_tree import ObjectTree
from reconciler.providers.http.transport import _stamp_authorities, _trust
from tests.support.requests import make_request


def test_loading_a_snapshot_leaves_the_rest_to_the_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was frozen would count as old, and the garbage of runs, with it, be looked at never."""

    def freeze() -> None:
        raise AssertionError("everything is old now")

    monkeypatch.setattr(gc, "freeze", freeze)
    webhook = {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": "Webhook",
        "metadata": {"name": "a"},
        "spec": {
            "url": "https://hooks.example.com/a",
            "events": [{"type": "a:b", "version": "v0", "severity": "info"}],
        },
    }
    tree = ObjectTree("/cluster", {"/cluster/a/object.json": json.dumps(webhook).encode()})
    manifests = load(make_request(("/cluster/a",), tree=tree))
    assert [item.key for item in manifests.declared] == ["a"]
    assert gc.isenabled()


def test_authorities_are_read_once_until_their_file_changes(tmp_path: Path) -> None:
    import trustme  # noqa: PLC0415  it is slow

    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    first = _trust(str(file), _stamp_authorities(str(file)))
    assert _trust(str(file), _stamp_authorities(str(file))) is first
    trustme.CA().cert_pem.write_to_path(str(file), append=True)
    second = _trust(str(file), _stamp_authorities(str(file)))
    assert second is not first
    assert isinstance(second, ssl.SSLContext)
    assert len(second.get_ca_certs()) == len(first.get_ca_certs()) + 1
