"""Products without room for a mark of ownership: product files with `mark: none`, and forges whose
Tenant says `ledger: none`. docs/plan-rules.md, rule 4.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from reconciler.core.model.product import make_product
from reconciler.core.model.webhook import Subscription
from reconciler.providers.conformance import Place, Samples, conformance
from reconciler.providers.product_file.plugin import ProductFile
from reconciler.providers.registry import open_plugin
from tests.providers.github_repository import Repository, verify
from tests.providers.test_github import EVENTS, OPTIONS, empty_repository
from tests.providers.test_product_file import make_spec, write_manifests
from tests.stand_ins.github import github
from tests.stand_ins.rest import TOKEN, Rest, open_rest
from tests.support.forge_repository import NEW_KEY
from tests.support.product_repository import ProductRepository

SPEC = make_spec(mark="none", auth={"type": "bearer", "at": "/secret", "has": "/secret"})
SAMPLES = Samples((Subscription("a", None, None), Subscription("b", None, None)))
NO_MARK = "keeps no mark of ownership here"
AUTH = '  auth: {type: bearer, token: {fromEnv: KEY}, version: "%s"}\n'


@asynccontextmanager
async def empty_rest(_endpoint: str) -> AsyncIterator[Place]:
    with open_rest() as server:
        yield Place(server.url, TOKEN)


test_a_product_file = conformance(ProductFile(make_product("rest", SPEC)), empty_rest, SAMPLES)
test_github_without_a_ledger = conformance(
    open_plugin("github", has_ledger=False),
    empty_repository,
    Samples(EVENTS, options=OPTIONS, verify=verify),
)


@pytest.fixture
def server() -> Iterator[Rest]:
    with open_rest() as server:
        yield server


@pytest.fixture
def repository(tmp_path: Path, server: Rest) -> ProductRepository:
    return write_manifests(tmp_path, server, SPEC)


def own_all(repository: ProductRepository) -> None:
    tenant = repository.folder / "tenant.yaml"
    tenant.write_text(tenant.read_text() + "  ownership: all\n")


def test_rule_4_a_webhook_with_a_declared_url_is_updated(
    repository: ProductRepository, server: Rest
) -> None:
    server.hooks[7] = {
        "id": 7,
        "name": "by hand",
        "config": {"url": "https://hooks.example.com/pager"},
        "active": False,
        "events": ["b"],
    }
    repository.write("pager")
    plan = repository.run("plan")
    assert NO_MARK in plan.out
    assert "nothing is deleted" in plan.out
    repository.reconcile()
    (hook,) = server.hooks.values()
    assert (hook["id"], hook["name"], hook["active"]) == (7, "pager", True)
    assert "headers" not in hook
    assert repository.run("drift").code == 0
    hook["active"] = False
    assert repository.run("drift").code == 7


def test_rule_4_nothing_is_deleted_and_a_new_url_is_a_new_webhook(
    repository: ProductRepository, server: Rest
) -> None:
    path = repository.write("pager")
    repository.write("other")
    repository.reconcile()
    repository.write("pager", "https://hooks.example.com/new")
    repository.reconcile()
    assert len(server.hooks) == 3
    path.unlink()
    repository.reconcile()
    assert len(server.hooks) == 3
    assert "2 unmanaged" in repository.run("plan").out


def test_rule_4_with_ownership_all_what_is_not_declared_is_deleted(
    repository: ProductRepository, server: Rest
) -> None:
    path = repository.write("pager")
    repository.write("other")
    repository.reconcile()
    own_all(repository)
    path.unlink()
    assert "is deleted (ownership: all)" in repository.run("plan").out
    repository.reconcile()
    assert [hook["name"] for hook in server.hooks.values()] == ["other"]


def test_rule_7_the_limit_of_updates_counts_the_webhooks_that_were_found(
    repository: ProductRepository, server: Rest
) -> None:
    for number in range(10):
        repository.write(f"hook-{number}")
    repository.reconcile()
    for hook in server.hooks.values():
        hook["active"] = False
    refused = repository.run("plan")
    assert refused.code == 6
    assert "update-limit" in refused.out


def test_rule_1_two_webhooks_of_one_url_are_ambiguous(
    repository: ProductRepository, server: Rest
) -> None:
    repository.write("pager")
    repository.reconcile()
    (hook,) = server.hooks.values()
    server.hooks[99] = {**hook, "id": 99}
    refused = repository.run("plan")
    assert refused.code == 6
    assert "ambiguous-name" in refused.out


def test_a_credential_is_not_compared_and_is_sent_when_it_is_asked_for(
    repository: ProductRepository, server: Rest
) -> None:
    repository.env |= {"KEY": "first-key-0123456789"}
    repository.secrets += ("first-key-0123456789", "second-key-0123456789")
    path = repository.write("pager", more=AUTH % "1")
    repository.reconcile()
    repository.env["KEY"] = "second-key-0123456789"
    path.write_text(path.read_text().replace('version: "1"', 'version: "2"'))
    plan = repository.run("plan")
    assert "No changes" in plan.out
    assert "credential not compared" in plan.out
    assert repository.run("reconcile", "--yes", "--resend-credentials").code == 0
    (hook,) = server.hooks.values()
    assert hook["secret"] == "second-key-0123456789"
    repository.remove_auth(path)
    repository.reconcile()
    (hook,) = server.hooks.values()
    assert hook["secret"] == ""


def test_a_saved_plan_is_carried_out(repository: ProductRepository, server: Rest) -> None:
    path = repository.write("pager")
    repository.reconcile()
    path.write_text(path.read_text().replace("enabled: true", "enabled: false"))
    assert repository.run("plan", "--out", "plan.json").code == 0
    ended = repository.run("reconcile", "--plan", "plan.json", "--yes")
    assert ended.code == 0, ended.out + ended.err
    (hook,) = server.hooks.values()
    assert hook["active"] is False


def test_export_writes_manifests_and_there_is_nothing_to_adopt(
    repository: ProductRepository, server: Rest
) -> None:
    server.hooks[7] = {
        "id": 7,
        "name": "by hand",
        "config": {"url": "https://hooks.example.com/pager"},
        "active": True,
        "events": ["b"],
    }
    assert repository.call("export", "out", "tenant.yaml", "product.yaml").code == 0
    adopted = repository.call("adopt", "--all", "--yes")
    assert adopted.code == 0, adopted.err
    assert "No changes" in repository.run("plan").out
    assert set(server.hooks[7]) == {"id", "name", "config", "active", "events"}


@pytest.mark.parametrize(
    ("more", "rule"),
    [("  protected: true\n", "provider/field"), (AUTH.replace("bearer", "basic") % "1", "schema/")],
)
def test_what_only_a_mark_could_keep_is_an_error(
    repository: ProductRepository, more: str, rule: str
) -> None:
    repository.write("pager", more=more)
    ended = repository.run("validate")
    assert ended.code == 1
    assert f"[{rule}" in ended.out + ended.err


def test_a_credential_needs_a_product_that_tells_of_it(tmp_path: Path, server: Rest) -> None:
    spec = make_spec(mark="none", auth={"type": "token", "at": "/secret"})
    ended = write_manifests(tmp_path, server, spec).run("validate")
    assert ended.code == 1
    assert "only the product tells whether there is a credential" in ended.out + ended.err


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Repository]:
    with github() as server:
        repository = Repository(tmp_path, server)
        repository.write_tenant("platform", more="  ledger: none\n")
        yield repository


def test_github_without_a_ledger_writes_no_variable_and_deletes_nothing(forge: Repository) -> None:
    path = forge.write("oncall")
    assert NO_MARK in forge.run("plan").out
    forge.reconcile()
    assert not forge.server.variables
    forge.write("oncall", version="2")
    forge.env["HOOK_KEY"] = NEW_KEY
    assert "credential not compared" in forge.run("plan").out
    assert forge.run("reconcile", "--yes", "--resend-credentials").code == 0
    assert forge.hook["config"]["secret"] == NEW_KEY
    path.unlink()
    forge.write("other")
    forge.reconcile()
    assert len(forge.server.hooks) == 2


def test_a_provider_without_a_ledger_has_none_to_switch_off(tmp_path: Path, server: Rest) -> None:
    repository = write_manifests(tmp_path, server, make_spec())
    tenant = tmp_path / "tenant.yaml"
    tenant.write_text(tenant.read_text() + "  ledger: none\n")
    ended = repository.run("validate")
    assert ended.code == 1
    assert "[tenant/ledger]" in ended.out + ended.err


def test_gitea_without_a_ledger_takes_no_key(tmp_path: Path) -> None:
    with github() as server:
        repository = Repository(tmp_path, server)
        repository.write("oncall")
        tenant = tmp_path / "tenant.yaml"
        text = tenant.read_text().replace("provider: github", "provider: gitea")
        tenant.write_text(f"{text}  ledger: none\n")
        ended = repository.run("validate")
    assert ended.code == 1
    assert "gitea cannot authenticate deliveries by signature" in ended.out + ended.err


def test_a_fleet_needs_its_ledgers(forge: Repository) -> None:
    forge.write_tenant("platform", "{organization: acme, repositories: {}}", "  ledger: none\n")
    ended = forge.run("validate")
    assert ended.code == 1
    assert "many repositories need their ledgers" in ended.out + ended.err
    assert "[tenant/ledger]" in ended.out + ended.err
