"""`test` where the tenant itself is at fault: an error and its exit code, no verdict and no
traceback.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.providers.builders import LOST, Asked, Reply, problem, reply
from tests.support.processes import run, tenant_manifest, webhook
from tests.support.wire import wire


@pytest.mark.parametrize(
    ("given", "code", "kind"),
    [
        (problem(401, "token"), 3, "unauthorized"),
        (problem(422, "invalid"), 1, "rejected"),
        (problem(500, "fault"), 1, "tenant-fault"),
        (Reply(200, b"<html>", media="text/html"), 1, "bad-answer"),
        (reply({"verdict": "great"}), 1, "bad-answer"),
        (LOST, 1, "unreachable"),
    ],
)
def test_a_tenant_that_cannot_test_is_an_error_of_the_command(
    tmp_path: Path, given: Reply | None, code: int, kind: str
) -> None:
    with wire(lambda _asked: given) as server:
        (tmp_path / "tenant.yaml").write_text(tenant_manifest(server.url))
        for key in ("one", "two"):
            (tmp_path / f"{key}.yaml").write_text(webhook(key))
        ended = run(
            "test",
            ".",
            "--deadline",
            "60",
            "-o",
            "json",
            cwd=tmp_path,
            TENANT_TOKEN="t0ken-of-the-test",
        )
    assert ended.code == code, ended.err
    assert (ended.json["format"], ended.json["kind"]) == ("reconciler.error/v1", kind)
    assert "Traceback" not in ended.err


def test_an_answer_before_the_deadline_is_reported_for_the_webhook_that_was_tried_again(
    tmp_path: Path,
) -> None:
    turned: Counter[str] = Counter()

    def answer(asked: Asked) -> Reply | None:
        endless = Reply(raw=b"HTTP/1.1", again=b" ")
        if asked.method == "GET":  # which webhooks are switched off, if the machine was fast enough
            return endless
        name = asked.body["webhook"]["name"]
        turned[name] += 1
        return problem(503, "busy", "the disk is full") if turned[name] == 1 else endless

    with wire(answer) as server:
        (tmp_path / "tenant.yaml").write_text(tenant_manifest(server.url))
        for key in ("one", "two"):
            (tmp_path / f"{key}.yaml").write_text(webhook(key))
        options = ("--deadline", "4", "--parallelism", "1", "-o", "json")
        ended = run("test", ".", *options, cwd=tmp_path, TENANT_TOKEN="t0ken-of-the-test")
    assert ended.code == 8, ended.err
    assert "--deadline was reached before every endpoint was tested" in ended.err
    one, two = ended.json["deliveries"]
    assert (one["verdict"], two["verdict"]) == ("interrupted", "interrupted")
    assert one["detail"].startswith(
        "not tested: the run ended before it; before that: tenant production: POST "
        "/webhooks/test: the tenant answered 503"
    )
    assert "the disk is full" in one["detail"]
    assert two["detail"] == "not tested: the run ended before it"
