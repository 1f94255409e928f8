"""Objects of a namespace as manifests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.continuous.operator.documents import (
    Objects,
    find_address,
    list_secrets,
    make_documents,
    mark_secret,
    selects,
)
from reconciler.continuous.operator.objects import ACCEPT, FINALIZER, decode_object
from reconciler.core.safety.evidence import State
from tests.continuous.operator.objects_for_tests import make, make_tenant, make_webhook

SECRET = {"fromSecret": {"name": "tenant", "key": "token"}}


def read_tenant(objects: Objects) -> dict[str, Any]:
    tree = make_documents(objects).tree
    found: dict[str, Any] = json.loads(tree.documents[f"/cluster/{objects.namespace}/object.json"])
    return found


def test_a_tenant_keeps_its_spec_and_accepts_the_digest_of_its_annotation() -> None:
    tenant = replace(make_tenant(accept=["sha256:a"]), annotations={ACCEPT: "sha256:b sha256:c"})
    found = read_tenant(Objects("payments", tenant, (), "uid"))
    assert found["spec"]["accept"] == ["sha256:a", "sha256:b", "sha256:c"]
    assert found["spec"]["token"] == SECRET
    assert tenant.spec["accept"] == ["sha256:a"]


def test_a_cluster_tenant_has_an_owner_and_marked_secrets_per_namespace() -> None:
    tenant = make_tenant("shared", "", allowedNamespaces=["*"])
    found = read_tenant(Objects("payments", tenant, (), "uid"))
    assert found["kind"] == "Tenant"
    assert found["spec"]["owner"] == "pay.payments"
    assert "allowedNamespaces" not in found["spec"]
    assert found["spec"]["token"]["fromSecret"] == {"name": mark_secret("tenant"), "key": "token"}


def test_a_webhook_cannot_name_the_secret_of_a_cluster_tenant() -> None:
    token = {"fromSecret": {"name": mark_secret("tenant"), "key": "token"}}
    item = make_webhook("a", spec={"auth": {"type": "bearer", "token": token}})
    assert list(list_secrets(item.spec)) == [(mark_secret("tenant"), "token")]
    tree = make_documents(Objects("payments", make_tenant("shared", ""), (item,), "u")).tree
    written = tree.documents["/cluster/payments/webhooks/a/object.json"].decode()
    assert f'"{mark_secret("tenant")}.own"' in written


def test_only_an_object_that_is_being_deleted_is_evidence_of_a_removal() -> None:
    deleted = make_webhook("deleted", is_deleting=True)
    orphan = make_webhook("orphan", is_deleting=True, spec={"deletionPolicy": "Orphan"})
    declared = make_webhook("declared")
    documents = make_documents(Objects("payments", make_tenant(), (deleted, orphan, declared), "u"))
    tree, folder = documents.tree, "/cluster/payments/webhooks"
    assert f"{folder}/declared/object.json" in tree.documents
    assert tree.has_removals
    assert tree.find_doubt(f"{folder}/deleted/object.json") is None
    for name in ("orphan", "declared", "missing"):
        doubt = tree.find_doubt(f"{folder}/{name}/object.json")
        assert doubt is not None
        assert doubt.state is State.NO_OBJECT
    assert tree.origin == "cluster.u/payments"


def test_in_a_namespace_that_goes_every_webhook_goes_but_orphans() -> None:
    items = (make_webhook("a"), make_webhook("b", spec={"deletionPolicy": "Orphan"}))
    objects = Objects("payments", make_tenant(), items, "u", is_terminating=True)
    assert [objects.is_removed(each) for each in items] == [True, False]
    assert make_documents(objects).tree.removed == {"/cluster/payments/webhooks/a/object.json"}


def test_the_revision_names_the_state_of_the_objects() -> None:
    objects = Objects("payments", make_tenant(), (make_webhook("a"),), "u")
    assert objects.make_revision() == replace(objects, cluster="other").make_revision()
    changed = replace(objects, others=(make_webhook("a", generation=2),))
    assert changed.make_revision() != objects.make_revision()


@pytest.mark.parametrize(
    ("other", "is_twin"),
    [
        (make_tenant("b", "search"), True),
        (make_tenant("b", "search", url="https://T.example.com/v1/"), True),
        (make_tenant("b", "search", owner="search"), False),
        (make_tenant("b", "search", target={"repository": "a/b"}), False),
        (make_tenant("b", "search", provider="svix"), False),
        (make_tenant("b", "search", url=SECRET), False),
        (make_tenant("b", "", owner="pay"), False),
    ],
)
def test_two_tenants_of_one_address_target_and_owner(other: Any, is_twin: bool) -> None:
    same = find_address(make_tenant(), "payments") == find_address(other, "search")
    assert same is is_twin


def test_a_cluster_tenant_is_no_twin_of_itself_but_of_a_tenant_with_its_owner() -> None:
    shared = make_tenant("shared", "")
    assert find_address(shared, "a") != find_address(shared, "b")
    assert find_address(shared, "a") == find_address(make_tenant("t", "a", owner="pay.a"), "a")


def test_a_tenant_selects_by_labels() -> None:
    tenant = make_tenant(select={"matchLabels": {"team": "a"}})
    assert selects(tenant, make_webhook("x", labels={"team": "a", "b": "c"}))
    assert not selects(tenant, make_webhook("x"))
    assert selects(make_tenant(), make_webhook("x"))


def test_an_object_is_decoded_with_what_a_run_needs() -> None:
    metadata = {
        "name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "generation": 3,
        "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER],
        "annotations": {ACCEPT: "sha256:a", "kubectl.kubernetes.io/last-applied": "x"},
    }  # fmt: skip
    item = decode_object({"kind": "Webhook", "metadata": metadata, "spec": {"a": 1}})
    assert item is not None
    assert item.key == ("Webhook", "n", "a")
    assert item.is_deleting
    assert item.has_finalizer
    assert dict(item.annotations) == {ACCEPT: "sha256:a"}
    assert decode_object({"kind": "Pod", "metadata": metadata}) is None
    assert decode_object({"kind": "Webhook", "metadata": {"name": "a"}}) is None
    assert make("Webhook", "a").is_same(make("Webhook", "a", status={"x": 1}, version="9"))
