"""What counts as approved, and what apply does when it is not: nothing, in words, on the pull
request.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.ci.recipes import Repository, digest_in, git, names, outcome
from tests.support.processes import webhook


@pytest.mark.parametrize("how", ["--no-ff", "--squash", "--ff-only"])
def test_what_was_planned_is_applied_however_gitlab_merges(
    repository_at: Callable[[str], Repository], how: str
) -> None:
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


def test_a_tenant_that_moved_is_5_and_nothing_is_written_until_somebody_approves_the_new_plan(
    repository: Repository,
) -> None:
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


def test_a_plan_that_is_written_again_after_the_merge_is_not_approved(
    repository: Repository,
) -> None:
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


def test_a_comment_of_somebody_else_approves_nothing_and_is_not_edited(
    repository: Repository,
) -> None:
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
    repository.commit(
        second=None, third=webhook("third").replace("spec:", f"spec:\n  name: '{name}'")
    )
    repository.direct("plan", number=1)
    (said,) = repository.forge.ours(1, "plan")

    assert name not in said
    assert said.split("\n")[1].startswith(f"<!-- head={repository.head} digest=sha256:")


def test_a_plan_with_violations_is_6_and_merging_it_applies_nothing_until_it_is_accepted_by_hand(
    repository: Repository,
) -> None:
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


def test_invalid_manifests_are_reported_in_the_comment_and_the_earlier_plan_is_no_longer_approved(
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


def test_a_request_that_changes_nothing_at_the_tenant_says_so(repository: Repository) -> None:
    repository.commit(second=None)

    assert repository.direct("plan", number=1).code == 0
    assert "Merging changes nothing at the tenant." in repository.forge.ours(1, "plan")[0]
