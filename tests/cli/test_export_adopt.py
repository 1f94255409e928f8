"""`export` and `adopt` as commands: an embedded tenant, folders, and what ends how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support.processes import ROOT, Ended, run

SEED = """\
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: payments}
spec:
  name: Payments on-call
  url: https://hooks.example.com/elastio/path
  auth: {type: bearer, token: {fromEnv: T}, version: "2"}
  events: [{type: "elastio:recovery-point:create:started", version: v0, severity: info}]
---
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: second}
spec: {url: "https://hooks.example.com/2", enabled: false, protected: true}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A folder beside a tenant that another repository, of the same owner, has filled."""
    (tmp_path / "seed.yaml").write_text(SEED, "utf-8")
    assert (
        run(
            "reconcile", "seed.yaml", "--local-file", "tenant.db", "--yes", cwd=tmp_path, T="x"
        ).code
        == 0
    )
    (tmp_path / "repo").mkdir()
    return tmp_path / "repo"


def here(repo: Path, *arguments: str) -> Ended:
    return run(*arguments, "--local-file", "../tenant.db", cwd=repo)


def test_export_then_adopt_leaves_an_empty_plan_and_names_the_variables_to_set(repo: Path) -> None:
    done = here(repo, "export", "hooks")
    assert (done.code, done.out.splitlines()[-1]) == (0, "Export: 2 new, 0 changed, 0 unchanged.")
    assert "WEBHOOK_PAYMENTS_TOKEN" in done.err
    assert sorted(path.name for path in (repo / "hooks").iterdir()) == [
        "payments.yaml",
        "second.yaml",
    ]
    adopted = here(repo, "adopt", "--all", "--yes")
    assert (adopted.code, "2 updated" in adopted.out) == (0, True)
    assert here(repo, "plan", "hooks", "--detailed-exitcode").code == 0
    assert (
        here(repo, "adopt", "--all", "--yes")
        .out.splitlines()[-1]
        .startswith("Report: 0 created, 0 updated")
    )


def test_an_export_as_a_document_keeps_its_schema_and_a_dry_run_writes_nothing(repo: Path) -> None:
    done = here(repo, "export", "hooks", "--dry-run", "-o", "json")
    assert done.code == 0
    assert not (repo / "hooks").exists()
    schema = json.loads((ROOT / "schemas/export.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(done.json)) == []
    assert done.json["summary"] == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "absent": 0,
        "others": 0,
    }
    assert [file["file"] for file in done.json["files"]] == [
        "hooks/payments.yaml",
        "hooks/second.yaml",
    ]
    assert done.json["variables"] == ["WEBHOOK_PAYMENTS_TOKEN"]


def test_urls_stand_in_files_only_and_with_hide_urls_not_there_either(repo: Path) -> None:
    done = here(repo, "export", "hooks")
    assert "elastio/path" not in done.out + done.err
    assert "elastio/path" in (repo / "hooks/payments.yaml").read_text("utf-8")
    hidden = here(repo, "export", "hidden", "--hide-urls")
    assert "{fromEnv: WEBHOOK_PAYMENTS_URL}" in (repo / "hidden/payments.yaml").read_text("utf-8")
    assert (
        "elastio/path"
        not in (repo / "hidden/payments.yaml").read_text("utf-8") + hidden.out + hidden.err
    )


def test_new_manifests_carry_the_labels_by_which_their_tenant_selects(repo: Path) -> None:
    tenant = (
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: t}\n"
        'spec: {local: ../tenant.db, owner: local, select: {matchLabels: {environment: production, "on": "yes"}}}\n'
    )
    (repo / "tenant.yaml").write_text(tenant, "utf-8")
    assert run("export", "hooks", "tenant.yaml", cwd=repo).code == 0
    assert 'labels: {environment: production, "on": "yes"}' in (
        repo / "hooks/second.yaml"
    ).read_text("utf-8")
    assert run("adopt", "--all", "--yes", cwd=repo).code == 0
    assert run("plan", ".", "--detailed-exitcode", cwd=repo).code == 0


def test_a_reference_that_a_tenant_does_not_allow_is_reported_at_its_position(
    repo: Path,
) -> None:
    tenant = (
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: t}\n"
        "spec: {local: ../tenant.db, owner: local, secrets: {env: [TEAM_*]}}\n"
    )
    (repo / "tenant.yaml").write_text(tenant, "utf-8")
    done = run("export", "hooks", "tenant.yaml", cwd=repo)
    assert done.code == 1
    assert "hooks/payments.yaml:12" in done.err
    assert "secret/forbidden" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("adopt",), 64, "--all"),
        (("adopt", "--all", "payments"), 64, "--all"),
        (("adopt", "--all"), 64, "--yes"),
        (("adopt", "undeclared", "--yes"), 64, "no manifest declares undeclared"),
        (("adopt", "missing", "--yes"), 6, "is not at the tenant"),
        (("adopt", "--all", "--yes"), 0, "is not at the tenant"),
        (("export", "../seed.yaml"), 64, "is a file"),
        (("export",), 64, "DIR"),
    ],
)
def test_an_export_or_adoption_that_is_impossible_is_reported(
    repo: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    (repo / "missing.yaml").write_text(SEED.split("---")[1].replace("second", "missing"), "utf-8")
    done = here(repo, *arguments)
    assert (done.code, says in done.out + done.err) == (code, True), done


def test_webhooks_move_between_owners_without_being_deleted(repo: Path) -> None:
    tenant = (
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: t}\nspec: "
        "{local: ../tenant.db, owner: search}\n"
    )
    (repo / "tenant.yaml").write_text(tenant, "utf-8")
    assert (
        run("export", "hooks", "tenant.yaml", cwd=repo).out.strip()
        == "Export: 0 new, 0 changed, 0 unchanged, 2 of other owners left out."
    )
    assert run("export", "hooks", "tenant.yaml", "--adopt-from", "local", cwd=repo).code == 0
    assert run("adopt", "second", "--yes", cwd=repo).code == 6
    before = {
        file["id"] for file in here(repo, "export", "x", "--dry-run", "-o", "json").json["files"]
    }
    assert run("adopt", "--all", "--adopt-from", "local", "--yes", cwd=repo).code == 0
    assert run("plan", ".", "--detailed-exitcode", cwd=repo).code == 0
    old = run(
        "plan", "--prune", "--local-file", "tenant.db", "-o", "json", "seed.yaml", cwd=repo.parent
    )
    assert old.json["summary"]["delete"] == 0
    assert {violation["rule"] for violation in old.json["violations"]} == {
        "other-owner"
    } or old.json["changes"] == []
    after = run("export", "x", "tenant.yaml", "--dry-run", "-o", "json", cwd=repo).json
    assert {file["id"] for file in after["files"]} == before


ODD = """\
# ours
apiVersion:   webhooks.reconciler/v1
kind: Webhook
metadata: {name: payments}
spec:      # odd on purpose
    'name':  'Payments on-call'   # as on the rota
    url:   &url "https://hooks.example.com/elastio/old"  # the old place
    auth: {type: bearer, token: {fromEnv: T}, version: "2"}

    events:
    -   {type: "elastio:recovery-point:create:started", version: v0, severity: info}   # all
