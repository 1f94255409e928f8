"""`reconcile --all-tenants --expect-digest` and `--accept`: what was approved is the plans of all
tenants together.
"""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.safety.plan_digest import make_common_digest
from tests.e2e.environments import LOCAL, World, codes, count_webhooks, everywhere, manifest
from tests.support.processes import Ended, run, start, webhook
from tests.support.receiver import Receiver

# so that a run that replaces everything is not taken for another's
KNOWN = ", repository: forge.example/acme/webhooks"


class Repository:
    """Two webhooks for two embedded tenants, `a` in wave 1 and `b` in wave 2; their endpoints
    have no listener.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.declare("one", "two")
        for name, wave in (("a", 1), ("b", 2)):
            (folder / f"t-{name}.yaml").write_text(
                manifest(name, f"{name}.db", wave=wave, extra=KNOWN)
            )

    def declare(self, *keys: str) -> None:
        """Just these, switched off, so that a wave has nothing to test."""
        for key in ("one", "two"):
            (self.folder / f"{key}.yaml").unlink(missing_ok=True)
        for key in keys:
            (self.folder / f"{key}.yaml").write_text(webhook(key, extra="enabled: false"))

    def run(
        self, command: str, *options: str, paths: tuple[str, ...] = (".",), **env: str
    ) -> Ended:
        return run(command, *paths, *options, cwd=self.folder, **env)

    def approved(self, *options: str, paths: tuple[str, ...] = (".",)) -> str:
        return str(
            self.run("plan", "--all-tenants", "-o", "json", *options, paths=paths).json["digest"]
        )

    def reconcile(self, *options: str, **env: str) -> tuple[int, dict[str, Any], Ended]:
        """A reconcile of all: the exit code, and each tenant's part."""
        done = self.run("reconcile", "--all-tenants", "--yes", "-o", "json", *options, **env)
        return done.code, {part["tenant"]: part for part in done.json["runs"]}, done

    def count_webhooks(self, tenant: str) -> int:
        """How many webhooks a tenant holds."""
        return count_webhooks(self.folder / f"{tenant}.db")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_the_digest_is_the_same_in_every_form_and_run_whatever_the_order_of_paths(
    repository: Repository,
) -> None:
    files = ("one.yaml", "two.yaml", "t-a.yaml", "t-b.yaml")
    digest = repository.approved(paths=files)
    assert repository.approved(paths=files[::-1]) == digest
    text = repository.run("plan", "--all-tenants").out.splitlines()
    assert text[-2:] == [f"digest {digest}", "2 tenants: 2 done."]
    markdown = repository.run("plan", "--all-tenants", "-o", "markdown").out.splitlines()
    assert next(line for line in markdown if "digest" in line) == f"`digest {digest}`"


def test_a_tenant_that_has_nothing_of_what_is_asked_for_has_no_part_in_the_digest(
    repository: Repository,
) -> None:
    (repository.folder / "t-b.yaml").write_text(
        manifest("b", "b.db", wave=2, extra=", select: {matchLabels: {team: other}}")
    )
    digest = repository.approved("--only", "one")
    code, done, _ = repository.reconcile("--only", "one", "--expect-digest", digest)
    assert (code, codes(done)) == (0, {"a": 0, "b": 0})
    assert (done["a"]["report"]["summary"]["created"], "nothing to do" in done["b"]["note"]) == (
        1,
        True,
    )


def test_the_digest_that_was_approved_carries_all_out_and_the_empty_plans_have_one_too(
    world: World,
) -> None:
    digest = world.run("plan", "-o", "json").json["digest"]
    code, done = world.json("reconcile", "--expect-digest", digest, "--test-first")
    assert (code, codes(done)) == (0, {"dev": 0, "staging": 0, "production": 0})
    assert [part["report"]["summary"]["created"] for part in done.values()] == [1, 1, 1]
    empty = world.run("plan", "--detailed-exitcode", "-o", "json")
    assert (empty.code, empty.json["digest"] == digest) == (0, False)
    code, done = world.json("reconcile", "--expect-digest", empty.json["digest"])
    assert (code, [part["report"]["summary"]["unchanged"] for part in done.values()]) == (
        0,
        [1, 1, 1],
    )


