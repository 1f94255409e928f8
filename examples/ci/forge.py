"""What a pipeline asks of a forge: a comment and an issue that are edited in place, and which
request was merged.

Called by pipeline.py. GitHub, Gitea with Forgejo, and GitLab, by their HTTP APIs; standard library
only. A comment or an issue is ours if its first line is our marker and the pipeline's own account
wrote it: on a public repository anybody may comment.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

TIMEOUT: Final = 30  # seconds a request
PAGES: Final = 100  # of one list


class ForgeError(Exception):
    """The forge cannot be asked, or said no; the message holds no token. `status` is its answer's,
    0 for none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """A pull or merge request: its number, its head commit, the commit it goes onto, and when it
    was merged.
    """

    number: int
    head: str
    base: str
    merged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A comment or an issue of ours: where it is edited, its text, and when that was last done."""

    path: str
    text: str
    updated_at: datetime


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to the host that it was meant for, and to no other."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Api:
    """JSON over HTTP with one token."""

    url: str
    headers: Mapping[str, str] = field(repr=False)

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[Any, str]:
        """One request: the decoded answer and its Link header. Raises ForgeError."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json", **self.headers}
        try:
            request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310  the forge's own address
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT) as answer:
                return json.load(answer), answer.headers.get("Link") or ""
        except urllib.error.HTTPError as error:
            with error:
                raise ForgeError(
                    f"{method} {path}: the forge answered {error.code}", error.code
                ) from None
        except (OSError, ValueError) as error:
            raise ForgeError(f"{method} {path}: {type(error).__name__}") from None

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        for page in range(1, PAGES + 1):
            found, links = self.call(
                "GET", f"{path}{'&' if '?' in path else '?'}per_page=100&limit=100&page={page}"
            )
            yield from found
            if not found or 'rel="next"' not in links:
                return


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of forge says what all of them can; paths below a repository, `{}` for numbers
    and commits.
    """

    requests: str  # those that a commit came from
    comments: str  # of a request
    comment: str  # one of them
    issues: str
    number: str  # the names of an issue's fields
    text: str
    edit: str
    closed: Mapping[str, str]
    author: tuple[str, str]


GITHUB: Final = Dialect(
    "/commits/{}/pulls", "/issues/{}/comments", "/issues/comments/{}",
    "/issues?state=open&type=issues",
    "number", "body", "PATCH", {"state": "closed"}, ("user", "login"),
)  # fmt: skip
GITEA: Final = replace(GITHUB, requests="/commits/{}/pull")  # the one that was merged, or 404
GITLAB: Final = Dialect(
    "/repository/commits/{}/merge_requests", "/merge_requests/{}/notes",
    "/merge_requests/{}/notes/{}", "/issues?state=opened",
    "iid", "description", "PUT", {"state_event": "close"}, ("author", "username"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Forge:
    """A forge as one run of a pipeline sees it: `root` is the repository in its API, `commit` what
    was checked out.
    """

    api: Api
    dialect: Dialect
    root: str
    accounts: frozenset[str]  # the pipeline's own
    commit: str

    def comment(self, number: int, marker: str) -> Note | None:
        """Our comment with that marker on that request."""
        found = self._ours(self.root + self.dialect.comments.format(number), "body", marker)
        if found is None:
            return None
        place = (number, found["id"])[-self.dialect.comment.count("{}") :]  # GitLab asks for both
        return Note(
            self.root + self.dialect.comment.format(*place),
            found["body"],
            _time(found["updated_at"]),
        )

    def put_comment(self, number: int, marker: str, text: str) -> None:
        """Edits our comment with that marker, or makes it."""
        self._put(
            self.comment(number, marker),
            self.dialect.comments.format(number),
            {"body": f"{marker}\n{text}"},
        )

    def put_issue(self, marker: str, title: str, text: str) -> None:
        """Edits our open issue with that marker, or opens it."""
        self._put(
            self._issue(marker),
            self._issues,
            {"title": title, self.dialect.text: f"{marker}\n{text}"},
        )

    def close_issue(self, marker: str, text: str) -> None:
        """Closes our open issue with that marker, if there is one, and leaves that text in it."""
        note = self._issue(marker)
        if note is not None:
            self._put(
                note, self._issues, {self.dialect.text: f"{marker}\n{text}", **self.dialect.closed}
            )

    def merged(self) -> Request | None:
        """The request whose merge, squash or rebase ended in the commit of this run; None where
        there is none.
        """
        try:
            answer, _ = self.api.call("GET", self.root + self.dialect.requests.format(self.commit))
        except ForgeError as error:
            if error.status == 404:
                return None
            raise
        for found in answer if isinstance(answer, list) else [answer]:
            ends = (
                found.get("merge_commit_sha") or found.get("squash_commit_sha") or found.get("sha")
            )
            if found.get("merged_at") and ends == self.commit:
                return _request(found)
        return None

    @property
    def _issues(self) -> str:
        return self.dialect.issues.partition("?")[0]

    def _issue(self, marker: str) -> Note | None:
        say = self.dialect
        found = self._ours(self.root + say.issues, say.text, marker)
        if found is None:
            return None
        return Note(
            f"{self.root}{self._issues}/{found[say.number]}",
            found[say.text],
            _time(found["updated_at"]),
        )

    def _ours(self, items: str, text: str, marker: str) -> dict[str, Any] | None:
        who, name = self.dialect.author
        for item in self.api.items(items):
            first = (item.get(text) or "").partition("\n")[0].rstrip("\r")
            if first == marker and (item.get(who) or {}).get(name) in self.accounts:
                return item
        return None

    def _put(self, note: Note | None, items: str, body: Mapping[str, Any]) -> None:
        self.api.call(
            self.dialect.edit if note else "POST", note.path if note else self.root + items, body
        )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _request(found: Mapping[str, Any]) -> Request:
    """A pull request as GitHub and Gitea describe it, or a merge request as GitLab does."""
    merged_at = found.get("merged_at")
    head = found["sha"] if "iid" in found else found["head"]["sha"]
    base = "" if "iid" in found else found["base"]["sha"]
    return Request(
        found.get("number") or found["iid"], head, base, _time(merged_at) if merged_at else None
    )


def of_environment(env: Mapping[str, str]) -> Forge:
    """The forge that a job runs for, by the job's variables. Raises ForgeError for one that is
    missing.
    """
    try:
        return _gitlab(env) if env.get("GITLAB_CI") else _hub(env)
    except KeyError as missing:
        raise ForgeError(f"the variable {missing.args[0]} is not set") from None


def _hub(env: Mapping[str, str]) -> Forge:
    gitea = env.get("GITEA_ACTIONS") == "true" or env.get("FORGEJO_ACTIONS") == "true"
    url = env.get("FORGE_API_URL") or env["GITHUB_API_URL"]
    api = Api(url.rstrip("/"), {"Authorization": f"token {env['FORGE_TOKEN']}"})
    accounts = {"gitea-actions", "forgejo-actions"} if gitea else {"github-actions[bot]"}
    own = frozenset([env["FORGE_ACCOUNT"]] if env.get("FORGE_ACCOUNT") else accounts)
    return Forge(
        api,
        GITEA if gitea else GITHUB,
        f"/repos/{env['GITHUB_REPOSITORY']}",
        own,
        env["GITHUB_SHA"],
    )


def _gitlab(env: Mapping[str, str]) -> Forge:
    """Its job token may not comment: a project access token with the scope `api` is needed, whose
    account is asked for.
    """
    api = Api(
        (env.get("FORGE_API_URL") or env["CI_API_V4_URL"]).rstrip("/"),
        {"PRIVATE-TOKEN": env["FORGE_TOKEN"]},
    )
    account = api.call("GET", "/user")[0]["username"]
    return Forge(
        api, GITLAB, f"/projects/{env['CI_PROJECT_ID']}", frozenset([account]), env["CI_COMMIT_SHA"]
    )


def request_of(env: Mapping[str, str]) -> Request:
    """The pull or merge request that a job was started for; of merged results the head is the
    source branch's.
    """
    if env.get("GITLAB_CI"):
        head = env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or env["CI_COMMIT_SHA"]
        return Request(int(env["CI_MERGE_REQUEST_IID"]), head, _gitlab_base(env))
    return _request(_event(env)["pull_request"])


def _gitlab_base(env: Mapping[str, str]) -> str:
    """The target branch's head where GitLab says it (merged results), else the commit that the
    source branch came from.
    """
    return env.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA") or env["CI_MERGE_REQUEST_DIFF_BASE_SHA"]


def base_of(env: Mapping[str, str]) -> str | None:
    """The commit that the request of a job goes onto; None for a job that is for none."""
    if env.get("GITLAB_CI"):
        return _gitlab_base(env) if "CI_MERGE_REQUEST_IID" in env else None
    return request_of(env).base if "pull_request" in _event(env) else None


def _event(env: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(env["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    return found
