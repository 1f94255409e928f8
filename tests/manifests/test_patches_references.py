"""A Tenant's patches: where their references are looked up, and which they may be."""

from __future__ import annotations

from pathlib import Path

from reconciler.core.model.auth import ApiKeyAuth, BearerAuth, NoAuth
from reconciler.core.model.secret import Secret
from reconciler.manifests import find_unresolved
from tests.manifests.patching import HOOK, only, problems, put, read, tenant


def test_references_of_a_patch_are_relative_to_its_own_file_and_others_to_theirs(
    tmp_path: Path,
) -> None:
    hook = HOOK.replace("{fromEnv: BASE_TOKEN}", "{fromFile: token}").replace(
        "url: https://hooks.example.com/one", "url: {fromFile: url}"
    )
    put(tmp_path)
    (tmp_path / "hooks" / "token").write_text("of-the-manifest\n")
    (tmp_path / "hooks" / "url").write_text("https://hooks.example.com/manifest\n")
    (tmp_path / "tenants" / "url").write_text("https://hooks.example.com/patch\n")
    (item,) = read(
        tmp_path, tenant("{url: {fromFile: url}}"), hook=hook, secrets="require"
    ).declared
    assert isinstance(item.spec.url, Secret)
    assert item.spec.url.reveal() == "https://hooks.example.com/patch"
    assert isinstance(item.spec.auth, BearerAuth)
    assert isinstance(item.spec.auth.token, Secret)
    assert item.spec.auth.token.reveal() == "of-the-manifest"
    (item,) = read(tmp_path, tenant("{description: x}"), hook=hook, secrets="require").declared
    assert isinstance(item.spec.url, Secret)
    assert item.spec.url.reveal() == "https://hooks.example.com/manifest"


def test_a_sops_file_that_a_patch_names_is_looked_for_beside_the_patch(tmp_path: Path) -> None:
    hook = HOOK.replace("{fromEnv: BASE_TOKEN}", "{fromSops: {file: a.enc.yaml, key: token}}")
    text = tenant(
        "{auth: {token: {fromSops: {file: b.enc.yaml}}}}",
        extra="\n  secrets: {sops: ['*.enc.yaml']}",
    )
    found = read(tmp_path, text, hook=hook, secrets="require")
    (problem,) = find_unresolved(found, found.declared)
    assert "b.enc.yaml" in problem.message
    put(tmp_path)
    (tmp_path / "tenants" / "b.enc.yaml").write_text("token: x\n")
    found = read(tmp_path, text, hook=hook, secrets="require")
    (problem,) = find_unresolved(found, found.declared)
    assert "no such file" not in problem.message.lower()


def test_the_lists_of_what_may_be_referenced_hold_for_patches_too(tmp_path: Path) -> None:
    text = tenant("{auth: {token: {fromEnv: OTHER}}}", extra="\n  secrets: {env: [BASE_*]}")
    problem = only(tmp_path, text)
    assert (problem.rule, problem.origin.line) == ("secret/forbidden", 10)
    assert problems(tmp_path, text.replace("OTHER", "BASE_DEV")) == ()


def test_a_reference_that_a_patch_replaces_is_never_looked_up(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        tenant("{auth: {token: {fromEnv: DEV_TOKEN}}}"),
        secrets="require",
        env={"DEV_TOKEN": "x"},
    )
    assert find_unresolved(found, found.declared) == ()


def test_a_patch_changes_the_type_of_authentication_when_it_removes_what_the_other_had(
    tmp_path: Path,
) -> None:
    patch = "{auth: {type: apiKey, header: X-Key, value: {fromEnv: K}, token: null, version: null}}"
    (item,) = read(tmp_path, tenant(patch)).declared
    assert isinstance(item.spec.auth, ApiKeyAuth)
    (item,) = read(tmp_path, tenant("{auth: null}")).declared
    assert isinstance(item.spec.auth, NoAuth)
