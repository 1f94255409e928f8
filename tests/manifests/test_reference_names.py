"""`urlFrom` and `auth.usernameFrom`: the same as a reference under `url` and `auth.username`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.auth import BasicAuth
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Declared
from reconciler.manifests import Manifests, find_unresolved
from tests.manifests.judging import list_problems, policy, webhook, write
from tests.manifests.patching import HOOK, problems, read, tenant
from tests.support.builders import plan_of
from tests.support.exporting import HEAD, export_over

ENV = {"URL": "https://hooks.example.com/s3cret", "USER": "bob", "PASSWORD": "pw-s3cret"}
REFERENCE = "url: https://hooks.example.com/one"
AUTH = """  auth:
    type: bearer
    token: {fromEnv: BASE_TOKEN}
    version: "1"
"""
PASSWORD = "password: {fromEnv: PASSWORD}, version: '1'"


def hook(url: str, username: str = "") -> str:
    """The manifest with that url, and with basic authentication."""
    auth = f"  auth: {{type: basic, {username}, {PASSWORD}}}\n" if username else ""
    return HOOK.replace(REFERENCE, url).replace(AUTH, auth)


NEW = hook("urlFrom: {fromEnv: URL}", "usernameFrom: {fromEnv: USER}")
OLD = hook("url: {fromEnv: URL}", "username: {fromEnv: USER}")


def read_one(folder: Path, text: str, *tenants: str, **options: Any) -> tuple[Declared, Manifests]:
    found = read(folder, *tenants, hook=text, **{"env": ENV, "secrets": "warn", **options})
    [declared] = found.declared
    return declared, found


def test_both_forms_have_the_same_meaning(tmp_path: Path) -> None:
    (new, manifests), (old, _) = read_one(tmp_path, NEW), read_one(tmp_path, OLD)
    assert isinstance(new.spec.url, Secret)
    assert (new.spec, new.key, new.origin) == (old.spec, old.key, old.origin)
    assert new.spec.url.shown == "https://hooks.example.com/…"
    assert manifests.literal_urls == frozenset()
    assert "s3cret" not in repr(new)
    digests = {plan_of([item], []).digest for item in (new, old)}
    assert len(digests) == 1


def test_a_reference_that_does_not_resolve_is_reported_at_its_place(tmp_path: Path) -> None:
    found = read(tmp_path, hook=NEW, env={}, secrets="require")
    pointers = [problem.pointer for problem in find_unresolved(found, found.declared)]
    assert pointers == ["/spec/urlFrom", "/spec/auth/usernameFrom", "/spec/auth/password"]


@pytest.mark.parametrize("name", ["URL", "USER"])
def test_a_value_is_checked_as_under_the_first_name(tmp_path: Path, name: str) -> None:
    env = {**ENV, name: "no:url"}
    rules = {
        text: [
            (item.rule, item.origin.line)
            for item in problems(tmp_path, hook=text, env=env, secrets="warn")
        ]
        for text in (NEW, OLD)
    }
    assert rules[NEW] == rules[OLD]
    assert rules[NEW]


def test_a_literal_credential_is_refused_there_too(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    text = hook(f"urlFrom: {{fromEnv: {token}}}")
    [problem] = problems(tmp_path, hook=text)
    assert (problem.rule, problem.pointer) == ("secret/literal", "/spec/urlFrom/fromEnv")
    assert token not in repr(problem)


def test_a_patch_replaces_a_url_by_a_reference_and_removes_the_url(tmp_path: Path) -> None:
    patch = "{urlFrom: {fromEnv: URL}, url: null, auth: {version: '2'}}"
    declared, manifests = read_one(tmp_path, HOOK, tenant(patch))
    assert isinstance(declared.spec.url, Secret)
    assert declared.patch_of(("url",)) is not None
    assert "https://hooks.example.com/one" in manifests.literal_urls
    back, _ = read_one(
        tmp_path, NEW, tenant("{url: 'https://hooks.example.com/dev', urlFrom: null}")
    )
    assert back.spec.url == "https://hooks.example.com/dev"


def test_a_patch_that_gives_both_is_a_problem_with_the_fix(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, tenant("{urlFrom: {fromEnv: URL}}"))
    assert (problem.rule, problem.origin.line) == ("schema/not", 9)
    assert "either url or urlFrom, not both" in problem.message
    assert "url: null" in (problem.hint or "")


def test_a_patch_changes_a_part_of_a_reference(tmp_path: Path) -> None:
    declared, _ = read_one(
        tmp_path, NEW, tenant("{urlFrom: {fromEnv: OTHER}}"), env={**ENV, "OTHER": ENV["URL"]}
    )
    assert isinstance(declared.spec.url, Secret)
    assert declared.spec.url.reference == "fromEnv: OTHER"


@pytest.mark.parametrize("form", ["url", "urlFrom"])
@pytest.mark.parametrize("field", ["url", "host"])
def test_a_policy_finds_the_place_of_a_url_in_either_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, field: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = webhook("one", url={"fromEnv": "URL"}).replace('"url"', f'"{form}"')
    never = policy("a", {"properties": {field: {"const": "never"}}})
    write(tmp_path, {"one.yaml": text, "policies/a.yaml": never})
    [problem] = list_problems(policies="judge", env=ENV, secrets="warn")
    assert (problem.pointer, problem.rule) == (f"/spec/{form}", "policy/a")
    assert problem.origin.column > text.index(form)


def test_an_export_keeps_the_references_of_either_form(tmp_path: Path) -> None:
    text = f"""{HEAD}spec:
  urlFrom: {{fromEnv: U}}
  auth: {{type: basic, usernameFrom: {{fromEnv: N}}, password: {{fromEnv: P}}, version: '1'}}
  events: []
  description: old
"""
    after, _ = export_over(
        tmp_path,
        text,
        lambda spec: replace(spec, description="new", auth=BasicAuth(Secret("amy"), Withheld("2"))),
    )
    assert after == text.replace("old", "new").replace("version: '1'", "version: '2'")
