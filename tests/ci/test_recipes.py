"""The recipes end to end against a served tenant, in a local Git repository, for each kind of
forge.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.ci.recipes import Repository, digest_in, git
from tests.support.processes import webhook

KINDS = ("github", "gitea", "gitlab")
BEARER = "{type: bearer, token: {fromEnv: ONCALL_TOKEN}, version: '1'}"


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_from_a_pull_request_to_a_repaired_drift(
    repository_at: Callable[[str], Repository], kind: str
) -> None:
    """Plan, a second push, merge, apply of what was approved, a change by hand, one issue,
    repair.
    """
    repository = repository_at(kind)
    forge, tenant = repository.forge, repository.tenant
    git(repository.folder, "checkout", "-q", "-b", "change")
    repository.commit(oncall=webhook("oncall", auth=BEARER))
    planned = repository.run("plan", number=1)
    assert planned.code == 0, planned.out + planned.err
    (first,) = forge.ours(1, "plan")
    assert "`+` **pending** **`oncall`**" in first

    head = repository.commit(oncall=webhook("oncall", auth=BEARER), second=webhook("second"))
    assert repository.run("plan", number=1).code == 0
    (second,) = forge.ours(1, "plan")
    assert head in second
    assert digest_in(second) != digest_in(first)
    assert tenant.webhooks() == []

    commit = repository.merge(1, head)
    applied = repository.run("apply")
    assert applied.code == 0, applied.out + applied.err
    assert set(tenant.by_name()) == {"oncall", "second"}
    assert tenant.by_name()["oncall"]["managed_by"]["revision"] == commit
    (said,) = forge.ours(1, "apply")
    assert f"Applied at {commit}" in said

    tenant.edit("second", description="by hand")
    for _ in range(2):
        assert repository.run("drift").code == 0
    (issue,) = forge.issues
    assert "by hand" in issue[forge.text]

    repaired = repository.run("apply", digest=digest_in(issue[forge.text]))
    assert repaired.code == 0, repaired.out + repaired.err
    assert tenant.by_name()["second"]["description"] == ""
    assert repository.run("drift").code == 0
    assert (forge.open, len(forge.issues)) == ([], 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fork_is_validated_without_a_secret_and_not_planned(
    repository_at: Callable[[str], Repository], kind: str
) -> None:
    repository = repository_at(kind)
    git(repository.folder, "checkout", "-q", "-b", "change")
    repository.commit(first=webhook("first"))

    done = repository.run("plan", number=1, fork=True)

    assert done.code == 0, done.out + done.err
    assert "2 documents (0 skipped): 0 errors" in done.out + done.err
    assert repository.forge.asked == []


def test_gitlab_gets_the_problems_as_code_quality_and_junit(
    repository_at: Callable[[str], Repository],
) -> None:
    repository = repository_at("gitlab")
    git(repository.folder, "checkout", "-q", "-b", "change")
    repository.commit(first=webhook("first").replace("url:", "urll:"))

    assert repository.run("plan", number=1).code == 1

    found = json.loads((repository.folder / ".gl-code-quality-report.json").read_text())
    assert {problem["location"]["path"] for problem in found} == {"first.yaml"}
    assert "urll" in (repository.folder / "validate.xml").read_text()