def test_a_change_at_the_last_tenant_since_the_approval_is_5_and_nothing_is_written_anywhere(
    repository: Repository,
) -> None:
    before = repository.run("plan", "--all-tenants", "-o", "json").json
    assert repository.run("reconcile", "--tenant", "b", "--only", "one", "--yes").code == 0
    code, done, ended = repository.reconcile("--expect-digest", before["digest"])
    assert (code, codes(done)) == (5, {"a": 5, "b": 5})
    now = {tenant: part["plan"]["digest"] for tenant, part in done.items()}
    assert [part["error"]["kind"] for part in done.values()] == ["stale-plan"] * 2
    assert all(now[tenant] in part["error"]["message"] for tenant, part in done.items())
    then = {part["tenant"]: part["plan"]["digest"] for part in before["runs"]}
    assert (now["a"] == then["a"], now["b"] == then["b"]) == (True, False)
    assert (
        ended.json["digest"]
        == make_common_digest(now)
        != before["digest"]
        == make_common_digest(then)
    )
    assert ended.json["digest"] in ended.err
    assert (repository.count_webhooks("a"), repository.count_webhooks("b")) == (0, 1)


def test_text_says_which_plans_stand_with_which_digest(repository: Repository) -> None:
    plans = repository.run("plan", "--all-tenants", "-o", "json").json
    a, b = (part["plan"]["digest"] for part in plans["runs"])
    done = repository.run("reconcile", "--all-tenants", "--yes", "--expect-digest", "sha256:0")
    assert done.code == 5
    assert done.out.splitlines() == [
        "== a (wave 1): plan ==",
        f"digest {a}",
        "Plan: 2 to create, 0 to update, 0 to delete, 0 unchanged (0 unmanaged, 0 out of scope).",
        "",
        "== b (wave 2): plan ==",
        f"digest {b}",
        "Plan: 2 to create, 0 to update, 0 to delete, 0 unchanged (0 unmanaged, 0 out of scope).",
        "",
        (
            f"a: not the plans that were approved; that of this tenant has the digest {a}; "
            "nothing was written"
        ),
        (
            f"b: not the plans that were approved; that of this tenant has the digest {b}; "
            "nothing was written"
        ),
        f"digest {plans['digest']}",
        "2 tenants: 2 ended with 5 (a, b).",
    ]


