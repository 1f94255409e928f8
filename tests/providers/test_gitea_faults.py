"""What goes wrong between the provider `gitea` and its server: answers, limits, rights, versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.gitea_repository import Repository
from tests.stand_ins.gitea import TOKEN, gitea


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with gitea() as server:
        yield Repository(tmp_path, server)


@pytest.mark.parametrize(
    "fault",
    [
        (429, {"message": "slow down"}, {"Retry-After": "1"}),
        (500, "<html>Internal Server Error</html>", {}),
        (503, "<html>Service Unavailable</html>", {}),
        (500, "<html>slow</html>", {"seconds": "1"}),
    ],
)
def test_a_limit_and_a_fault_are_waited_for(
    repository: Repository, fault: tuple[int, Any, dict[str, str]]
) -> None:
    repository.write("ci")
    repository.server.faults.append(fault)
    assert repository.run("reconcile", "--yes").code == 0
    assert len(repository.server.hooks) == 1


def test_a_server_that_is_slower_than_the_timeout_is_unreachable(repository: Repository) -> None:
    repository.write("ci")
    repository.server.rules["."] = (200, "", {"seconds": "3"})
    ended = repository.run("plan", "--timeout", "1", "--deadline", "2")
    assert ended.code != 0
    assert "did not answer within 1 s" in ended.err


def test_an_html_fault_while_a_hook_is_created_fails_it_and_quotes_nothing(
    repository: Repository,
) -> None:
    repository.write("ci")
    repository.server.rules["^POST .*/hooks$"] = (500, "<html>hook-key-0123456789</html>", {})
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert "answered 500" in ended.out


def test_what_the_server_refuses_to_create_fails_with_its_message(repository: Repository) -> None:
    repository.write("ci")
    repository.server.rules["^POST .*/hooks$"] = (422, {"message": "Invalid url"}, {})
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert "answered 422: Invalid url" in ended.out


def test_a_wrong_token_a_missing_right_and_a_missing_repository_are_named(
    repository: Repository,
) -> None:
    repository.write("ci")
    repository.env["GITEA_TOKEN"] = "token-of-somebody-else"
    assert repository.run("plan").code == 3
    repository.env["GITEA_TOKEN"] = TOKEN
    message = "user should be the owner of the repo"
    repository.server.faults.append((403, {"message": message}, {}))
    refused = repository.run("plan")
    assert refused.code == 3
    assert message in refused.err
    assert "the token needs the scope write:repository" in refused.err
    repository.write_tenant("platform", "{repository: acme/other}")
    missing = repository.run("plan")
    assert missing.code == 1
    assert "there is no such repository or organisation" in missing.err
    assert "write:repository" in missing.err


def test_a_server_without_actions_variables_is_told_which_version_is_needed(
    repository: Repository,
) -> None:
    repository.write("ci")
    repository.server.variables = None
    ended = repository.run("plan")
    assert ended.code == 1
    assert "use Gitea 1.22 or Forgejo 7, or a later version" in ended.err
    assert repository.server.hooks == {}


def test_a_variable_that_is_something_else_is_never_overwritten(repository: Repository) -> None:
    repository.variables["RECONCILER_PLATFORM"] = "precious"
    repository.write("ci")
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert "RECONCILER_PLATFORM is no ledger of platform" in ended.out
    assert repository.variables["RECONCILER_PLATFORM"] == "precious"


def test_a_hook_whose_ledger_was_not_written_is_unowned_and_adopted(
    repository: Repository,
) -> None:
    path = repository.write("ci")
    repository.remove_auth(path)
    repository.reconcile()
    repository.variables.clear()
    plan = repository.run("plan")
    assert plan.code == 6, plan.out
    assert "not-owned" in plan.out
    adopted = repository.run("reconcile", "--yes", "--adopt")
    assert adopted.code == 0, adopted.out + adopted.err
    assert "No changes" in repository.run("plan").out
    assert len(repository.server.hooks) == 1
