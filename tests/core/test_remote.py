"""A repository is called the same however its remote is written, and its name holds no secret."""

from __future__ import annotations

import pytest

from reconciler.core.model import limits
from reconciler.core.model.remote import parse_remote, parse_repository

SAME = [
    "git@forge.example:acme/webhooks.git",
    "forge.example:acme/webhooks",
    "git@forge.example:/acme/webhooks.git",
    "https://forge.example/acme/webhooks",
    "https://forge.example/acme/webhooks.git/",
    "https://forge.example:8443/acme//webhooks.git",
    "https://user@Forge.Example/acme/webhooks",
    "https://oauth2:s3cr3t-never-print@forge.example/acme/webhooks.git",
    "HTTPS://s3cr3t-never-print@FORGE.example./acme/webhooks",
    "https://forge.example/acme/webhooks.git?private_token=s3cr3t-never-print",
    "ssh://git@forge.example:22/acme/webhooks.git",
    "git+ssh://git@forge.example/acme/webhooks/.git",
    "git://forge.example/acme/webhooks",
]
NONE = [
    *[
        "",
        "/srv/git/webhooks.git",
        "../webhooks",
        "./webhooks",
        "webhooks",
        "file:///srv/git/webhooks",
        "C:/git/webhooks",
        r"C:\git",
    ],
    *[
        "https://forge.example",
        "https://forge.example/",
        "git@forge.example:",
        "https:///acme/webhooks",
        "https://[bad/acme/webhooks",
    ],
    *[
        "ext::sh -c whoami",
        "codecommit::eu://webhooks",
        "bundle:///a",
        "https://forge.example/" + "a" * 1100,
    ],
    "https://user:s3cr3t/never-print@forge.example/acme/webhooks",  # a slash within a password
    "user:s3cr3t/never-print@forge.example:acme/webhooks",
]


@pytest.mark.parametrize("url", SAME)
def test_the_ways_to_write_a_remote_are_one_repository(url: str) -> None:
    assert parse_remote(url) == parse_repository(url) == "forge.example/acme/webhooks"


@pytest.mark.parametrize("url", NONE)
def test_what_names_no_host_is_no_repository(url: str) -> None:
    assert parse_remote(url) is None
    assert parse_repository(url) is None


def test_a_person_may_write_host_and_path_which_as_a_remote_is_a_folder() -> None:
    assert parse_repository("Forge.example/acme/webhooks.git") == "forge.example/acme/webhooks"
    assert parse_remote("forge.example/acme/webhooks") is None


def test_what_is_not_equal_stays_apart() -> None:
    urls = [
        "https://a.example/x/y",
        "https://b.example/x/y",
        "https://a.example/x/Y",
        "https://a.example/x/y/z",
        "https://a.example/y",
    ]
    assert len({parse_remote(url) for url in urls}) == len(urls)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("ssh://git@[2001:DB8::1]:22/a/b.git", "[2001:db8::1]/a/b"),
        ("git@[2001:db8::1]:a/b", "[2001:db8::1]/a/b"),
        ("https://dev.example/My Project/ü.git", "dev.example/My%20Project/%C3%BC"),
        ("https://dev.example/My%20Project/_git/x", "dev.example/My%20Project/_git/x"),
        ("git@forge.example:~me/x.git", "forge.example/~me/x"),
    ],
)
def test_odd_hosts_and_paths_are_names_that_a_tenant_takes(url: str, name: str) -> None:
    assert parse_remote(url) == name
    assert limits.repository(name) is None
    assert parse_repository(name) == name