def test_a_change_after_the_beginning_is_5_at_that_tenants_turn_and_no_later_wave_begins(
    world: World,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        endpoint.settimeout(60)
        url = f"http://127.0.0.1:{endpoint.getsockname()[1]}/"
        assert (
            run("reconcile", ".", "--tenant", "dev", "--yes", cwd=world.folder, **world.env).code
            == 0
        )
        world.put("dev", world.dev.url, wave=2, patches=everywhere("{description: from Git}"))
        world.put("staging", "staging.db", patches=everywhere(f"{{url: '{url}'}}"))
        digest = world.run("plan", "-o", "json").json["digest"]
        options = ("--all-tenants", "--yes", "--expect-digest", digest, *LOCAL, "-o", "json")
        process = start("reconcile", ".", *options, cwd=world.folder, **world.env)
        connection, _ = (
            endpoint.accept()
        )  # the test of wave 1's endpoint: every tenant was planned, dev has not had its turn
        with connection:
            world.dev.edit("one", description="by hand")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            out, err = process.communicate(timeout=60)
    done = {part["tenant"]: part for part in json.loads(out)["runs"]}
    assert codes(done) == {"staging": 0, "dev": 5, "production": None}
    assert (
        process.returncode == json.loads(out)["exit_code"] == 4
    )  # 5 would say that nothing was written
    assert "this is not the plan that was approved" in done["dev"]["error"]["message"]
    assert "dev: this is not the plan that was approved" in err
    assert "wave 2 did not pass (dev: exit 5)" in done["production"]["note"]
    assert world.dev.by_name()["one"]["description"] == "by hand"


def test_a_tenant_that_is_away_keeps_every_other_from_its_turn_and_has_its_own_code(
    repository: Repository,
) -> None:
    with Receiver() as receiver:
        (repository.folder / "t-c.yaml").write_text(manifest("c", receiver.url("/nothing"), wave=3))
        plan = repository.run("plan", "--all-tenants", "-o", "json", C_TOKEN="t")
        code, done, ended = repository.reconcile("--expect-digest", "sha256:0", C_TOKEN="t")
    assert (plan.code, "digest" in plan.json) == (1, False)
    assert (code, codes(done)) == (1, {"a": None, "b": None, "c": 1})
    assert ("own contract" in done["c"]["error"]["message"], "digest" in ended.json) == (
        True,
        False,
    )
    assert (
        done["a"]["note"]
        == done["b"]["note"]
        == "not started: not every tenant could be planned (c: exit 1)"
    )
    assert (repository.count_webhooks("a"), repository.count_webhooks("b")) == (0, 0)


def test_ctrl_c_while_all_are_planned_ends_with_130_and_nothing_written(
    repository: Repository,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        (repository.folder / "t-c.yaml").write_text(
            manifest("c", f"http://127.0.0.1:{port}/public-api/v1", wave=3)
        )
        options = ("--all-tenants", "--yes", "--expect-digest", "sha256:0", "-o", "json")
        process = start("reconcile", ".", *options, cwd=repository.folder, C_TOKEN="t")
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    parts = json.loads(out)["runs"]
    assert [(part["exit_code"], part["note"]) for part in parts] == [
        (None, "not started: interrupted"),
        (None, "not started: interrupted"),
        (130, "interrupted"),
    ]
    assert (repository.count_webhooks("a"), repository.count_webhooks("b")) == (0, 0)


def test_a_violation_at_one_tenant_keeps_all_from_their_turn_and_accept_lets_pass_what_was_looked_at(
    repository: Repository,
) -> None:
    assert repository.reconcile()[0] == 0
    (repository.folder / "t-a.yaml").write_text(
        manifest("a", "a.db", extra=f"{KNOWN}, limits: {{deletes: {{share: 1}}}}")
    )
    repository.declare("three")
    plan = repository.run("plan", "--all-tenants", "-o", "json")
    digest, alone = plan.json["digest"], plan.json["runs"][1]["plan"]["digest"]
    assert (plan.code, [part["exit_code"] for part in plan.json["runs"]]) == (6, [0, 6])
    code, done, _ = repository.reconcile("--expect-digest", digest)
    assert (code, codes(done)) == (6, {"a": None, "b": 6})
    assert done["a"]["note"] == "not started: not every plan may be carried out (b: exit 6)"
    assert [found["rule"] for found in done["b"]["plan"]["violations"]] == ["delete-limit"]
    assert repository.reconcile("--accept", digest, "--expect-digest", alone)[0] == 5
    assert (repository.count_webhooks("a"), repository.count_webhooks("b")) == (2, 2)
    code, done, _ = repository.reconcile("--accept", digest)
    assert (code, codes(done)) == (0, {"a": 0, "b": 0})
    assert [part["report"]["summary"]["deleted"] for part in done.values()] == [2, 2]


def test_accept_lets_nothing_pass_that_never_passes(repository: Repository) -> None:
    assert repository.run("reconcile", "--tenant", "b", "--yes").code == 0
    (repository.folder / "t-b.yaml").write_text(
        manifest("b", "b.db", wave=2, extra=", select: {matchLabels: {team: other}}")
    )
    code, done, _ = repository.reconcile("--accept", repository.approved())
    assert (code, codes(done)) == (6, {"a": None, "b": 6})
    rules = [found["rule"] for found in done["b"]["plan"]["violations"]]
    assert rules == ["delete-limit", "empty-set", "no-longer-selected", "no-longer-selected"]
    assert (repository.count_webhooks("a"), repository.count_webhooks("b")) == (0, 2)
