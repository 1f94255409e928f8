"""`test`: one delivery each, within its time, marked as a test; what was not tested is neither
passed nor failed.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.providers.builders import LOST, Asked, Reply, problem, reply
from tests.support.processes import Tenant, run, tenant_manifest, webhook
from tests.support.receiver import TOKEN, Receiver
from tests.support.wire import wire

ALLOW = ("--allow-network", "127.0.0.0/8")
LOCAL = ("--local-file", "tenant.db", *ALLOW)
HANGING = Reply(raw=b"HTTP/1.1", again=b" ")
DELIVERED = {
    "event": "x",
    "verdict": "delivered",
    "status_code": 200,
    "detail": None,
    "seconds": 0.1,
}


def suite(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  our own output


@pytest.mark.parametrize("via", ["tenant", "probe"])
def test_the_timeout_bounds_the_attempt_which_is_made_once(tmp_path: Path, via: str) -> None:
    with Receiver() as receiver, Tenant(tmp_path / "tenant", *ALLOW) as tenant:
        repo = tmp_path / "repo"
        repo.mkdir()
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        (repo / "a.yaml").write_text(webhook("a", url=receiver.url("/hang")))
        options = ("--via", via, "--timeout", "1.5", *ALLOW)
        made = {
            form: run("test", ".", *options, "-o", form, cwd=repo, TENANT_TOKEN=tenant.token)
            for form in ("json", "junit", "markdown", "text")
        }
        assert len(receiver.requests) == len(made)
    assert {form: ended.code for form, ended in made.items()} == dict.fromkeys(made, 8), made[
        "text"
    ].err
    (delivery,) = made["json"].json["deliveries"]
    assert (delivery["verdict"], delivery["tested"], delivery["passed"]) == ("timeout", True, False)
    assert 1.4 < delivery["seconds"] < 5
    assert made["json"].json["summary"] == {"passed": 0, "failed": 1, "not_tested": 0}
    assert [failure.get("type") for failure in suite(made["junit"].out).iter("failure")] == [
        "timeout"
    ]
    assert "timeout in 1." in made["markdown"].out
    assert "Test: 0 passed, 1 failed." in made["text"].out


@pytest.mark.parametrize(
    ("given", "code", "verdict"),
    [
        (HANGING, 1, "timeout"),
        (LOST, 1, "not tested"),
        (problem(502, "gateway"), 1, "not tested"),
        (Reply(503), 1, "not tested"),
    ],
)
@pytest.mark.parametrize("form", ["junit", "markdown"])
def test_a_test_that_may_have_been_sent_is_not_repeated_and_the_report_is_written(
    tmp_path: Path, given: Reply | None, code: int, verdict: str, form: str
) -> None:
    with wire(lambda _asked: given) as server:
        (tmp_path / "tenant.yaml").write_text(tenant_manifest(server.url))
        (tmp_path / "a.yaml").write_text(webhook("a"))
        ended = run(
            "test",
            ".",
            "--timeout",
            "1",
            "-o",
            form,
            cwd=tmp_path,
            TENANT_TOKEN="t0ken-of-the-test",
        )
        assert [asked.target.rpartition("/")[2] for asked in server.asked] == ["test"]
    assert ended.code == code
    assert "error: tenant production: POST /webhooks/test: " in ended.err
    assert verdict in ended.out
    if form == "junit":
        assert suite(ended.out).get("tests") == "1"


def test_what_the_tenant_allows_no_more_of_in_the_time_of_the_run_is_not_tested(
    tmp_path: Path,
) -> None:
    with (
        Receiver() as receiver,
        Tenant(tmp_path / "tenant", *ALLOW, "--tests-per-minute", "2") as tenant,
    ):
        repo = tmp_path / "repo"
        repo.mkdir()
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        for number in range(5):
            (repo / f"{number}.yaml").write_text(webhook(f"hook-{number}", url=receiver.url()))
        forms = {}
        for form in ("json", "junit", "markdown", "text"):
            token = tenant.make_token(form, "Webhooks: Write")
            options = (
                "--deadline",
                "20",
                "--parallelism",
                "1",
                "-o",
                form,
            )  # a wait of a minute is not begun
            forms[form] = run("test", ".", *options, cwd=repo, TENANT_TOKEN=token)
    assert {form: ended.code for form, ended in forms.items()} == dict.fromkeys(forms, 8)
    found: dict[str, Any] = forms["json"].json
    assert found["summary"] == {"passed": 2, "failed": 0, "not_tested": 3}
    assert [delivery["tested"] for delivery in found["deliveries"]] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert "at most 2 a minute [rate]; it asks to wait " in found["deliveries"][4]["detail"]
    assert "Test: 2 passed, 0 failed, 3 not tested." in forms["text"].out
    assert "not tested hook-4" in forms["text"].out
    assert "failed hook" not in forms["text"].out
    assert "**failed**" not in forms["markdown"].out
    assert forms["markdown"].out.count("**not tested**") == 3
    root = suite(forms["junit"].out)
    assert (root.get("failures"), root.get("skipped")) == ("0", "3")
    assert all(str(case.get("message")).startswith("not tested: ") for case in root.iter("skipped"))


def test_a_test_is_marked_and_has_the_severity_from_each_sender(tmp_path: Path) -> None:
    with Receiver() as receiver:
        (tmp_path / "a.yaml").write_text(webhook("a", url=receiver.url()))
        assert run("test", ".", *LOCAL, "--via", "both", cwd=tmp_path).code == 0
        requests = receiver.requests
    assert len(requests) == 2
    assert [request.header("Webhook-Test") for request in requests] == ["true", "true"]
    assert [request.json["events"][0]["severity"] for request in requests] == ["info", "info"]


def test_a_wrong_credential_that_is_refused_shows_nothing_where_the_right_one_is_refused_too(
    tmp_path: Path,
) -> None:
    auth = "{type: bearer, token: {fromEnv: TOKEN}}"
    with Receiver() as receiver:
        (tmp_path / "closed.yaml").write_text(
            webhook("closed", url=receiver.url("/status/401"), auth=auth)
        )
        (tmp_path / "good.yaml").write_text(webhook("good", url=receiver.url("/bearer"), auth=auth))
        ended = run(
            "test",
            ".",
            *LOCAL,
            "--check-auth",
            "--via",
            "both",
            "-o",
            "json",
            cwd=tmp_path,
            TOKEN=TOKEN,
        )
        shown = run("test", ".", *LOCAL, "--check-auth", cwd=tmp_path, TOKEN=TOKEN)
    found = {
        (d["key"], d["via"], d["check"]): (d["verdict"], d["passed"])
        for d in ended.json["deliveries"]
    }
    for via in ("tenant", "probe"):
        assert found["closed", via, "auth"] == ("auth-refused", False)
        assert found["good", via, "auth"] == ("auth-refused", True)
    assert "the right credential was refused too, so this check shows nothing" in shown.out
    assert "hint: correct the credential first" in shown.out


def test_a_tenant_is_given_the_bound_only_where_it_is_not_the_default(tmp_path: Path) -> None:
    bodies: list[Any] = []

    def answer(asked: Asked) -> Reply:
        if asked.method == "GET":
            return reply({"items": [], "next_cursor": None})
        bodies.append(asked.body)
        return reply(DELIVERED)

    with wire(answer) as server:
        (tmp_path / "tenant.yaml").write_text(tenant_manifest(server.url))
        (tmp_path / "a.yaml").write_text(webhook("a"))
        for seconds in ("0.2", "4", "10", "30"):
            assert run("test", ".", "--timeout", seconds, cwd=tmp_path, TENANT_TOKEN="t").code == 0
    assert [body.get("timeout_seconds") for body in bodies] == [1, 4, None, None]
    assert all("timeout_seconds" not in json.dumps(body["webhook"]) for body in bodies)
