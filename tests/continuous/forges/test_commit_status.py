"""The status of a commit, published at GitHub, GitLab and Gitea: real HTTP against their stand-ins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from reconciler.continuous.forges.commit_status import (
    CommitStatus,
    State,
    is_new,
    make_client,
    publish_status,
)
from reconciler.continuous.forges.forge import KINDS, Forge
from reconciler.core.errors import (
    BadAnswer,
    BadRequest,
    NotFound,
    Overloaded,
    ProviderError,
    Rejected,
    TenantFault,
    Unauthorized,
    Unreachable,
)
from reconciler.core.model.secret import Secret
from tests.stand_ins import gitea, github, gitlab

COMMIT = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"
STATUS = CommitStatus(
    COMMIT, "reconciler/production", State.SUCCESS, "in sync", "https://agent.example.com/"
)
SERVERS: dict[str, tuple[Callable[[], AbstractContextManager[Any]], str, str]] = {
    "github": (github.github, "", github.TOKEN),
    "gitlab": (gitlab.gitlab, "/api/v4", gitlab.TOKEN),
    "gitea": (gitea.gitea, "/api/v1", gitea.TOKEN),
}


@contextmanager
def serve(kind: str) -> Iterator[tuple[Any, Forge]]:
    start, path, token = SERVERS[kind]
    with start() as server:
        server.commits.add(COMMIT)
        secret = Secret(token, "fromEnv: FORGE_TOKEN")
        yield server, Forge(kind, server.url + path, "acme/api", secret)


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Forge]]:
    with serve(request.param) as opened:
        yield opened


def publish(forge: Forge, *statuses: CommitStatus, **options: float) -> None:
    async def main() -> None:
        async with make_client(forge, **options) as http:
            for status in statuses:
                await publish_status(http, forge, status)

    asyncio.run(main())


def test_each_forge_is_tested() -> None:
    assert set(SERVERS) == set(KINDS)


@pytest.mark.parametrize("state", State)
def test_each_state_is_published(served: tuple[Any, Forge], state: State) -> None:
    server, forge = served
    publish(forge, replace(STATUS, state=state))
    (sent,) = server.statuses
    is_failed = forge.kind == "gitlab" and state in {State.FAILURE, State.ERROR}
    name = "name" if forge.kind == "gitlab" else "context"
    assert sent == {
        "commit": COMMIT,
        "state": "failed" if is_failed else state,
        name: "reconciler/production",
        "description": "in sync",
        "target_url": "https://agent.example.com/",
    }


def test_a_long_description_is_one_line_of_140_characters(served: tuple[Any, Forge]) -> None:
    server, forge = served
    publish(forge, replace(STATUS, description="drift\n" + "of a webhook " * 50, target_url=""))
    (sent,) = server.statuses
    assert len(sent["description"]) == 140
    assert sent["description"].startswith("drift of a webhook of")
    assert sent["description"].endswith("…")
    assert "target_url" not in sent


def test_pending_twice_is_no_error(served: tuple[Any, Forge]) -> None:
    """GitLab refuses it, after a lost answer too."""
    server, forge = served
    pending = replace(STATUS, state=State.PENDING)
    publish(forge, pending, pending)
    assert {status["state"] for status in server.statuses} == {"pending"}


def test_a_wrong_token_is_unauthorized_and_named_by_its_place(served: tuple[Any, Forge]) -> None:
    server, forge = served
    wrong = replace(forge, token=Secret("wrong-token-0123", "fromEnv: FORGE_TOKEN"))
    with pytest.raises(Unauthorized, match="the token in FORGE_TOKEN is wrong") as failed:
        publish(wrong, STATUS)
    assert "wrong-token" not in str(failed.value)
    assert server.statuses == []


def test_a_missing_right_is_named() -> None:
    with serve("github") as (server, forge):
        server.refused.add("statuses")
        with pytest.raises(Unauthorized, match=r"permission Commit statuses \(read and write\)"):
            publish(forge, STATUS)


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("github", Rejected, "422"),
        ("gitlab", NotFound, "404 Commit Not Found: there is no such repository or commit"),
        ("gitea", TenantFault, "500"),
    ],
)
def test_a_commit_that_is_not_there_is_an_error(
    kind: str, error: type[ProviderError], message: str
) -> None:
    with serve(kind) as (server, forge):
        server.commits.clear()
        with pytest.raises(error, match=message):
            publish(forge, STATUS)


def test_a_repository_that_is_not_there_says_what_to_check(served: tuple[Any, Forge]) -> None:
    _, forge = served
    with pytest.raises(NotFound, match=r"no such repository or commit.* the token needs"):
        publish(replace(forge, repository="acme/other"), STATUS)


def test_another_refusal_of_gitlab_is_an_error() -> None:
    with serve("gitlab") as (server, forge):
        for body in ({"message": {"target_url": ["is blocked"]}}, {"error": "invalid"}, []):
            server.status_fault = (400, body)
            with pytest.raises(Rejected, match="400"):
                publish(forge, STATUS)


def test_a_limit_is_waited_for_and_a_server_that_stays_busy_is_an_error() -> None:
    with serve("gitea") as (server, forge):
        server.faults = [(429, {"message": "slow down"}, {"Retry-After": "0"})]
        publish(forge, STATUS)
        assert len(server.statuses) == 1
        server.rules["POST"] = (503, {"message": "busy"}, {"Retry-After": "0"})
        with pytest.raises(Overloaded):
            publish(forge, STATUS, deadline=2.0)


def test_a_web_page_is_no_answer_of_a_forge() -> None:
    with serve("gitea") as (server, forge):
        server.rules["POST"] = (200, "<html>sign in</html>", {})
        with pytest.raises(BadAnswer, match="check the address of the API"):
            publish(forge, STATUS)


def test_a_forge_that_does_not_run_is_unreachable() -> None:
    with serve("github") as (_, forge):
        pass
    with pytest.raises(Unreachable):
        publish(forge, STATUS, deadline=2.0)


def test_a_token_that_fits_in_no_header_is_a_usage_error() -> None:
    forge = Forge("github", "https://api.github.com", "acme/api", Secret("two words"))
    with pytest.raises(BadRequest, match="printable ASCII") as refused:
        make_client(forge)
    assert "two words" not in str(refused.value)


def test_no_log_line_has_the_token(
    served: tuple[Any, Forge], caplog: pytest.LogCaptureFixture
) -> None:
    _, forge = served
    with caplog.at_level(logging.DEBUG):
        publish(forge, STATUS)
    assert caplog.text
    assert forge.token.reveal() not in caplog.text


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, True),
        (STATUS, False),
        (replace(STATUS, description=" in\nsync "), False),
        (replace(STATUS, description="not in sync"), True),
        (replace(STATUS, state=State.PENDING), True),
        (replace(STATUS, commit="a" * 40), True),
        (replace(STATUS, context="reconciler/staging"), True),
        (replace(STATUS, target_url=""), True),
    ],
)
def test_a_status_is_new_if_the_forge_would_show_something_else(
    last: CommitStatus | None, expected: bool
) -> None:
    assert is_new(STATUS, last) is expected
