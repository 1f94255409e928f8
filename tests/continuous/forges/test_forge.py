"""The forge of a repository's url."""

from __future__ import annotations

import pytest

from reconciler.continuous.forges import forge as forges
from reconciler.continuous.forges import push
from reconciler.continuous.forges.commit_status import _KINDS
from reconciler.continuous.forges.forge import KINDS, Forge, find_forge
from reconciler.core.errors import BadRequest
from reconciler.core.model.secret import Secret

TOKEN = Secret("forge-token-0123", "fromEnv: FORGE_TOKEN")


def test_one_list_of_forges() -> None:
    assert set(KINDS) == set(push.FORGES) == set(_KINDS)
    assert set(forges._HOSTS.values()) == set(KINDS)


@pytest.mark.parametrize(
    ("remote", "kind", "api_url", "repository"),
    [
        ("https://github.com/acme/api.git", "github", "https://api.github.com", "acme/api"),
        ("git@github.com:acme/api.git", "github", "https://api.github.com", "acme/api"),
        ("https://acme.ghe.com/acme/api", "github", "https://api.acme.ghe.com", "acme/api"),
        (
            "ssh://git@github.example.com:2222/acme/api",
            "github",
            "https://github.example.com/api/v3",
            "acme/api",
        ),
        (
            "https://gitlab.com/acme/platform/api.git",
            "gitlab",
            "https://gitlab.com/api/v4",
            "acme/platform/api",
        ),
        (
            "https://u:p@gitlab.example.com:8443/acme/api.git",
            "gitlab",
            "https://gitlab.example.com:8443/api/v4",
            "acme/api",
        ),
        ("https://codeberg.org/acme/api", "gitea", "https://codeberg.org/api/v1", "acme/api"),
        (
            "git@forgejo.example.com:acme/api",
            "gitea",
            "https://forgejo.example.com/api/v1",
            "acme/api",
        ),
        (
            "http://gitea.example.com:3000/acme/api",
            "gitea",
            "http://gitea.example.com:3000/api/v1",
            "acme/api",
        ),
    ],
)
def test_host_and_scheme_tell_the_forge(
    remote: str, kind: str, api_url: str, repository: str
) -> None:
    assert find_forge(remote, TOKEN) == Forge(kind, api_url, repository, TOKEN)


def test_what_the_url_does_not_tell_is_given() -> None:
    found = find_forge("git@code.example.com:acme/api.git", TOKEN, kind="gitlab")
    assert found == Forge("gitlab", "https://code.example.com/api/v4", "acme/api", TOKEN)
    url = "http://127.0.0.1:3000/git/api/v1/"
    found = find_forge("git@code.example.com:acme/api.git", TOKEN, kind="gitea", api_url=url)
    assert found.api_url == url[:-1]


@pytest.mark.parametrize(
    ("remote", "options", "message"),
    [
        ("/srv/git/api.git", {}, "names no repository"),
        ("", {}, "names no repository"),
        (
            "https://code.example.com/acme/api",
            {},
            "code.example.com is not known; give one of github, gitlab, gitea",
        ),
        ("https://github.com/acme/api", {"kind": "bitbucket"}, "is not known"),
        ("https://github.com/acme", {}, "give its name in full"),
        ("https://github.com/acme/platform/api", {}, "give its name in full"),
        ("https://gitlab.com/acme", {}, "give its name in full"),
        (
            "https://github.com/acme/api",
            {"api_url": "https://u:s3cret@x.example"},
            "must not carry",
        ),
        ("https://github.com/acme/api", {"api_url": "ftp://x.example"}, "must be an absolute"),
    ],
)
def test_what_names_no_forge_is_a_usage_error(
    remote: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(BadRequest, match=message) as refused:
        find_forge(remote, TOKEN, **options)
    assert "s3cret" not in str(refused.value)


def test_a_token_is_in_no_text_of_a_forge() -> None:
    assert "forge-token" not in repr(find_forge("https://github.com/acme/api", TOKEN))
