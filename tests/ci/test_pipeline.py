"""What a pipeline does besides: notes in place, policies of the base branch, no secret anywhere, in
trouble nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.ci.recipes import Repository, git, names
from tests.support.processes import webhook
from tests.support.servers import answering, serve


def test_our_comment_is_found_behind_many_others(repository: Repository) -> None:
    for number in range(5):
        repository.forge.comment(1, "stranger", f"comment {number}")
    for _ in range(2):
        assert repository.direct("plan", number=1).code == 0

    assert len(repository.forge.ours(1, "plan")) == 1


POLICY = """\
apiVersion: webhooks.reconciler/v1
kind: Policy
metadata: {name: https}
spec: {message: webhooks use https, schema: {properties: {url: {pattern: "^https://"}}}}
"""


def test_a_request_is_judged_by_the_policies_of_the_branch_that_it_goes_onto(
    repository: Repository,
) -> None:
    git(repository.folder, "checkout", "-q", "main")
    (repository.folder / "policies").mkdir()
    repository.commit(**{"policies/https": POLICY})
    git(repository.folder, "checkout", "-q", "-b", "loose")
    repository.commit(
        **{"policies/https": None}, plain=webhook("plain", url="http://hooks.example.com/plain")
    )

    validated = repository.direct("validate", number=1)
    planned = repository.direct("plan", number=1)

    assert (validated.code, planned.code) == (1, 6)
    assert "webhooks use https" in validated.out
    (said,) = repository.forge.ours(1, "plan")
    assert "**policy/https**" in said


@pytest.mark.parametrize("kind", ["github", "gitea", "gitlab"])
def test_a_request_that_moves_tenant_and_policies_is_judged_by_those_of_the_base(
    repository_at: Callable[[str], Repository], kind: str
) -> None:
    repository = repository_at(kind)
    for folder in ("hooks/policies", "elsewhere/policies"):
        (repository.folder / folder).mkdir(parents=True)
    git(repository.folder, "mv", "tenant.yaml", "hooks/tenant.yaml")
    repository.commit(**{"hooks/policies/https": POLICY})
    git(repository.folder, "checkout", "-q", "-b", "loose")
    git(repository.folder, "mv", "hooks/tenant.yaml", "elsewhere/tenant.yaml")
    loose = POLICY.replace("^https://", "^http")
    plain = webhook("plain", url="http://hooks.example.com/plain")
    repository.commit(
        **{"hooks/policies/https": None, "elsewhere/policies/https": loose}, plain=plain
    )

    validated = repository.direct("validate", number=1)
    planned = repository.direct("plan", number=1)

    assert (validated.code, planned.code) == (1, 6)
    assert "webhooks use https" in validated.out + validated.err
    (said,) = repository.forge.ours(1, "plan")
    assert "**policy/https**" in said


def test_at_gitlab_the_target_branchs_head_judges_where_it_is_known(
    repository_at: Callable[[str], Repository],
) -> None:
    repository = repository_at("gitlab")
    git(repository.folder, "checkout", "-q", "-b", "old")
    repository.commit(plain=webhook("plain", url="http://hooks.example.com/plain"))
    git(repository.folder, "checkout", "-q", "main")
    (repository.folder / "policies").mkdir()
    repository.commit(**{"policies/https": POLICY})
    target = repository.head
    git(repository.folder, "checkout", "-q", "old")

    assert repository.direct("validate", number=1).code == 0
    assert (
        repository.direct("validate", number=1, CI_MERGE_REQUEST_TARGET_BRANCH_SHA=target).code == 1
    )


def test_a_base_that_was_not_fetched_is_no_reason_to_judge_by_nothing(
    repository: Repository,
) -> None:
    shallow = repository.folder.parent / "shallow"
    git(
        repository.folder,
        "clone",
        "-q",
        "--depth",
        "1",
        f"file://{repository.folder}",
        str(shallow),
    )
    at = replace(repository, folder=shallow)

    ended = at.direct("validate", number=1, base=git(repository.folder, "rev-parse", "main"))

    assert ended.code == 64
    assert "--policies-at" in ended.err
    assert "not in this clone, which is shallow" in ended.err


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
    heads: list[str] = []
    with (
        serve(answering(200, b"[]", heads=heads)) as other,
        serve(answering(307, b"", ("Location", other))) as forge,
    ):
        assert repository.direct("plan", number=1, GITHUB_API_URL=forge).code == 1

    assert heads == []


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


@pytest.mark.parametrize("verb", ["plan", "apply", "drift"])
def test_what_speaks_of_one_plan_is_not_run_for_all_tenants_at_once(
    repository: Repository, verb: str
) -> None:
    ended = repository.direct(verb, number=1, RECONCILER_ALL_TENANTS="1")

    assert ended.code == 64
    assert "a job for each" in ended.err
    assert repository.forge.asked == []


@pytest.mark.parametrize(
    "variable", ["FORGE_TOKEN", "TENANT_READ_TOKEN", "CI_REPOSITORY_URL", "ACTIONS_RUNTIME_TOKEN"]
)
def test_a_manifest_cannot_send_the_forges_token_to_an_endpoint(
    repository: Repository, variable: str
) -> None:
    repository.commit(
        second=webhook(
            "second", auth=f"{{type: bearer, token: {{fromEnv: {variable}}}, version: '1'}}"
        )
    )
    repository.direct("plan", number=1)
    repository.merge(1, repository.head)

    ended = repository.direct("apply", given={variable: "forge-token-5f1c"})

    assert ended.code == 1
    assert f"{variable} does not resolve" in ended.err
    assert names(repository) == {"first"}


def test_a_plan_without_credentials_says_so_once(repository: Repository) -> None:
    for name in ("second", "third", "fourth"):
        auth = f"{{type: bearer, token: {{fromEnv: TOKEN_OF_{name.upper()}}}, version: '1'}}"
        repository.commit(**{name: webhook(name, auth=auth)})

    assert repository.direct("plan", number=1).code == 0

    (said,) = repository.forge.ours(1, "plan")
    assert "does not resolve" not in said
    (warning,) = [line for line in said.splitlines() if "TOKEN_OF_" in line]
    assert warning.startswith("- warning: 3 references have no value in this run (")
    assert all(f"TOKEN_OF_{name}" in warning for name in ("SECOND", "THIRD", "FOURTH"))


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
