"""Custom headers of GitLab: options whose values are secrets, from a manifest to the endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.manifests.revisions import commit, git, new
from tests.providers.test_gitlab import Repository
from tests.stand_ins.gitlab import gitlab
from tests.support.product_repository import ProductRepository
from tests.support.receiver import Receiver

OLD, NEW, OTHER = "header-value-0123", "header-value-4567", "header-value-89ab"
KEY = {"RECONCILER_FINGERPRINT_KEY": "a-key-of-the-run-0123456789"}
HEADERS = """  options:
    push_events_branch_filter: main
    custom_headers.X-Team: {fromEnv: TEAM}
"""

POLICY = """apiVersion: webhooks.reconciler/v1
kind: Policy
metadata: {name: no-team-header}
spec:
  message: headers are for the gateway
  enforce: deny
  schema: {properties: {options: {properties: {custom_headers.X-Team: false}}}}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with gitlab() as server:
        repository = Repository(tmp_path, server)
        repository.env |= {"TEAM": OLD, "AREA": OTHER}
        repository.secrets += (OLD, NEW, OTHER)
        yield repository


def write(
    repository: Repository, more: str = HEADERS, url: str = "https://hooks.example.com/x"
) -> None:
    path = repository.write("oncall", url)
    kept = [line for line in path.read_text().splitlines(keepends=True) if "options" not in line]
    path.write_text("".join(kept) + more)


def held(repository: Repository) -> dict[str, str]:
    (hook,) = repository.server.hooks.values()
    headers: dict[str, str] = hook["custom_headers"]
    return headers


def test_a_header_is_created_delivered_and_removed(repository: Repository) -> None:
    with Receiver() as receiver:
        write(repository, url=receiver.url())
        plan = repository.run("plan")
        assert "options.custom_headers.X-Team (secret)" in plan.out
        repository.reconcile()
        assert held(repository) == {"X-Team": OLD}
        assert repository.run("test").code == 0
        assert receiver.requests[-1].header("X-Team") == OLD
        write(repository, "", url=receiver.url())
        repository.reconcile()
        assert held(repository) == {}


def test_a_value_that_cannot_be_compared_is_a_warning_and_no_drift(repository: Repository) -> None:
    write(repository)
    repository.reconcile()
    repository.env["TEAM"] = NEW
    plan = repository.run("plan")
    assert "No changes" in plan.out
    assert "secret options not compared" in plan.out + plan.err
    assert repository.run("drift").code == 0
    assert repository.run("reconcile", "--yes").code == 0
    assert held(repository) == {"X-Team": OLD}
    assert repository.run("reconcile", "--yes", "--resend-credentials").code == 0
    assert held(repository) == {"X-Team": NEW}


def test_with_a_fingerprint_key_a_new_value_is_pending_and_sent(repository: Repository) -> None:
    repository.env |= KEY
    write(repository)
    repository.reconcile()
    (hook,) = repository.server.hooks.values()
    assert "option=custom_headers.X-Team:hmac-sha256:" in hook["description"]
    assert "not compared" not in repository.run("plan").out
    repository.env["TEAM"] = NEW
    assert "options.custom_headers.X-Team (secret)" in repository.run("plan").out
    repository.reconcile()
    assert held(repository) == {"X-Team": NEW}


def test_a_header_that_somebody_removed_is_drift_and_is_sent_again(repository: Repository) -> None:
    write(repository)
    repository.reconcile()
    held(repository).clear()
    drift = repository.run("drift")
    assert drift.code == 7
    assert "options.custom_headers.X-Team" in drift.out
    repository.reconcile()
    assert held(repository) == {"X-Team": OLD}


def test_a_header_by_hand_is_removed_and_named_without_its_value(repository: Repository) -> None:
    write(repository)
    repository.reconcile()
    held(repository)["X-Hand"] = OTHER
    assert "options.custom_headers.X-Hand (secret)" in repository.run("drift").out
    repository.reconcile()
    assert held(repository) == {"X-Team": OLD}


def test_a_new_url_gets_the_headers_again_and_another_change_keeps_them(
    repository: Repository,
) -> None:
    write(repository)
    repository.reconcile()
    write(repository, url="https://hooks.example.com/new")
    repository.reconcile()
    assert held(repository) == {"X-Team": OLD}
    write(repository, HEADERS.replace("main", "other"), "https://hooks.example.com/new")
    del repository.env["TEAM"]
    assert repository.run("plan").code == 0
    repository.env["TEAM"] = OLD
    repository.reconcile()
    assert held(repository) == {"X-Team": OLD}


def test_an_unresolved_reference_is_a_warning_of_the_plan_and_an_error_where_it_is_sent(
    repository: Repository,
) -> None:
    write(repository)
    del repository.env["TEAM"]
    plan = repository.run("plan")
    assert plan.code == 0
    assert "fromEnv: TEAM does not resolve" in plan.out + plan.err
    refused = repository.run("reconcile", "--yes")
    assert refused.code == 1
    assert "oncall.yaml" in refused.err
    assert not repository.server.hooks


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (f"custom_headers.X-Team: {OLD}", "secret/literal"),
        ("push_events_branch_filter: {fromEnv: TEAM}", "provider/option"),
        ("custom_headers.X-Team: {fromEnv: GITLAB_TOKEN}", "secret/forbidden"),
        ("custom_headers.X-Team: {fromFile: ../x}", "secret/forbidden"),
        ("custom_headers.X-Team: {fromEnv: TEAM, fromFile: x}", "schema/"),
        ("custom_headers: {X-Team: {fromEnv: TEAM}}", "schema/"),
        ("custom_header.X-Team: {fromEnv: TEAM}", "provider/option"),
        ("custom_headers.X-Team: [a]", "secret/literal"),
    ],
)
def test_what_is_wrong_with_a_secret_option_is_reported_and_not_quoted(
    repository: Repository, line: str, rule: str
) -> None:
    write(repository, f"  options:\n    {line}\n    branch_filter_strategy: none\n")
    ended = repository.run("validate")
    assert ended.code == 1
    assert f"[{rule}" in ended.out + ended.err
    if not rule.startswith("schema/"):  # all problems at once
        assert "branch_filter_strategy" in ended.out + ended.err