--- # next
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: second}
spec: {url: "https://hooks.example.com/2", enabled: false, protected: true}
"""


def test_an_export_over_hand_written_files_changes_one_line_and_the_plan_is_then_empty(
    repo: Path,
) -> None:
    (repo / "all.yaml").write_bytes(ODD.replace("\n", "\r\n").encode())
    done = here(repo, "export", ".")
    assert (done.code, done.out.splitlines()[-1]) == (0, "Export: 0 new, 1 changed, 1 unchanged.")
    assert (repo / "all.yaml").read_bytes() == ODD.replace(
        '"https://hooks.example.com/elastio/old"', '"https://hooks.example.com/elastio/path"'
    ).replace("\n", "\r\n").encode()
    assert here(repo, "adopt", "--all", "--yes").code == 0
    assert here(repo, "plan", ".", "--detailed-exitcode").code == 0


def test_a_missing_field_is_added_and_a_field_that_cannot_be_edited_is_reported(repo: Path) -> None:
    text = ODD.replace("enabled: false, ", "").replace(
        '&url "https://hooks.example.com/elastio/old"', "{fromEnv: PLACE}"
    )
    (repo / "all.yaml").write_text(text.replace("protected: true", "protected: false"), "utf-8")
    done = run(
        "export",
        ".",
        "--local-file",
        "../tenant.db",
        cwd=repo,
        PLACE="https://hooks.example.com/another",
    )
    assert 'spec: {enabled: false, url: "https://hooks.example.com/2", protected: true}' in (
        repo / "all.yaml"
    ).read_text("utf-8")
    assert "all.yaml:2:1: Payments on-call: url differs; edit it by hand, or reconcile" in done.err
    assert "{fromEnv: PLACE}" in (repo / "all.yaml").read_text("utf-8")


def keyed(folder: Path, *arguments: str, token: str) -> Ended:
    return run(*arguments, "--local", cwd=folder, T=token, RECONCILER_FINGERPRINT_KEY="k" * 32)


def test_a_credential_with_a_new_value_is_reported_and_left_and_a_known_version_is_written(
    tmp_path: Path,
) -> None:
    text = SEED.split("---", maxsplit=1)[0].replace(', version: "2"', "")
    (tmp_path / "all.yaml").write_text(text, "utf-8")
    assert keyed(tmp_path, "reconcile", ".", "--yes", token="one").code == 0
    ended = keyed(tmp_path, "export", ".", token="two")
    assert "auth.token differs from the value that the tenant has; reconcile sends it" in ended.err
    assert (tmp_path / "all.yaml").read_text("utf-8") == text
    (tmp_path / "all.yaml").write_text(
        text.replace("{fromEnv: T}", '{fromEnv: T}, version: "9"'), "utf-8"
    )
    assert keyed(tmp_path, "export", ".", token="one").code == 0
    assert (tmp_path / "all.yaml").read_text("utf-8") == text
    assert keyed(tmp_path, "plan", ".", "--detailed-exitcode", token="one").code == 0


def test_the_counts_of_adopt_are_of_the_whole_tenant(tmp_path: Path) -> None:
    """Taken over, ours already, ours that was not asked for (out of scope), and what is not ours
    (unmanaged).
    """
    hooks = [
        "---" + SEED.split("---")[1].replace("second", key).replace("/2", f"/{key}")
        for key in "abcde"
    ]
    local = ("--local-file", "tenant.db", "--yes")
    (tmp_path / "hooks.yaml").write_text("".join(hooks))
    assert run("reconcile", ".", *local, cwd=tmp_path).code == 0
    (tmp_path / "hooks.yaml").write_text("".join(hooks[:-1]))

    def counts(*names: str) -> str:
        ended = run("adopt", *names, "--owner", "us", "--adopt-from", "local", *local, cwd=tmp_path)
        assert ended.code == 0, ended.err
        return next(line for line in ended.out.splitlines() if line.startswith("Plan:"))

    assert (
        counts("a")
        == "Plan: 0 to create, 1 to update, 0 to delete, 0 unchanged (4 unmanaged, 0 out of scope)."
    )
    assert (
        counts("a", "b")
        == "Plan: 0 to create, 1 to update, 0 to delete, 1 unchanged (3 unmanaged, 0 out of scope)."
    )
    assert (
        counts("c")
        == "Plan: 0 to create, 1 to update, 0 to delete, 0 unchanged (2 unmanaged, 2 out of scope)."
    )
    assert (
        counts("--all")
        == "Plan: 0 to create, 1 to update, 0 to delete, 3 unchanged (1 unmanaged, 0 out of scope)."
    )


def test_new_manifests_say_enabled_and_that_labels_are_not_known(repo: Path) -> None:
    assert here(repo, "export", "hooks").code == 0
    texts = {
        name: (repo / f"hooks/{name}.yaml").read_text("utf-8") for name in ("payments", "second")
    }
    assert all("# labels: a tenant knows none" in text for text in texts.values())
    assert ("enabled: true" in texts["payments"], "enabled: false" in texts["second"]) == (
        True,
        True,
    )


LEFT_OUT = SEED.replace(
    "{name: payments}", "{name: payments, labels: {team: payments}} # ours"
).replace(", enabled: false", "")


def test_an_export_over_manifests_that_leave_enabled_out_writes_it_only_where_the_tenant_is_off(
    repo: Path,
) -> None:
    (repo / "hooks").mkdir()
    file = repo / "hooks/both.yaml"
    file.write_text(LEFT_OUT, "utf-8")
    done = here(repo, "export", "hooks")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "~ hooks/both.yaml:10  second: enabled"
    text = file.read_text("utf-8")
    assert text.count("enabled") == 1
    assert "spec: {enabled: false, url:" in text
    assert "{name: payments, labels: {team: payments}} # ours" in text
    assert (
        here(repo, "export", "hooks").out.splitlines()[-1]
        == "Export: 0 new, 0 changed, 2 unchanged."
    )
