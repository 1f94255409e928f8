"""`test` against receivers of every kind, through the tenant and from this machine: each gets its verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import run, webhook
from tests.support.receiver import Receiver

CASES = {
    "/ok": "delivered",
    "/status/401": "auth-refused",
    "/status/403": "auth-refused",
    "/status/404": "not-found",
    "/status/422": "rejected",
    "/status/500": "receiver-error",
    "/redirect": "redirected",
    "/drop": "broken",
    "/garbage": "broken",
}


@pytest.mark.parametrize("via", ["tenant", "probe"])
def test_every_kind_of_receiver_gets_its_verdict(tmp_path: Path, via: str) -> None:
    with Receiver() as receiver:
        for number, path in enumerate(CASES):
            (tmp_path / f"{number}.yaml").write_text(webhook(f"hook-{number}", url=receiver.url(path)))
        options = ["--local-file", "tenant.db", "--via", via, "-o", "json", "--allow-network", "127.0.0.0/8"]
        ended = run("test", ".", *options, cwd=tmp_path)
    assert ended.code == 8, ended.err
    verdicts = {delivery["key"]: delivery["verdict"] for delivery in ended.json["deliveries"]}
    assert verdicts == {f"hook-{number}": verdict for number, verdict in enumerate(CASES.values())}
    assert {delivery["via"] for delivery in ended.json["deliveries"]} == {via}


def test_loopback_is_blocked_unless_it_is_allowed(tmp_path: Path) -> None:
    with Receiver() as receiver:
        (tmp_path / "hook.yaml").write_text(webhook("hook", url=receiver.url("/ok")))
        ended = run("test", ".", "--local-file", "tenant.db", "--via", "both", "-o", "json", cwd=tmp_path)
        assert not receiver.requests
    assert ended.code == 8
    assert {delivery["verdict"] for delivery in ended.json["deliveries"]} == {"blocked"}