@pytest.mark.parametrize("env", [{}, KEY], ids=["no-key", "key"])
def test_a_saved_plan_holds_no_value_and_is_carried_out(
    repository: Repository, env: dict[str, str]
) -> None:
    repository.env |= env
    write(repository)
    assert repository.run("plan", "--out", "plan.json").code == 0
    text = (repository.folder / "plan.json").read_text()
    assert OLD not in text
    assert repository.call("show", "plan.json").code == 0
    ended = repository.run("reconcile", "--plan", "plan.json", "--yes")
    assert ended.code == 0, ended.err
    assert held(repository) == {"X-Team": OLD}
    write(repository, HEADERS.replace("main", "other"))
    assert repository.run("plan", "--out", "plan.json").code == 0
    ended = repository.run("reconcile", "--plan", "plan.json", "--yes")
    assert ended.code == 0, ended.err
    assert held(repository) == {"X-Team": OLD}


def test_the_digest_covers_the_value_under_the_key_of_the_run(repository: Repository) -> None:
    repository.env |= KEY
    write(repository)
    first = repository.run("plan", "-o", "json").json["digest"]
    assert repository.run("plan", "-o", "json").json["digest"] == first
    repository.env["TEAM"] = NEW
    assert repository.run("plan", "-o", "json").json["digest"] != first


def test_a_rule_of_the_organisation_sees_that_there_is_a_header(repository: Repository) -> None:
    write(repository)
    (repository.folder / "policies").mkdir()
    repository.write_text("policies/policy", POLICY)
    refused = repository.run("plan")
    assert refused.code == 6, refused.out + refused.err
    assert "policy/no-team-header" in refused.out


def test_export_writes_a_reference_and_adopt_sends_its_value(repository: Repository) -> None:
    write(repository)
    repository.reconcile()
    (hook,) = repository.server.hooks.values()
    hook["description"] = ""
    (repository.folder / "oncall.yaml").unlink()
    (text,) = ProductRepository.export_and_adopt(repository)
    variable = "WEBHOOK_ONCALL_CUSTOM_HEADERS_X_TEAM"
    assert f'"custom_headers.X-Team": {{fromEnv: {variable}}}' in text
    assert OLD not in text
    assert "No changes" in repository.run("plan").out


def test_export_over_manifests_adds_the_reference_of_a_header_by_hand(
    repository: Repository,
) -> None:
    write(repository, "")
    repository.reconcile()
    held(repository)["X-Hand"] = OTHER
    assert repository.call("export", ".", ".").code == 0
    text = (repository.folder / "oncall.yaml").read_text()
    assert "WEBHOOK_ONCALL_CUSTOM_HEADERS_X_HAND" in text
    repository.env["WEBHOOK_ONCALL_CUSTOM_HEADERS_X_HAND"] = OTHER
    assert "No changes" in repository.run("plan").out


def test_since_says_that_git_added_the_header_and_that_the_tenant_lost_it(
    repository: Repository,
) -> None:
    repository.env |= KEY
    write(repository, "")
    put_into_git(repository.folder)
    repository.reconcile()
    write(repository)
    plan = repository.run("plan", "--since", "HEAD")
    assert "pending" in plan.out, plan.out + plan.err
    assert "options.custom_headers.X-Team (secret)" in plan.out
    put_into_git(repository.folder)
    repository.reconcile()
    held(repository).clear()
    drift = repository.run("drift", "--since", "HEAD")
    assert drift.code == 7
    assert "1 drift" in drift.out
    repository.reconcile()
    repository.env["TEAM"] = NEW
    rotated = repository.run("plan", "--since", "HEAD")
    assert "pending" in rotated.out


def put_into_git(folder: Path) -> None:
    if not (folder / ".git").exists():
        new(folder)
    git(folder, "add", ".")
    commit(folder)


def test_a_patch_sets_a_header_for_one_tenant(repository: Repository) -> None:
    write(repository, "")
    tenant = repository.folder / "tenant.yaml"
    patch = "{match: {name: oncall}, patch: {options: {custom_headers.X-Team: {fromEnv: TEAM}}}}"
    tenant.write_text(f"{tenant.read_text()}  patches: [{patch}]\n")
    repository.reconcile()
    assert held(repository) == {"X-Team": OLD}
    secret = patch.replace("{fromEnv: TEAM}", OLD)
    tenant.write_text(tenant.read_text().replace(patch, secret))
    ended = repository.run("validate")
    assert ended.code == 1
    assert "tenant.yaml" in ended.out + ended.err
    assert "[secret/literal]" in ended.out + ended.err


def test_a_probe_is_no_test_of_a_webhook_with_a_header(repository: Repository) -> None:
    with Receiver() as receiver:
        write(repository, url=receiver.url())
        ended = repository.run("test", "--via", "probe", "--allow-network", "127.0.0.0/8")
        assert "is a secret that only its product sends" in ended.out + ended.err
        assert not receiver.requests


def test_providers_lists_the_headers(repository: Repository) -> None:
    shown = repository.call("providers", "gitlab").out
    assert "options.custom_headers.NAME" in shown
    document = json.loads(repository.call("providers", "gitlab", "-o", "json").out)
    (part,) = document["providers"][0]["options"]["patternProperties"].values()
    assert part["x-secret"] is True
