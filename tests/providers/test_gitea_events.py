"""What Gitea lists and what it means."""

from __future__ import annotations

import pytest

from reconciler.providers.gitea.events import read_events

ISSUES = {"issues", "issue_assign", "issue_label", "issue_milestone", "issue_comment"}


@pytest.mark.parametrize(
    ("listed", "known", "unknown"),
    [
        (ISSUES, ISSUES, set()),
        ({"issues"}, {"issues_only"}, set()),
        ({"issues_only", "push"}, {"issues_only", "push"}, set()),
        (ISSUES - {"issue_label"}, ISSUES - {"issue_label", "issues"} | {"issues_only"}, set()),
        ({"issue_comment"}, {"issue_comment"}, set()),
        ({"pull_request_review_approved"}, {"pull_request_review"}, set()),
        (
            {"pull_request_comment", "pull_request_review_comment"},
            {"pull_request_comment"},
            set(),
        ),
        ({"push", "action_run_failure"}, {"push"}, {"action_run_failure"}),
        (set(), set(), set()),
    ],
)
def test_a_list_means_the_events_of_a_manifest(
    listed: set[str], known: set[str], unknown: set[str]
) -> None:
    assert read_events(listed) == (known, unknown)
