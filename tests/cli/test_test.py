"""`test`: what is sent by whom, what passes, and that a run which is cut off tells what it
found.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.providers.builders import Asked, Reply, problem
from tests.support.processes import Tenant, run, start, tenant_manifest, webhook
from tests.support.receiver import TOKEN, Receiver
from tests.support.wire import proxy

ALLOW = ("--allow-network", "127.0.0.0/8")
LOCAL = ("--local-file", "tenant.db", *ALLOW, "-o", "json")
SECRET = "{type: bearer, token: {fromEnv: TOKEN}}"


def test_check_auth_passes_where_a_wrong_credential_is_refused_and_fails_where_it_is_taken(
    tmp_path: Path,
) -> None:
    with Receiver() as receiver:
        (tmp_path / "good.yaml").write_text(
            webhook("good", url=receiver.url("/bearer"), auth=SECRET)
        )
        (tmp_path / "lax.yaml").write_text(webhook("lax", url=receiver.url("/ok"), auth=SECRET))
        (tmp_path / "open.yaml").write_text(webhook("open", url=receiver.url("/ok")))
        ended = run("test", ".", *LOCAL, "--check-auth", "--via", "both", cwd=tmp_path, TOKEN=TOKEN)
    assert ended.code == 8, ended.err
    verdicts = {
        (d["key"], d["via"], d["check"]): (d["verdict"], d["passed"])
        for d in ended.json["deliveries"]
    }
    for via in ("tenant", "probe"):
        assert verdicts[("good", via, "auth")] == ("auth-refused", True)
        assert verdicts[("lax", via, "auth")] == ("delivered", False)
        assert verdicts[("open", via, "delivery")] == ("delivered", True)
        assert ("open", via, "auth") not in verdicts
    assert ended.json["summary"] == {"passed": 8, "failed": 2, "not_tested": 0}


def test_disabled_webhooks_are_tested_and_every_subscription_only_when_asked(
    tmp_path: Path,
) -> None:
    more = 'events: [{type: "elastio:recovery-point:iscan:unhealthy", version: v0, severity: [warning, critical]}]'
    scans = (
        f"apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {{name: "
        f"s}}\nspec: {{webhook: a, {more}}}\n"
    )
    with Receiver() as receiver:
        (tmp_path / "a.yaml").write_text(webhook("a", url=receiver.url(), extra="enabled: false"))
        (tmp_path / "s.yaml").write_text(scans)
        assert len(run("test", ".", *LOCAL, cwd=tmp_path).json["deliveries"]) == 1
        assert len(run("test", ".", *LOCAL, "--all-events", cwd=tmp_path).json["deliveries"]) == 3
        assert len(receiver.requests) == 4


def test_an_endpoint_slower_than_max_latency_fails_that_check(tmp_path: Path) -> None:
    with Receiver() as receiver:
        (tmp_path / "a.yaml").write_text(webhook("a", url=receiver.url()))
        slow = run("test", ".", *LOCAL, "--max-latency", "0", cwd=tmp_path)
        fine = run("test", ".", *LOCAL, "--max-latency", "60000", cwd=tmp_path)
    assert (slow.code, fine.code) == (8, 0)
    assert [(d["check"], d["passed"]) for d in slow.json["deliveries"]] == [
        ("delivery", True),
        ("latency", False),
    ]


def test_a_probe_needs_no_tenant_even_where_several_are_declared(tmp_path: Path) -> None:
    for name in ("one", "two"):
        text = tenant_manifest(f"https://{name}.example.com/public-api/v1").replace(
            "production", name
        )
        (tmp_path / f"{name}.yaml").write_text(text)
    with Receiver() as receiver:
        (tmp_path / "a.yaml").write_text(webhook("a", url=receiver.url()))
        assert run("test", ".", "--via", "probe", *ALLOW, cwd=tmp_path).code == 0
        assert run("test", ".", *ALLOW, cwd=tmp_path).code == 64


def hanging(folder: Path, receiver: Receiver) -> None:
    (folder / "a.yaml").write_text(webhook("a", url=receiver.url()))
    (folder / "b.yaml").write_text(webhook("b", url=receiver.url("/hang")))


@pytest.mark.parametrize("via", ["tenant", "probe"])
def test_the_deadline_ends_a_test_that_still_reports_what_was_tested(
    tmp_path: Path, via: str
) -> None:
    with Receiver() as receiver:
        hanging(tmp_path, receiver)
        options = ("--via", via, "--deadline", "5", "--parallelism", "1")
        ended = run("test", ".", *LOCAL, *options, cwd=tmp_path)
    assert ended.code == 8, ended.err
    assert [(d["key"], d["verdict"]) for d in ended.json["deliveries"]] == [
        ("a", "delivered"),
        ("b", "interrupted"),
    ]
    assert "--deadline" in ended.err


def test_ctrl_c_ends_a_test_with_130_that_still_reports_what_was_tested(tmp_path: Path) -> None:
    with Receiver() as receiver:
        hanging(tmp_path, receiver)
        process = start("test", ".", *LOCAL, "--via", "probe", "--parallelism", "1", cwd=tmp_path)
        assert receiver.wait(2, seconds=30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert [d["verdict"] for d in json.loads(out)["deliveries"]] == ["delivered", "interrupted"]
    assert json.loads(out)["deliveries"][1]["detail"].endswith(
        "the endpoint may have received the test"
    )
    assert "Traceback" not in err


def test_a_tenant_that_is_busy_is_waited_for_more_often_than_a_failing_one_is_tried(
    tmp_path: Path,
) -> None:
    turned: Counter[str] = Counter()

    def busy(asked: Asked) -> Reply | None:
        if asked.body is None:
            return None  # the live state, after the tests
        name = asked.body["webhook"]["name"]
        turned[name] += 1
        return (
            problem(429, "rate", retry_after="0") if turned[name] <= 8 else None
        )  # of what fails, the sixth try is the last

    with (
        Receiver() as receiver,
        Tenant(tmp_path / "tenant", *ALLOW) as tenant,
        proxy(tenant.url, before=busy) as between,
    ):
        repo = tmp_path / "repo"
        repo.mkdir()
        (repo / "tenant.yaml").write_text(tenant_manifest(between.url))
        for number in range(3):
            (repo / f"{number}.yaml").write_text(webhook(f"hook-{number}", url=receiver.url()))
        ended = run(
            "test",
            ".",
            "-o",
            "json",
            "-vv",
            "--deadline",
            "60",
            cwd=repo,
            TENANT_TOKEN=tenant.token,
        )
    assert ended.code == 0, ended.err
    assert ended.json["summary"] == {"passed": 3, "failed": 0, "not_tested": 0}
    assert turned == {f"hook-{number}": 9 for number in range(3)}
    assert "warning: tenant production: POST /webhooks/test: the tenant answered 429" in ended.err
    assert " UTC, then again" in ended.err
    assert ": 429 in " in ended.err or ": overloaded in " in ended.err


def test_an_unreachable_tenant_is_1_and_no_webhook_is_blamed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a"))
    url = ("--tenant-url", "http://127.0.0.1:1/public-api/v1", "--deadline", "2", "-o", "json")
    ended = run("test", ".", *url, cwd=tmp_path, RECONCILER_TENANT_TOKEN="t")
    assert ended.code == 1
    assert ended.json["kind"] == "unreachable"
