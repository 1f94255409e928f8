"""`test` against receivers of every kind, through the tenant and from this machine: each gets its
verdict.
"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.processes import Tenant, run, tenant_manifest, webhook
from tests.support.receiver import HEADER, KEY, PASSWORD, TOKEN, USERNAME, Receiver
from tests.support.tls import Authority, TlsReceiver

CASES = {
    "/ok": "delivered",
    "/status/401": "auth-refused",
    "/status/403": "auth-refused",
    "/status/404": "not-found",
    "/status/405": "not-found",
    "/status/410": "not-found",
    "/status/422": "rejected",
    "/status/500": "receiver-error",
    "/redirect": "redirected",
    "/drop": "broken",
    "/reset": "broken",
    "/garbage": "broken",
    "/hang": "timeout",
    "/drip": "timeout",
}
AUTHS = {
    "/basic": f"{{type: basic, username: {USERNAME}, password: {{fromEnv: A_%s}}}}",
    "/bearer": "{type: bearer, token: {fromEnv: A_%s}}",
    "/apikey": f"{{type: apiKey, header: {HEADER}, value: {{fromEnv: A_%s}}}}",
}
ENV = {"A_BASIC": PASSWORD, "A_BEARER": TOKEN, "A_APIKEY": KEY, "A_WRONG": "wrong-credential"}
LOCAL = ("--local-file", "tenant.db", "-o", "json")


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def declare(folder: Path, receiver: Receiver, stranger: Receiver) -> dict[str, str]:
    """A webhook for each kind of receiver, and which verdict is due."""
    wanted: dict[str, str] = {}

    def add(url: str, verdict: str, auth: str = "") -> None:
        key = f"hook-{len(wanted):02}"
        (folder / f"{key}.yaml").write_text(webhook(key, url=url, auth=auth))
        wanted[key] = verdict

    for path, verdict in CASES.items():
        add(receiver.url(path), verdict)
    for path, auth in AUTHS.items():
        add(receiver.url(path), "delivered", auth % path[1:].upper())
        add(receiver.url(path), "auth-refused", auth % "WRONG")
    add(f"http://127.0.0.1:{unused_port()}/", "refused")
    add("https://no-such-name.invalid/", "unresolved")
    add(stranger.url("/ok"), "tls")
    add(receiver.url("/ok").replace("http:", "https:"), "tls")
    return wanted


@pytest.mark.long
def test_every_kind_of_receiver_gets_its_verdict_through_a_served_tenant_and_from_this_machine(
    tmp_path: Path,
) -> None:
    allowed, repo = ("--allow-network", "127.0.0.0/8"), tmp_path / "repo"
    repo.mkdir()
    with (
        Receiver() as receiver,
        TlsReceiver(Authority()) as stranger,
        Tenant(tmp_path / "tenant", *allowed) as tenant,
    ):
        wanted = declare(repo, receiver, stranger)
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        options = ("--via", "both", "--parallelism", "50", "-o", "json", *allowed)
        ended = run("test", ".", *options, cwd=repo, TENANT_TOKEN=tenant.token, **ENV)
        landed = [request for request in receiver.requests if request.path == "/landed"]
        assert tenant.webhooks() == []  # a test stores nothing
    assert ended.code == 8, ended.err
    for via in ("tenant", "probe"):
        assert {
            found["key"]: found["verdict"]
            for found in ended.json["deliveries"]
            if found["via"] == via
        } == wanted
    assert all(
        found["passed"] == (found["verdict"] == "delivered") for found in ended.json["deliveries"]
    )
    assert not landed


def test_with_check_auth_an_endpoint_that_takes_any_credential_fails_and_one_that_refuses_passes(
    tmp_path: Path,
) -> None:
    with Receiver() as receiver:
        for key, path in (("careful", "/bearer"), ("careless", "/ok")):
            (tmp_path / f"{key}.yaml").write_text(
                webhook(key, url=receiver.url(path), auth=AUTHS["/bearer"] % "BEARER")
            )
        options = (*LOCAL, "--via", "both", "--check-auth", "--allow-network", "127.0.0.0/8")
        ended = run("test", ".", *options, cwd=tmp_path, **ENV)
    assert ended.code == 8, ended.err
    found = {
        (d["key"], d["via"], d["check"]): (d["verdict"], d["passed"])
        for d in ended.json["deliveries"]
    }
    for via in ("tenant", "probe"):
        assert (
            found["careful", via, "delivery"]
            == found["careless", via, "delivery"]
            == ("delivered", True)
        )
        assert found["careful", via, "auth"] == ("auth-refused", True)
        assert found["careless", via, "auth"] == ("delivered", False)


def test_loopback_is_blocked_unless_it_is_allowed(tmp_path: Path) -> None:
    with Receiver() as receiver:
        (tmp_path / "hook.yaml").write_text(webhook("hook", url=receiver.url("/ok")))
        ended = run("test", ".", *LOCAL, "--via", "both", cwd=tmp_path)
        assert not receiver.requests
    assert ended.code == 8
    assert {delivery["verdict"] for delivery in ended.json["deliveries"]} == {"blocked"}
