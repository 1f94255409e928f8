"""Publishes the result of a run as the status of its commit, at GitHub, GitLab or Gitea (also
Forgejo), by the client and the dialects of the providers.

Sources: "Commit statuses" of GitHub's REST API documentation; "Set commit pipeline status" of
GitLab's and `lib/api/commit_statuses.rb`; `routers/api/v1/repo/status.go` of Gitea. GitHub takes a
description of 140 characters, and 1,000 statuses per commit and context. GitLab knows no `error`,
and older servers refuse `pending` for a status that is pending.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from reconciler.continuous.forges.forge import Forge
from reconciler.core.errors import BadAnswer, NotFound
from reconciler.net.proxies import DIRECT, Network
from reconciler.providers.gitea.plugin import Gitea
from reconciler.providers.github.plugin import GitHub
from reconciler.providers.gitlab.plugin import GitLab
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect, name_rights
from reconciler.providers.http.faults import Sent
from reconciler.providers.http.label import Label

DESCRIPTION_LENGTH: Final = 140  # characters; GitHub's limit, the lowest
_TRIES: Final = 3


class State(StrEnum):
    """The state of a commit, in GitHub's words."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """What a forge shows beside a commit. `context` tells statuses of one commit apart, such as
    `reconciler/production`; `target_url` is where a click leads, empty for nowhere.
    """

    commit: str
    context: str
    state: State
    description: str = ""
    target_url: str = ""

    @property
    def line(self) -> str:
        """The description on one line, as long as every forge takes it."""
        text = " ".join(self.description.split())
        is_long = len(text) > DESCRIPTION_LENGTH
        return f"{text[: DESCRIPTION_LENGTH - 1]}…" if is_long else text


def is_new(status: CommitStatus, last: CommitStatus | None) -> bool:
    """Whether a status says something that `last`, the last one of the same commit and context that
    was published, does not say.
    """
    return last is None or _list_values(status) != _list_values(last)


def _list_values(status: CommitStatus) -> tuple[str, ...]:
    return status.commit, status.context, status.state, status.line, status.target_url


@dataclass(frozen=True, slots=True)
class _Dialect(Dialect):
    """A dialect of a provider, spoken to a forge that no Tenant names."""

    def refuse_body(self, sent: Sent, why: str) -> BadAnswer:
        """The error of a success whose body cannot be read."""
        return BadAnswer(
            f"{sent}: this is no answer of the forge's API: {why}; check the address of the API"
        )


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one forge takes a status: its dialect, the right that is needed, the path, the body, and
    how the message of a 400 begins that means that the commit has this status.
    """

    dialect: Dialect
    rights: str
    make_path: Callable[[str, str], str]
    make_body: Callable[[CommitStatus], dict[str, Any]]
    repeated: str = ""


def make_client(
    forge: Forge, network: Network = DIRECT, *, timeout: float = 10.0, deadline: float = 30.0
) -> Client:
    """A client for the API of the forge, to be entered. `timeout` is seconds of each try,
    `deadline` for everything from entering on. Raises BadRequest for a token that cannot be used.
    """
    kind = _KINDS[forge.kind]
    values = {item.name: getattr(kind.dialect, item.name) for item in fields(kind.dialect)}
    return Client(
        forge.api_url,
        forge.token,
        label=Label("", "", forge.token.reference.removeprefix("fromEnv: ")),
        dialect=_Dialect(**{**values, "fault": name_rights(kind.rights)}),
        network=network,
        timeout=timeout,
        deadline=deadline,
        tries=_TRIES,
    )


async def publish_status(http: Client, forge: Forge, status: CommitStatus) -> None:
    """Publishes it. A forge shows the last status of a commit and context, so that it may be sent
    again. Raises ProviderError.
    """
    kind = _KINDS[forge.kind]
    path = kind.make_path(forge.repository, status.commit)
    refusals = frozenset({400} if kind.repeated else ())
    try:
        answer = await http.request(
            "POST", path, json=kind.make_body(status), idempotent=True, passing=refusals
        )
    except NotFound as error:
        raise NotFound(
            f"{error}: there is no such repository or commit, or the token may not see it; "
            f"{kind.rights}"
        ) from None
    if answer.error is not None and not _begins(answer.body, kind.repeated):
        raise answer.error


def _begins(body: object, beginning: str) -> bool:
    """Whether the message of a refusal begins so."""
    text = body.get("message") if isinstance(body, Mapping) else None
    return isinstance(text, str) and text.startswith(beginning)


def _make_path(repository: str, commit: str) -> str:
    return f"/repos/{repository}/statuses/{quote(commit, safe='')}"


def _make_gitlab_path(repository: str, commit: str) -> str:
    return f"/projects/{quote(repository, safe='')}/statuses/{quote(commit, safe='')}"


def _make_body(status: CommitStatus) -> dict[str, Any]:
    body = {"state": status.state.value, "context": status.context, "description": status.line}
    return {**body, **({"target_url": status.target_url} if status.target_url else {})}


def _make_gitlab_body(status: CommitStatus) -> dict[str, Any]:
    body = _make_body(status)
    is_bad = status.state in {State.FAILURE, State.ERROR}
    name = body.pop("context")
    return {**body, "name": name, "state": "failed" if is_bad else status.state.value}


_KINDS: Final[Mapping[str, _Kind]] = {
    "github": _Kind(
        GitHub.dialect,
        "the token needs the permission Commit statuses (read and write)",
        _make_path,
        _make_body,
    ),
    "gitlab": _Kind(
        GitLab.dialect,
        "the token needs the scope api, and the role Developer in the project",
        _make_gitlab_path,
        _make_gitlab_body,
        repeated="Cannot transition status via :enqueue from :pending",
    ),
    "gitea": _Kind(
        Gitea.dialect,
        "the token needs the scope write:repository, and its user must be able to write there",
        _make_path,
        _make_body,
    ),
}
