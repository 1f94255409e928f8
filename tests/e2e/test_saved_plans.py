"""What was approved is what is applied: plans saved, shown and carried out against a served tenant,
and what is refused.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.saved.plan_file import sealed
from tests.support.processes import Ended, Tenant, run, tenant_manifest, webhook

LOCAL = ("--local-file", "tenant.db")
TOKENS = {"A_TOKEN": "tk-93be77d210", "A_URL": "https://hooks.example.com/sp-771f3ce9d4"}
BEARER = "{type: bearer, token: {fromEnv: A_TOKEN}, version: '1'}"

HELD = {"type": "bearer"}


class Repository:
    """A folder of manifests and the tenant that they are for."""

    def __init__(self, folder: Path, tenant: Tenant) -> None:
        self.folder, self.tenant = folder, tenant
        self.env = {"TENANT_TOKEN": tenant.token, **TOKENS}
        (folder / "tenant.yaml").write_text(tenant_manifest(tenant.url))

    def write(self, key: str, **fields: Any) -> None:
        (self.folder / f"{key}.yaml").write_text(webhook(key, **fields))

    def run(self, command: str, *options: str) -> Ended:
        return run(command, *options, cwd=self.folder, **self.env)

    def plan(self, *options: str) -> Ended:
        return self.run("plan", ".", "--out", "plan.json", *options)

    def apply(self, *options: str) -> Ended:
        return self.run("reconcile", ".", "--plan", "plan.json", "--yes", *options)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """Four webhooks, all as declared; then one is to be updated, one deleted, one created."""
    with Tenant(tmp_path / "tenant") as tenant:
        folder = tmp_path / "repository"
        folder.mkdir()
        found = Repository(folder, tenant)
        for key in ("kept", "other", "gone"):
            found.write(key)
        found.write("changed", url="{fromEnv: A_URL}", auth=BEARER)
        assert found.run("reconcile", ".", "--yes").code == 0
        found.write("changed", url="{fromEnv: A_URL}", auth=BEARER, extra="description: new")
        found.write("made", url="https://hooks.example.com/made", auth=BEARER)
        (folder / "gone.yaml").unlink()
        yield found


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_saved_plan_is_shown_as_plan_showed_it(repository: Repository, form: str) -> None:
    planned = repository.plan("-o", form)
    assert planned.code == 0
    assert run("show", "plan.json", "-o", form, cwd=repository.folder).out == planned.out


def test_a_saved_plan_is_carried_out_and_nothing_else(repository: Repository) -> None:
    repository.plan()
    repository.write(
        "later", url="https://hooks.example.com/later"
    )  # Git went on: not part of the plan
    repository.tenant.edit("kept", description="somebody's")  # so did the tenant, elsewhere

    ended = repository.apply("-o", "json")

    assert ended.code == 0, ended.err
    assert [(item["status"], item["name"]) for item in ended.json["outcomes"]] == [
        ("created", "made"),
        ("updated", "changed"),
        ("deleted", "gone"),
    ]
    assert sorted(repository.tenant.by_name()) == ["changed", "kept", "made", "other"]


@pytest.mark.parametrize(
    ("name", "edit", "field"),
    [
        (
            "changed",
            {
                "url": "https://hooks.example.com/elsewhere",
                "auth": {**HELD, "token": "t", "credential_version": "1"},
            },
            "url",
        ),
        ("changed", {"enabled": False}, "enabled"),
        ("changed", {"description": "by hand"}, "description"),
        ("changed", {"auth": {"type": "none"}}, "auth.type"),
        ("changed", {"protected": True}, "protected"),
        ("gone", {"description": "by hand"}, "description"),
        (
            "gone",
            {
                "events": [
                    {
                        "type": "elastio:recovery-point:create:failed",
                        "version": "v0",
                        "severity": "critical",
                    }
                ]
            },
            "events",
        ),
        ("gone", {"url": "https://elsewhere.example.com/"}, "url"),
        ("gone", {"url": "https://hooks.example.com/another"}, "url"),
    ],
)
def test_what_moved_at_the_tenant_is_5_and_named_and_nothing_is_written(
    repository: Repository, name: str, edit: dict[str, Any], field: str
) -> None:
    repository.plan()
    repository.tenant.edit(name, **edit)
    before = repository.tenant.webhooks()

    ended = repository.apply("-o", "json")

    assert ended.code == 5
    assert f"{name}: " in ended.json["message"]
    assert field in ended.json["message"].partition(f"{name}: ")[2]
    assert repository.tenant.webhooks() == before


def test_a_plan_that_was_carried_out_is_not_carried_out_again(repository: Repository) -> None:
    repository.plan()
    assert repository.apply().code == 0
    ended = repository.apply()
    assert ended.code == 5
    assert "made: it was created meanwhile" in ended.err


def test_a_webhook_to_update_that_is_gone_is_5_and_one_to_delete_is_deleted(
    repository: Repository,
) -> None:
    repository.plan()
    repository.tenant.remove("gone")
    assert repository.apply().code == 0
    repository.write("changed", extra="description: newer")
    repository.plan()
    repository.tenant.remove("changed")
    ended = repository.apply()
    assert (ended.code, "changed: it was deleted" in ended.err) == (5, True)


def test_a_secret_url_that_is_another_than_planned_is_5(repository: Repository) -> None:
    repository.plan()
    repository.env["A_URL"] = "https://hooks.example.com/another"
    ended = repository.apply()
    assert (ended.code, "changed: url" in ended.err) == (5, True)
    assert "another" not in ended.err


def test_a_credential_that_is_another_than_planned_is_5_under_a_fingerprint_key(
    repository: Repository,
) -> None:
    repository.env["RECONCILER_FINGERPRINT_KEY"] = "key"
    repository.write(
        "made",
        url="https://hooks.example.com/made",
        auth="{type: bearer, token: {fromEnv: A_TOKEN}}",
    )
    repository.plan()
    repository.env["A_TOKEN"] = "tk-another"
    ended = repository.apply()
    assert (ended.code, "made: auth.token" in ended.err) == (5, True)


def test_a_reference_that_does_not_resolve_any_more_is_told_before_anything_is_written(
    repository: Repository,
) -> None:
    repository.plan()
    del repository.env["A_TOKEN"]
    before = repository.tenant.webhooks()
    ended = repository.apply("-o", "json")
    assert ended.code == 1
    assert [problem["rule"] for problem in ended.json["problems"]] == ["secret/unresolved"]
    assert repository.tenant.webhooks() == before


def test_a_plan_for_another_tenant_or_owner_is_5(repository: Repository, tmp_path: Path) -> None:
    repository.plan()
    with Tenant(tmp_path / "another") as another:
        (repository.folder / "tenant.yaml").write_text(tenant_manifest(another.url))
        assert repository.apply().code == 5
        assert another.webhooks() == []
    (repository.folder / "tenant.yaml").write_text(
        tenant_manifest(repository.tenant.url, owner="somebody")
    )
    ended = repository.apply()
    assert (ended.code, "the owner payments, this run for somebody" in ended.err) == (5, True)


def test_the_tenant_never_comes_out_of_the_plan_file(repository: Repository) -> None:
    repository.plan()
    ended = repository.run("reconcile", "--plan", "plan.json", "--yes")
    assert (ended.code, "which tenant?" in ended.err) == (64, True)


@pytest.mark.parametrize(
    "option", [("--only", "made"), ("--max-deletes", "5"), ("--no-prune",), ("--adopt",)]
)
def test_what_the_plan_has_decided_is_not_decided_again(
    repository: Repository, option: tuple[str, ...]
) -> None:
    repository.plan()
    ended = repository.apply(*option)
    assert (ended.code, "the saved plan has decided that already" in ended.err) == (64, True)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(webhook("a"))
    assert run("plan", ".", *LOCAL, "--out", "plan.json", cwd=tmp_path).code == 0
    return tmp_path / "plan.json"


def edited(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


BAD = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "edited": lambda path: path.write_text(
        path.read_text().replace("hooks.example.com", "evil.example.com")
    ),
    "newer format": lambda path: edited(path, format="reconciler.saved-plan/v2"),
    "former format": lambda path: edited(path, format="reconciler.plan/v1", apply={}),
    "another document": lambda path: edited(path, format="reconciler.report/v1"),
    "newer program": lambda path: edited(path, program="99.0.0"),
    "empty": lambda path: path.write_bytes(b""),
    "no JSON": lambda path: path.write_bytes(b"\xff\x00plan"),
    "deep": lambda path: path.write_bytes(b"[" * 200_000),
    "not a number": lambda path: path.write_bytes(b'{"format": NaN}'),
    "a field twice": lambda path: path.write_bytes(
        path.read_bytes().replace(b"{", b'{"format": "x",', 1)
    ),
    "a list": lambda path: path.write_bytes(b"[]"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "nothing": lambda path: path.unlink(),
    "huge": lambda path: os.truncate(path, 300 * 1024 * 1024),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_a_whole_and_unchanged_plan_is_1_and_says_so(saved: Path, name: str) -> None:
    BAD[name](saved)
    for command in (["show", "plan.json"], ["reconcile", "--plan", "plan.json", "--yes", *LOCAL]):
        ended = run(*command, "-o", "json", cwd=saved.parent, timeout=20)
        assert ended.code == 1, ended.err
        assert ended.json["kind"] == "plan-file"
        assert ended.json["message"].startswith("plan.json: ")
        assert "Traceback" not in ended.err


def test_a_file_of_the_former_format_says_to_plan_again(saved: Path) -> None:
    edited(saved, format="reconciler.plan/v1", apply={})
    ended = run("reconcile", "--plan", "plan.json", "--yes", *LOCAL, cwd=saved.parent)
    assert (ended.code, "former format" in ended.err, "plan again" in ended.err) == (1, True, True)


def test_a_plan_that_was_made_without_values_is_applied_and_leaves_what_it_did_not_compare(
    repository: Repository,
) -> None:
    before, env = repository.tenant.by_name()["changed"], dict(repository.env)
    del repository.env["A_URL"]
    repository.plan()
    repository.env.update(env)
    repository.env["A_URL"] = "https://hooks.example.com/not-looked-up"
    assert repository.apply().code == 0
    after = repository.tenant.by_name()["changed"]
    assert (after["url"], after["description"]) == (before["url"], "new")


def test_events_of_other_files_and_places_are_saved(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a"))
    (tmp_path / "b.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {name: more}\n"
        "spec:\n  webhook: a\n  events:\n"
        "    - {type: 'elastio:recovery-point:iscan:healthy', version: v0, severity: [info, warning]}\n"
    )
    planned = run("plan", ".", *LOCAL, "--out", "plan.json", cwd=tmp_path)
    assert planned.out.count("b.yaml:7") == 2
    ended = run("reconcile", "--plan", "plan.json", "--yes", *LOCAL, cwd=tmp_path)
    assert (ended.code, ended.out.count("b.yaml:7")) == (0, 2)
    assert "No changes. 1 unchanged" in run("plan", ".", *LOCAL, cwd=tmp_path).out


AUTHS = {
    "none": "{type: none}",
    "versioned": BEARER,
    "bare": "{type: bearer, token: {fromEnv: A_TOKEN}}",
    "key": "{type: apiKey, header: X-Key, value: {fromEnv: A_TOKEN}}",
    "basic": "{type: basic, username: alice, password: {fromEnv: A_TOKEN}}",
    "user": "{type: basic, username: {fromEnv: A_TOKEN}, password: {fromEnv: A_TOKEN}}",
}


@pytest.mark.parametrize("key", [{}, {"RECONCILER_FINGERPRINT_KEY": "key"}], ids=["", "key"])
def test_every_authentication_is_created_kept_and_sent_again_by_saved_plans(
    repository: Repository, key: dict[str, str]
) -> None:
    repository.env.update(key)
    for extra, options in (("", ()), ("description: x", ()), ("", ("--resend-credentials",))):
        for name, auth in AUTHS.items():
            repository.write(f"auth-{name}", url="{fromEnv: A_URL}", auth=auth, extra=extra)
        planned = repository.plan(*options, "--max-updates", "99")
        assert TOKENS["A_TOKEN"] not in (repository.folder / "plan.json").read_text()
        ended = repository.apply()
        assert ended.code == 0, (planned.out, ended.err)
        digests = [
            out.partition("digest ")[2].partition("\n")[0] for out in (planned.out, ended.out)
        ]
        assert digests[0] == digests[1]
        assert "No changes." in repository.run("plan", ".").out


def test_a_narrowed_plan_is_carried_out_as_it_was_narrowed(repository: Repository) -> None:
    repository.plan("--only", "changed")
    ended = repository.apply("-o", "json")
    assert [item["name"] for item in ended.json["outcomes"]] == ["changed"]


def test_arguments_of_a_command_are_not_saved_and_the_apply_says_so(tmp_path: Path) -> None:
    auth = "{type: bearer, token: {fromCommand: [echo, ag-55d1c0e2]}}"
    (tmp_path / "a.yaml").write_text(webhook("a", auth=auth))
    run("plan", ".", *LOCAL, "--allow-command", "--out", "plan.json", cwd=tmp_path)
    assert "ag-55d1c0e2" not in (tmp_path / "plan.json").read_text()
    command = ("reconcile", "--plan", "plan.json", "--yes", "--allow-command", *LOCAL)
    ended = run(*command, cwd=tmp_path)
    assert (ended.code, "the arguments of a command" in ended.err) == (1, True)


def test_a_made_up_file_runs_no_command_with_arguments(saved: Path) -> None:
    body = json.loads(saved.read_text())
    spec = body["manifests"][0]["value"]["spec"]
    spec["auth"] = {"type": "bearer", "token": {"fromCommand": ["touch", "ran"]}}
    rest = {name: value for name, value in body.items() if name != "checksum"}
    saved.write_text(json.dumps(sealed(rest, None)))
    command = ("reconcile", "--plan", "plan.json", "--yes", "--allow-command", *LOCAL)
    ended = run(*command, cwd=saved.parent)
    assert (ended.code, "the saved plan has an invalid Webhook" in ended.err) == (1, True)
    assert not (saved.parent / "ran").exists()


def test_the_output_of_plan_is_no_plan_file(saved: Path) -> None:
    saved.write_text(run("plan", ".", *LOCAL, "-o", "json", cwd=saved.parent).out)
    ended = run("reconcile", "--plan", "plan.json", "--yes", *LOCAL, cwd=saved.parent)
    assert (ended.code, "--out" in ended.err) == (1, True)


def test_a_sealed_plan_is_shown_without_the_key_and_carried_out_only_with_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a"))
    key = {"RECONCILER_FINGERPRINT_KEY": "key"}
    planned = run("plan", ".", *LOCAL, "--out", "plan.json", cwd=tmp_path, **key)
    apply = ["reconcile", "--plan", "plan.json", "--yes", *LOCAL]
    assert run("show", "plan.json", cwd=tmp_path).out == planned.out
    assert run(*apply, cwd=tmp_path).code == 1
    assert run(*apply, cwd=tmp_path, RECONCILER_FINGERPRINT_KEY="another").code == 1
    assert run(*apply, cwd=tmp_path, **key).code == 0


def test_the_file_has_mode_0600_and_takes_the_place_of_an_older_one_at_once(saved: Path) -> None:
    saved.write_text("{}")
    saved.chmod(0o644)
    assert run("plan", ".", *LOCAL, "--out", "plan.json", cwd=saved.parent).code == 0
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert json.loads(saved.read_text())["format"] == "reconciler.saved-plan/v1"
    assert sorted(path.name for path in saved.parent.iterdir() if path.name.startswith(".")) == []


def test_a_plan_that_is_not_made_leaves_the_older_file_as_it_was(saved: Path) -> None:
    before = saved.read_bytes()
    (saved.parent / "a.yaml").write_text("kind: nonsense")
    assert run("plan", "a.yaml", *LOCAL, "--out", "plan.json", cwd=saved.parent).code == 1
    assert saved.read_bytes() == before


@pytest.mark.parametrize(
    "out", ["link.json", "nowhere.json", "folder/plan.json", "../{here}/folder/plan.json"]
)
def test_a_plan_is_never_written_through_a_link(saved: Path, tmp_path: Path, out: str) -> None:
    here, elsewhere = saved.parent, tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "plan.json").write_text("precious")
    (here / "link.json").symlink_to(elsewhere / "plan.json")
    (here / "nowhere.json").symlink_to(elsewhere / "new.json")
    (here / "folder").symlink_to(elsewhere)
    ended = run("plan", ".", *LOCAL, "--out", out.format(here=here.name), cwd=here)
    assert (ended.code, "is a link, and a plan is never written through one" in ended.err) == (
        64,
        True,
    )
    assert {path.name: path.read_text() for path in elsewhere.iterdir()} == {
        "plan.json": "precious"
    }


@pytest.mark.parametrize("out", ["missing/plan.json", ".", "/dev/null", "/proc/plan.json"])
def test_a_place_that_cannot_be_written_is_known_before_anything_is_read(
    tmp_path: Path, out: str
) -> None:
    ended = run("plan", "missing.yaml", *LOCAL, "--out", out, cwd=tmp_path)
    assert (ended.code, "--out" in ended.err) == (64, True)
