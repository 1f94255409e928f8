"""What counts as approved, and what a pipeline does when it is not: nothing, in words, on the pull request."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.ci.recipes import Repository, digest_in, git
from tests.support.processes import run, webhook
from tests.support.servers import answering, serve

MARKER = "<!-- reconciler-plan . -->"


@pytest.fixture
def repository(repository_at: Callable[[str], Repository]) -> Repository:
    """One webhook is applied; a branch with a second is checked out."""
    found = repository_at("github")
    found.commit(first=webhook("first"))
    assert run("reconcile", ".", "--yes", cwd=found.folder, TENANT_TOKEN=found.tenant.token).code == 0
    git(found.folder, "checkout", "-q", "-b", "change")
    found.commit(second=webhook("second"))
    return found


def names(repository: Repository) -> set[str]:
    return set(repository.tenant.by_name())


def outcome(repository: Repository) -> str:
    (said,) = repository.forge.ours(1, "apply")
    return said


@pytest.mark.parametrize("how", ["--no-ff", "--squash", "--ff-only"])
def test_what_was_planned_is_applied_however_gitlab_merges(repository_at: Callable[[str], Repository], how: str) -> None:
    repository = repository_at("gitlab")
    git(repository.folder, "checkout", "-q", "-b", "change")
    repository.commit(second=webhook("second"))
    assert repository.direct("plan", number=1).code == 0
    repository.merge(1, repository.head, how)

    assert repository.direct("apply").code == 0
    assert names(repository) == {"second"}


def test_what_was_planned_is_applied(repository: Repository) -> None:
    assert repository.direct("plan", number=1).code == 0
    repository.merge(1, repository.head)

    assert repository.direct("apply").code == 0
    assert names(repository) == {"first", "second"}
    assert "created `second`" in outcome(repository)


def test_a_tenant_that_moved_is_5_and_nothing_is_written_until_somebody_approves_the_new_plan(repository: Repository) -> None:
    repository.direct("plan", number=1)
    repository.merge(1, repository.head)
    repository.tenant.edit("first", description="by hand")

    assert repository.direct("apply").code == 5
    assert names(repository) == {"first"}
    said = outcome(repository)
    assert "it is no longer the plan that was approved. Nothing was written." in said
    assert "by hand" in said

    assert repository.direct("apply", APPROVED_DIGEST=digest_in(said)).code == 0
    assert names(repository) == {"first", "second"}
    assert "Applied at" in outcome(repository)


def test_a_direct_push_is_5_and_its_plan_can_be_approved_by_hand(repository: Repository) -> None:
    assert repository.direct("apply").code == 5
    said = (repository.folder.parent / "runner" / "summary.md").read_text()
    assert "this commit did not come from a merged request" in said
    assert names(repository) == {"first"}

    assert repository.direct("apply", APPROVED_DIGEST=digest_in(said)).code == 0
    assert names(repository) == {"first", "second"}


def test_a_merge_that_gives_something_else_is_5(repository: Repository) -> None:
    repository.direct("plan", number=1)
    head = repository.head
    git(repository.folder, "checkout", "-q", "main")
    repository.commit(other=webhook("other"))
    repository.merge(1, head)

    assert repository.direct("apply").code == 5
    assert names(repository) == {"first"}


def test_a_push_after_the_plan_is_not_approved(repository: Repository) -> None:
    repository.direct("plan", number=1)
    repository.merge(1, repository.commit())  # its own plan failed, or is still to come

    assert repository.direct("apply").code == 5
    assert "the commit that was merged has no plan that may be carried out" in outcome(repository)
    assert names(repository) == {"first"}


def test_a_plan_that_is_written_again_after_the_merge_is_not_approved(repository: Repository) -> None:
    repository.direct("plan", number=1)
    head = repository.head
    repository.merge(1, head)
    repository.tenant.edit("first", description="by hand")
    git(repository.folder, "checkout", "-q", head)
    repository.direct("plan", number=1)
    git(repository.folder, "checkout", "-q", "main")

    assert repository.direct("apply").code == 5
    assert "the plan was written again after the merge" in outcome(repository)
    assert names(repository) == {"first"}


def test_a_comment_of_somebody_else_approves_nothing_and_is_not_edited(repository: Repository) -> None:
    repository.direct("plan", number=2)
    (forged,) = repository.forge.ours(2, "plan")
    for _ in range(3):
        repository.forge.comment(1, "stranger", forged)
    repository.merge(1, repository.head)

    assert repository.direct("apply").code == 5
    assert names(repository) == {"first"}
    assert [item["body"] for item in repository.forge.comments[1][:3]] == [forged] * 3


def test_only_the_second_line_of_our_comment_says_what_is_approved(repository: Repository) -> None:
    name = f"<!-- head={repository.head} digest=sha256:{'0' * 64} -->"
    repository.commit(second=None, third=webhook("third").replace("spec:", f"spec:\n  name: '{name}'"))
    repository.direct("plan", number=1)
    (said,) = repository.forge.ours(1, "plan")

    assert name not in said
    assert said.split("\n")[1].startswith(f"<!-- head={repository.head} digest=sha256:")


def test_our_comment_is_found_behind_many_others(repository: Repository) -> None:
    for number in range(5):
        repository.forge.comment(1, "stranger", f"comment {number}")
    for _ in range(2):
        assert repository.direct("plan", number=1).code == 0

    assert len(repository.forge.ours(1, "plan")) == 1


def test_a_plan_with_violations_is_6_and_merging_it_applies_nothing_until_it_is_accepted_by_hand(repository: Repository) -> None:
    repository.commit(first=webhook("first", name="Other"))
    for key in ("second", "third"):
        repository.commit(**{key: webhook(key)})
    repository.direct("plan", number=1)
    repository.merge(1, repository.head)
    assert repository.direct("apply").code == 0
    git(repository.folder, "checkout", "-q", "-b", "less")
    repository.commit(second=None, third=None)

    assert repository.direct("plan", number=2).code == 6
    (said,) = repository.forge.ours(2, "plan")
    assert "is not carried out by merging" in said
    repository.merge(2, repository.head)
    assert repository.direct("apply").code == 5
    digest = digest_in(repository.forge.ours(2, "apply")[0])
    assert repository.direct("apply", APPROVED_DIGEST=digest).code == 6
    assert names(repository) == {"Other", "second", "third"}

    assert repository.direct("apply", APPROVED_DIGEST=digest, ACCEPT="true").code == 0
    assert names(repository) == {"Other"}


POLICY = """\
apiVersion: webhooks.reconciler/v1
kind: Policy
metadata: {name: https}
spec: {message: webhooks use https, schema: {properties: {url: {pattern: "^https://"}}}}
"""


def test_a_request_is_judged_by_the_policies_of_the_branch_that_it_goes_onto(repository: Repository) -> None:
    git(repository.folder, "checkout", "-q", "main")
    (repository.folder / "policies").mkdir()
    repository.commit(**{"policies/https": POLICY})
    git(repository.folder, "checkout", "-q", "-b", "loose")
    repository.commit(**{"policies/https": None}, plain=webhook("plain", url="http://hooks.example.com/plain"))

    validated = repository.direct("validate", number=1)
    planned = repository.direct("plan", number=1)

    assert (validated.code, planned.code) == (1, 6)
    assert "webhooks use https" in validated.out
    (said,) = repository.forge.ours(1, "plan")
    assert "**policy/https**" in said
    assert not (repository.folder / ".base").exists()


def test_a_request_cannot_bring_along_what_is_taken_for_the_base(repository: Repository) -> None:
    git(repository.folder, "checkout", "-q", "main")
    (repository.folder / "policies").mkdir()
    repository.commit(**{"policies/https": POLICY})
    git(repository.folder, "checkout", "-q", "-b", "own")
    (repository.folder / ".base").symlink_to("/")
    repository.commit(**{"policies/https": None})

    assert repository.direct("plan", number=1).code == 1
    assert repository.forge.comments == {}


def test_a_base_that_was_not_fetched_is_no_reason_to_judge_by_nothing(repository: Repository) -> None:
    shallow = repository.folder.parent / "shallow"
    git(repository.folder, "clone", "-q", "--depth", "1", f"file://{repository.folder}", str(shallow))
    at = replace(repository, folder=shallow)

    ended = at.direct("validate", number=1, base=git(repository.folder, "rev-parse", "main"))

    assert ended.code == 1
    assert "git" in ended.err


def test_invalid_manifests_are_told_in_the_comment_and_what_was_planned_before_is_not_approved_any_more(
    repository: Repository,
) -> None:
    repository.direct("plan", number=1)
    repository.commit(third=webhook("third").replace("url:", "urll:"))

    assert repository.direct("plan", number=1).code == 1
    (said,) = repository.forge.ours(1, "plan")
    assert "No plan of" in said
    assert "urll" in said
    assert "sha256:" not in said


def test_a_second_run_for_the_same_merge_finds_nothing_to_do(repository: Repository) -> None:
    repository.direct("plan", number=1)
    repository.merge(1, repository.head)

    assert [repository.direct("apply").code for _ in range(2)] == [0, 0]
    assert "Nothing to apply" in outcome(repository)


def test_an_apply_that_cannot_ask_the_forge_writes_nothing(repository: Repository) -> None:
    repository.direct("plan", number=1)
    repository.merge(1, repository.head)

    refused = repository.direct("apply", FORGE_TOKEN="another-token")
    away = repository.direct("apply", GITHUB_API_URL="http://127.0.0.1:1")

    assert (refused.code, away.code) == (1, 1)
    assert "the forge answered 401" in refused.err
    assert "another-token" not in refused.out + refused.err
    assert names(repository) == {"first"}


def test_the_forges_token_goes_to_no_other_host(repository: Repository) -> None:
    told: list[str] = []
    with serve(answering(200, b"[]", told=told)) as other, serve(answering(307, b"", ("Location", other))) as forge:
        assert repository.direct("plan", number=1, GITHUB_API_URL=forge).code == 1

    assert told == []


def test_drift_that_cannot_look_leaves_the_issue_as_it_is(repository: Repository) -> None:
    repository.tenant.edit("first", description="by hand")
    git(repository.folder, "checkout", "-q", "main")
    assert repository.direct("drift").code == 0
    (issue,) = repository.forge.open

    assert repository.direct("drift", TENANT_TOKEN="another-token").code == 3
    assert repository.forge.open == [issue]


def test_two_tenants_of_a_repository_have_a_comment_each(repository: Repository) -> None:
    for tenant in ("production", "other"):
        repository.direct("plan", number=1, RECONCILER_TENANT=tenant)

    assert len(repository.forge.ours(1, "plan")) == 2


@pytest.mark.parametrize("variable", ["FORGE_TOKEN", "TENANT_READ_TOKEN", "CI_REPOSITORY_URL", "ACTIONS_RUNTIME_TOKEN"])
def test_a_manifest_cannot_send_the_forges_token_to_an_endpoint(repository: Repository, variable: str) -> None:
    repository.commit(second=webhook("second", auth=f"{{type: bearer, token: {{fromEnv: {variable}}}, version: '1'}}"))
    repository.direct("plan", number=1)
    repository.merge(1, repository.head)

    ended = repository.direct("apply", given={variable: "forge-token-5f1c"})

    assert ended.code == 1
    assert f"{variable} does not resolve" in ended.err
    assert names(repository) == {"first"}


def test_no_secret_is_in_a_comment_an_issue_or_a_log(repository: Repository) -> None:
    secret = f"secret-{os.urandom(8).hex()}"
    auth = "{type: bearer, token: {fromEnv: ONCALL_TOKEN}, version: '1'}"
    repository.commit(second=webhook("second", auth=auth))
    said = repository.direct("plan", number=1, ONCALL_TOKEN=secret)
    repository.merge(1, repository.head)
    done = repository.direct("apply", ONCALL_TOKEN=secret)
    repository.tenant.edit("second", description="by hand")
    drift = repository.direct("drift", ONCALL_TOKEN=secret)

    texts = [str(repository.forge.comments), str(repository.forge.issues)]
    texts += [ended.out + ended.err for ended in (said, done, drift)]
    assert done.code == 0
    for hidden in (secret, repository.tenant.token, "forge-token-5f1c"):
        assert [text for text in texts if hidden in text] == []
