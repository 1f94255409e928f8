"""What stands between the provider and the stand-in of GitHub finds what violates the description."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.products.openapi_cut import cut_description, list_references
from tests.products.prism import GITHUB, PATHS, CheckedGitHub, open_checked_github
from tests.providers.github_repository import Repository
from tests.stand_ins.github import TOKEN

HOOKS, VARIABLES = "/orgs/acme/hooks", "/orgs/acme/actions/variables"
CONFIG = {"url": "https://hooks.example.com/ci", "content_type": "json"}
HOOK = {"name": "web", "active": True, "events": ["push"], "config": CONFIG}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CheckedGitHub]:
    with open_checked_github("/orgs/acme", tmp_path_factory.mktemp("prism")) as found:
        yield found


@pytest.fixture
def github(opened: CheckedGitHub) -> CheckedGitHub:
    opened.clear()
    return opened


def ask(github: CheckedGitHub, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(github.url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_what_github_describes_passes_also_a_404_and_a_422(github: CheckedGitHub) -> None:
    status, hook = ask(github, "POST", HOOKS, HOOK)
    assert status == 201
    assert ask(github, "POST", HOOKS, HOOK)[0] == 422
    assert ask(github, "PATCH", f"{HOOKS}/{hook['id']}/config", {"secret": "key"})[0] == 200
    assert ask(github, "DELETE", f"{HOOKS}/{hook['id']}")[0] == 204
    assert ask(github, "DELETE", f"{HOOKS}/{hook['id']}")[0] == 404
    variable = {"name": "RECONCILER_PLATFORM", "value": "{}", "visibility": "private"}
    assert ask(github, "POST", VARIABLES, variable)[0] == 201
    assert ask(github, "GET", f"{VARIABLES}?per_page=30&page=1")[1]["total_count"] == 1
    github.check()


@pytest.mark.parametrize(
    ("method", "path", "body", "found"),
    [
        ("POST", HOOKS, {**HOOK, "events": "push"}, ": body.events: "),
        ("POST", HOOKS, {**HOOK, "enabled": True}, "enabled"),
        ("PATCH", f"{HOOKS}/1/config", {"verify": "0"}, "verify"),
        ("POST", VARIABLES, {"name": "A", "value": "{}"}, "'visibility'"),
        ("GET", f"{HOOKS}/first", None, ": path.hook_id: "),
        ("GET", f"{HOOKS}?per_page=many", None, ": query.per_page: "),
        ("GET", f"{HOOKS}?limit=30", None, ": query.limit: "),
        ("GET", "/orgs/acme/repos", None, "no path matched"),
    ],
)
def test_a_wrong_request_fails_the_test(
    github: CheckedGitHub, method: str, path: str, body: Any, found: str
) -> None:
    ask(github, method, path, body)
    with pytest.raises(AssertionError) as failed:
        github.check()
    assert str(failed.value).startswith(f"{method} {path}: ")
    assert found in str(failed.value)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((200, [{**HOOK, "id": 1}], {}), "'ping_url'"),
        ((200, {"hooks": []}, {}), "response.body: "),
        ((202, [], {}), "status code"),
        ((200, b"<html>", {}), "text/html"),
    ],
)
def test_a_wrong_answer_of_the_stand_in_fails_the_test(
    github: CheckedGitHub, answer: tuple[int, Any, dict[str, str]], found: str
) -> None:
    github.server.faults.append(answer)
    assert ask(github, "GET", HOOKS)[0] == 500
    with pytest.raises(AssertionError) as failed:
        github.check()
    assert found in str(failed.value)


def test_a_violation_that_the_provider_survives_fails_the_test(
    github: CheckedGitHub, tmp_path: Path
) -> None:
    repository = Repository(tmp_path, github.server, url=github.url)
    repository.write_tenant("platform", "{organization: acme}")
    repository.write("ci")
    github.server.faults.append((200, {}, {}))
    repository.reconcile()
    with pytest.raises(AssertionError, match="GET /orgs/acme/"):
        github.check()


def test_the_cut_is_a_valid_description_of_these_paths_alone() -> None:
    whole = json.loads(GITHUB.read_text())
    before = deepcopy(whole["paths"][PATHS[0]])
    cut = cut_description(whole, PATHS)
    assert whole["paths"][PATHS[0]] == before
    assert list(cut["paths"]) == PATHS
    needed = {reference for reference in list_references(cut) if reference.startswith("#")}
    assert needed == {
        f"#/components/{kind}/{name}" for kind, held in cut["components"].items() for name in held
    }
    validate(cut)
    assert len(json.dumps(cut)) < GITHUB.stat().st_size / 100
