"""`fromSecret`: the command line has no Secrets, and the operator has nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.secret import Secret
from reconciler.manifests import SecretLookup, load
from tests.sources.asking import LISTS, ask
from tests.support.requests import make_request

VALUE = "s3cr3t-never-print"
REFERENCE = {"fromSecret": {"name": "payments", "key": "token"}}
OTHERS = [
    {"fromEnv": "TOKEN"},
    {"fromFile": "token"},
    {"fromVault": {"path": "secret/payments/a", "field": "token"}},
    {"fromAwsSecretsManager": {"name": "payments/a"}},
    {"fromSops": {"file": "a.yaml", "key": "token"}},
    {"fromCommand": ["cat", "/etc/passwd"]},
]


def test_on_the_command_line_it_does_not_resolve_and_the_fix_is_named(tmp_path: Path) -> None:
    problem = ask(tmp_path, REFERENCE).problem
    assert problem.rule == "secret/unresolved"
    assert problem.pointer == "/spec/auth/token"
    assert problem.message == (
        'fromSecret: {name: "payments", key: "token"} does not resolve: only the operator resolves it'
    )
    assert problem.hint == "for the command line, use fromEnv: NAME instead"


def test_a_plan_on_the_command_line_goes_on_with_a_warning(tmp_path: Path) -> None:
    found = ask(tmp_path, REFERENCE, secrets="warn")
    assert [(item.rule, item.severity) for item in found.problems] == [
        ("secret/unresolved", "warning")
    ]


@pytest.mark.parametrize("text", [VALUE, f"{VALUE}\n"])
def test_the_operator_resolves_it(tmp_path: Path, text: str) -> None:
    found = ask(tmp_path, REFERENCE, cluster={("payments", "token"): text})
    assert found.problems == ()
    assert isinstance(found.token, Secret)
    assert found.token == VALUE
    assert VALUE not in repr(found)


@pytest.mark.parametrize(
    "cluster",
    [
        {},
        {("payments", "token"): None},
        {("payments", "token"): ""},
        {("payments", "other"): VALUE},
        {("other", "token"): VALUE},
    ],
)
def test_a_secret_or_key_that_is_missing_is_named(
    tmp_path: Path, cluster: dict[tuple[str, str], str | None]
) -> None:
    problem = ask(tmp_path, REFERENCE, cluster=cluster).problem
    assert problem.rule == "secret/unresolved"
    assert "there is no Secret payments with a value under token" in problem.message
    assert VALUE not in repr(problem)


@pytest.mark.parametrize("reference", OTHERS, ids=lambda item: next(iter(item)))
def test_in_the_operator_every_other_source_is_refused(
    tmp_path: Path, reference: dict[str, object]
) -> None:
    (tmp_path / "token").write_text(VALUE)
    problem = ask(
        tmp_path, reference, {"TOKEN": VALUE}, cluster={}, allow_command=True, lists=LISTS
    ).problem
    assert (problem.rule, problem.severity) == ("secret/forbidden", "error")
    assert problem.pointer == f"/spec/auth/token/{next(iter(reference))}"
    assert "the operator reads credentials from Secrets only; use fromSecret" in problem.message
    assert VALUE not in repr(problem)


def write_tenant(folder: Path, token: object, more: str = "") -> None:
    head = "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: main}\n"
    (folder / "tenant.yaml").write_text(
        f"{head}spec: {{url: 'https://t.example.com', token: {json.dumps(token)}, owner: me{more}}}\n"
    )


def test_a_tenant_token_comes_from_a_secret_too_and_no_webhook_may_have_it(tmp_path: Path) -> None:
    write_tenant(tmp_path, REFERENCE)
    cluster = {("payments", "token"): VALUE}
    request = make_request(paths=(str(tmp_path),), secrets="require", cluster=cluster)
    tenant = load(request).tenant
    assert tenant is not None
    assert tenant.token == VALUE
    assert VALUE not in repr((tenant, request))
    (tmp_path / "hook.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {name: one}\n"
        f"spec: {{url: 'https://h.example.com', auth: {{type: bearer, token: {json.dumps(REFERENCE)}}}}}\n"
    )
    with pytest.raises(InvalidManifests) as caught:
        load(request)
    assert "secret/forbidden" in {problem.rule for problem in caught.value.problems}


@pytest.mark.parametrize("token", [{"fromEnv": "TOKEN"}, {"fromFile": "token"}])
def test_in_the_operator_a_tenant_reads_no_variable_and_no_file(
    tmp_path: Path, token: dict[str, str]
) -> None:
    login = {"method": "token", "token": token}
    write_tenant(tmp_path, token, f", secrets: {json.dumps({'vault': {'login': login}})}")
    with pytest.raises(InvalidManifests) as caught:
        load(
            make_request(
                paths=(str(tmp_path),), secrets="require", cluster={}, env={"TOKEN": VALUE}
            )
        )
    pointers = {p.pointer for p in caught.value.problems if p.rule == "secret/forbidden"}
    [source] = token
    assert pointers == {f"/spec/token/{source}", f"/spec/secrets/vault/login/token/{source}"}


def test_the_lookup_does_not_print_what_it_holds() -> None:
    assert VALUE not in repr(SecretLookup(cluster={("payments", "token"): VALUE}))
