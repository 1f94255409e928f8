"""`import kubernetes`: manifests become objects of a cluster and manifests again, without a value of
a secret, and the tenant sees no difference.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cluster_objects import assert_valid, documents_of
from tests.support.processes import ROOT, Ended, Tenant, run

EXAMPLES = ROOT / "examples"
VALUE = "kubernetes-import-secret-0123456789"

TENANT = """\
apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {name: production}
spec:
  url: %s
  token: {fromEnv: TENANT_TOKEN}
  owner: payments
"""
EVERYTHING = """\
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: oncall, labels: {team: payments}}
spec:
  url: {fromEnv: ONCALL_ADDRESS}
  enabled: true
  auth:
    type: basic
    username: {fromEnv: ONCALL_USER}
    password: {fromFile: keys/password.txt}
    version: "1"
  events:
    - {type: "elastio:recovery-point:create:started", version: v0, severity: info}
---
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: audit}
spec:
  url: https://hooks.example.com/audit
  enabled: true
  auth: {type: bearer, token: {fromEnv: SHARED_TOKEN}, version: "1"}
  events:
    - {type: "elastio:recovery-point:create:started", version: v0, severity: [info]}
---
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: backup}
spec:
  url: https://hooks.example.com/backup
  enabled: true
  auth: {type: apiKey, header: X-Key, value: {fromEnv: SHARED_TOKEN}, version: "1"}
  events:
    - {type: "elastio:recovery-point:create:started", version: v0, severity: [info]}
---
apiVersion: webhooks.reconciler/v1
kind: EventSubscription
metadata: {name: scans}
spec:
  webhook: oncall
  events:
    - {type: "elastio:recovery-point:iscan:unhealthy", version: v0, severity: critical}
---
apiVersion: webhooks.reconciler/v1
kind: Policy
metadata: {name: https}
spec:
  message: endpoints use https
  schema: {properties: {url: {pattern: "^https://"}}}
"""
ENV = {
    "ONCALL_ADDRESS": f"https://hooks.example.com/{VALUE}",
    "ONCALL_USER": "elastio",
    "SHARED_TOKEN": f"shared-{VALUE}",
}


def write_everything(folder: Path, url: str = "https://tenant.example.com/public-api/v1") -> None:
    """One document a file, under the names that `--reverse` writes."""
    (folder / "keys").mkdir(parents=True)
    (folder / "policies").mkdir()
    (folder / "keys" / "password.txt").write_text(f"password-{VALUE}\n")
    (folder / "tenant-production.yaml").write_text(TENANT % url)
    for text in EVERYTHING.split("---\n"):
        document = yaml.safe_load(text)
        kind, name = document["kind"].lower(), document["metadata"]["name"]
        place = folder / "policies" if kind == "policy" else folder
        (place / f"{kind}-{name}.yaml").write_text(text)


def convert(folder: Path, *options: str) -> Ended:
    return run("import", "kubernetes", *options, cwd=folder)


def list_variables(text: str) -> dict[str, tuple[str, str]]:
    """Secret and key by variable, as the printed commands read them."""
    found = re.findall(r"export (\w+)=\"\$\(kubectl get secret (\S+) .*\{\.data\.(\S+)\}'", text)
    return {name: (secret, key.replace("\\.", ".")) for name, secret, key in found}


def test_objects_are_valid_in_a_cluster_and_for_the_command_line(tmp_path: Path) -> None:
    write_everything(tmp_path / "webhooks")

    ended = convert(tmp_path, "webhooks", "--namespace", "payments", "--out", "cluster")

    assert ended.code == 0, ended.err
    files = {
        str(path.relative_to(tmp_path / "cluster")) for path in (tmp_path / "cluster").rglob("*.*")
    }
    assert files == {
        "eventsubscription-scans.yaml", "kustomization.yaml", "policies/policy-https.yaml",
        "secrets.yaml.example", "tenant-production.yaml", "webhook-audit.yaml", "webhook-backup.yaml",
        "webhook-oncall.yaml",
    }  # fmt: skip
    done = subprocess.run(
        [Path(sys.executable).with_name("kubectl"), "kustomize", tmp_path / "cluster"],
        env={}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    objects = documents_of(done.stdout)
    assert len(objects) == 6
    assert {each["metadata"]["namespace"] for each in objects} == {"payments"}
    assert_valid(objects)
    checked = run("validate", "cluster", cwd=tmp_path)
    assert checked.code == 0, checked.err
    assert "6 documents (1 skipped): 0 errors, 0 warnings." in checked.out


def test_each_webhook_has_a_secret_and_what_several_share_has_its_own(tmp_path: Path) -> None:
    write_everything(tmp_path / "webhooks")

    ended = convert(tmp_path, "webhooks", "--namespace", "payments")

    by_name = {each["metadata"]["name"]: each["spec"] for each in documents_of(ended.out)}

    def made(secret: str, key: str) -> dict[str, Any]:
        return {"fromSecret": {"name": secret, "key": key}}

    assert by_name["production"]["token"] == made("production-tenant", "token")
    assert by_name["oncall"]["urlFrom"] == made("oncall-credentials", "url")
    assert by_name["oncall"]["auth"] == {
        "type": "basic",
        "usernameFrom": made("oncall-credentials", "username"),
        "password": made("oncall-credentials", "password"),
        "version": "1",
    }
    assert by_name["audit"]["auth"]["token"] == made("shared-token", "value")
    assert by_name["backup"]["auth"]["value"] == made("shared-token", "value")
    assert [event["severity"] for event in by_name["scans"]["events"]] == [["critical"]]
    assert (
        "kubectl create secret generic oncall-credentials --namespace payments "
        "--from-file=password=webhooks/keys/password.txt "
        '--from-literal=url="$ONCALL_ADDRESS" --from-literal=username="$ONCALL_USER"'
    ) in ended.err
    assert ended.err.count("kubectl create secret generic") == 3


def test_no_value_of_a_secret_is_read_or_written(tmp_path: Path) -> None:
    write_everything(tmp_path / "webhooks")
    command = ("import", "kubernetes", "webhooks")
    ended = run(*command, "--out", "cluster", cwd=tmp_path, **ENV)
    files = "".join(path.read_text() for path in (tmp_path / "cluster").rglob("*.*"))
    assert ended.code == 0
    assert VALUE not in files + ended.out + ended.err
    example = documents_of((tmp_path / "cluster" / "secrets.yaml.example").read_text())
    assert {text for secret in example for text in secret["stringData"].values()} == {""}


def test_the_arguments_of_a_command_are_not_shown_or_part_of_a_name(tmp_path: Path) -> None:
    shared = "{fromCommand: [/usr/bin/pass, show, hunter2hunter2]}"
    hook = "kind: Webhook\nmetadata: {name: %s}\nspec: {url: 'https://x.example/%s', auth: {type: bearer, token: %s}, events: [{type: a, version: v0, severity: info}]}\n"
    head = "apiVersion: webhooks.reconciler/v1\n"
    text = "---\n".join(head + hook % (name, name, shared) for name in "ab")
    (tmp_path / "hooks.yaml").write_text(text)
    ended = convert(tmp_path, "hooks.yaml", "--out", "cluster")
    assert ended.code == 0, ended.err
    assert "kubectl create secret generic pass-command --from-literal=value=VALUE" in ended.out
    files = "".join(path.read_text() for path in (tmp_path / "cluster").rglob("*.*"))
    assert "hunter2" not in ended.out + ended.err + files


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ("kind: Tenant\nmetadata: {name: a}\nspec: {owner: us, local: t.db}", "kubernetes/field"),
        (
            "kind: Tenant\nmetadata: {name: a}\nspec: {owner: us, url: 'https://x.example', "  # noqa: ISC004  one document
            "token: {fromEnv: T}, patches: [{match: {name: x}, patch: {description: null}}]}",
            "kubernetes/field",
        ),
        ("kind: Webhook\nmetadata: {name: a..b}\nspec: {url: 'https://x.example'}", "kubernetes/name"),
        (
            "kind: Webhook\nmetadata: {name: a, labels: {team: 'a b'}}\nspec: {url: 'https://x.example'}",
            "kubernetes/label",
        ),
        (
            "kind: Webhook\nmetadata: {name: a, annotations: {a: 1}}\nspec: {url: 'https://x.example'}",
            "kubernetes/annotation",
        ),
        (
            "kind: Webhook\nmetadata: {name: a}\nspec: {url: 'https://x.example', previously: ["
            + ", ".join(f"p{number}" for number in range(101))
            + "]}",
            "kubernetes/limit",
        ),
    ],
)  # fmt: skip
def test_what_a_cluster_does_not_take_is_refused_with_its_place(
    tmp_path: Path, document: str, rule: str
) -> None:
    (tmp_path / "in.yaml").write_text(f"apiVersion: webhooks.reconciler/v1\n{document}\n")
    ended = convert(tmp_path, "in.yaml", "--out", "cluster")
    assert ended.code == 1
    assert rule in ended.err + ended.out
    assert "in.yaml:" in ended.err + ended.out
    assert not (tmp_path / "cluster").exists()


def test_a_product_file_is_refused(tmp_path: Path) -> None:
    product = ROOT / "reconciler" / "manifests" / "products" / "pretix.yaml"
    shutil.copy(product, tmp_path / "mine.yaml")
    ended = convert(tmp_path, "mine.yaml")
    assert ended.code == 1
    assert "a cluster has no kind Product" in ended.out + ended.err


def test_what_is_a_secret_already_stays_and_what_a_cluster_does_without_is_named(
    tmp_path: Path,
) -> None:
    text = """\
apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {name: production}
spec:
  url: https://tenant.example.com/public-api/v1
  token: {fromVault: {path: secret/tenant, field: token}}
  owner: payments
  secrets: {env: [ONCALL_*], vault: [secret/*]}
---
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: oncall, namespace: search}
spec:
  url: {fromEnv: ONCALL_URL}
  auth: {type: bearer, token: {fromSecret: {name: oncall-credentials, key: url}}}
  events: [{type: a, version: v0, severity: info}]
---
apiVersion: webhooks.reconciler/v1
kind: ClusterTenant
metadata: {name: shared}
spec:
  url: https://shared.example.com/public-api/v1
  token: {fromEnv: SHARED_TENANT}
  owner: platform
  allowedNamespaces: ["*"]
"""
    ended = run("import", "kubernetes", "-", "--namespace", "payments", cwd=tmp_path, stdin=text)
    assert ended.code == 0, ended.err
    objects = documents_of(ended.out)
    assert_valid(objects)
    shared, production, oncall = objects
    assert "namespace" not in shared["metadata"]
    assert oncall["metadata"]["namespace"] == "payments"
    assert "secrets" not in production["spec"]
    assert "spec.secrets of production" in ended.err
    taken = {"fromSecret": {"name": "oncall-credentials", "key": "url"}}
    assert oncall["spec"]["auth"]["token"] == taken
    assert oncall["spec"]["urlFrom"]["fromSecret"]["key"] == "url-2"
    assert re.findall(
        r"kubectl create secret generic (\S+) --namespace (\S+) (\S+)", ended.err
    ) == [
        ("oncall-credentials", "payments", '--from-literal=url-2="$ONCALL_URL"'),
        ("production-tenant", "payments", "--from-literal=token=VALUE"),
        ("shared-tenant", "reconciler-system", '--from-literal=token="$SHARED_TENANT"'),
    ]


def test_invalid_manifests_are_refused_as_validate_does(tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_text(EVERYTHING.replace("webhook: oncall", "webhook: nobody"))
    ended = convert(tmp_path, "in.yaml")
    assert ended.code == 1
    assert "nobody" in ended.out + ended.err


def test_existing_files_are_not_overwritten_and_the_folder_is_not_inside_a_path(
    tmp_path: Path,
) -> None:
    write_everything(tmp_path / "webhooks")
    inside = convert(tmp_path, "webhooks", "--out", "webhooks/cluster")
    assert (inside.code, "is inside webhooks" in inside.err) == (64, True)
    assert convert(tmp_path, "webhooks", "--out", "cluster").code == 0
    again = convert(tmp_path, "webhooks", "--out", "cluster")
    assert again.code == 64
    assert "already" in again.err


def dump_cluster(documents: list[dict[str, Any]], namespace: str = "payments") -> str:
    """What `kubectl get -o yaml` prints of objects that the operator reconciled."""
    items = []
    for number, value in enumerate(documents):
        metadata = {
            **value["metadata"],
            "namespace": namespace,
            "uid": f"00000000-0000-0000-0000-{number:012}",
            "resourceVersion": str(number),
            "generation": 2,
            "creationTimestamp": "2026-01-31T10:00:00Z",
            "finalizers": ["webhooks.reconciler/tenant"],
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": json.dumps(value) + "\n",
                "team.example.com/contact": "#payments",
            },
            "managedFields": [
                {"manager": "kubectl", "fieldsV1": {"f:spec": {".": {}, 'k:{"type":"Ready"}': {}}}}
            ],
        }
        status = {"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "True"}]}
        items.append({**value, "metadata": metadata, "status": status})
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "metadata": {"resourceVersion": ""},
        "items": items,
    }
    return yaml.safe_dump(listed)


def test_what_kubectl_prints_becomes_manifests_and_the_way_back_is_stable(tmp_path: Path) -> None:
    write_everything(tmp_path / "webhooks")
    first = documents_of(convert(tmp_path, "webhooks").out)
    (tmp_path / "dump.yaml").write_text(dump_cluster(first))

    back = convert(tmp_path, "dump.yaml", "--reverse", "--out", "back")

    assert back.code == 0, back.err
    text = "".join(path.read_text() for path in (tmp_path / "back").rglob("*.*"))
    assert "team.example.com/contact" in text
    for dropped in ("status", "uid", "managedFields", "finalizers", "namespace", "kubectl"):
        assert dropped not in text
    assert list_variables(back.out) == {
        "ONCALL_PASSWORD": ("oncall-credentials", "password"),
        "ONCALL_URL": ("oncall-credentials", "url"),
        "ONCALL_USERNAME": ("oncall-credentials", "username"),
        "PRODUCTION_TENANT_TOKEN": ("production-tenant", "token"),
        "SHARED_TOKEN": ("shared-token", "value"),
    }
    assert "--namespace payments" in back.out
    second = documents_of(convert(tmp_path, "back").out)
    for value in second:
        assert value["metadata"].pop("annotations") == {"team.example.com/contact": "#payments"}
    assert second == first


def test_names_that_look_alike_stay_apart_and_come_back_the_same(tmp_path: Path) -> None:
    head = "apiVersion: webhooks.reconciler/v1\nkind: Webhook\n"
    tail = "events: [{type: a, version: v0, severity: info}]}\n"
    names = {
        "a-b": "A_B", "a.b": "a_b", "c": "A_B", "d": "a_b",  # two shared references look alike
        "vault": "ONE", "reconciler-x": "TWO", "9lives": "THREE", "a-b-credentials": "FOUR",
        "e": "PATH", "f": "PATH", "g": "SUM_CREDENTIALS", "h": "SUM_CREDENTIALS", "sum": "FIVE",
    }  # fmt: skip
    text = "---\n".join(
        f"{head}metadata: {{name: {name}}}\nspec: {{url: 'https://x.example/{name}', "
        f"auth: {{type: bearer, token: {{fromEnv: {variable}}}}}, {tail}"
        for name, variable in names.items()
    )
    (tmp_path / "in.yaml").write_text(text)
    first = convert(tmp_path, "in.yaml")
    assert first.code == 0, first.err
    assert_valid(documents_of(first.out))
    (tmp_path / "cluster.yaml").write_text(first.out)
    back = convert(tmp_path, "cluster.yaml", "--reverse", "--out", "back")
    assert back.code == 0, back.err
    variables = list_variables(back.out)
    assert not {"VAULT_TOKEN", "RECONCILER_X_TOKEN", "PATH"} & set(variables)
    assert run("validate", "back", cwd=tmp_path).code == 0
    assert documents_of(convert(tmp_path, "back").out) == documents_of(first.out)


@pytest.mark.parametrize("name", ["payments", "search"])
def test_objects_of_several_namespaces_need_a_choice(tmp_path: Path, name: str) -> None:
    write_everything(tmp_path / "webhooks")
    objects = documents_of(convert(tmp_path, "webhooks").out)
    both = dump_cluster(objects) + "---\n" + dump_cluster(objects[:1], "search")
    (tmp_path / "dump.yaml").write_text(both)
    refused = convert(tmp_path, "dump.yaml", "--reverse")
    assert refused.code == 1
    assert "kubernetes/namespace" in refused.out + refused.err
    chosen = convert(tmp_path, "dump.yaml", "--reverse", "--namespace", name)
    assert chosen.code == 0, chosen.err
    assert len(documents_of(chosen.out)) == (6 if name == "payments" else 1)
    assert "is in the namespace" in chosen.err


def test_what_is_no_manifest_is_left_out_with_its_reason(tmp_path: Path) -> None:
    write_everything(tmp_path / "webhooks")
    objects = documents_of(convert(tmp_path, "webhooks").out)
    going = {**objects[2], "metadata": {**objects[2]["metadata"], "deletionTimestamp": "2026-01-31T10:00:00Z"}}  # fmt: skip
    shared = {"apiVersion": objects[0]["apiVersion"], "kind": "ClusterTenant", "metadata": {"name": "all"}, "spec": {}}  # fmt: skip
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": VALUE}}
    (tmp_path / "dump.json").write_text(json.dumps([objects[0], going, shared, secret]))
    ended = convert(tmp_path, "dump.json", "--reverse", "--out", "back")
    assert ended.code == 0, ended.err
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["tenant-production.yaml"]
    assert "is being deleted" in ended.out
    assert "ClusterTenant all: write a Tenant" in ended.out
    assert "left out: 1 document of other kinds" in ended.out
    assert VALUE not in ended.out + ended.err


def test_an_object_that_no_schema_takes_is_an_error_at_its_place(tmp_path: Path) -> None:
    value = {"apiVersion": "webhooks.reconciler/v1", "kind": "Webhook", "metadata": {"name": "a"}, "spec": {"urll": "x"}}  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(value))
    ended = convert(tmp_path, "a.json", "--reverse")
    assert ended.code == 1
    assert "a.json:1:1" in ended.out + ended.err
    assert "urll" in ended.out + ended.err


def test_the_tenant_sees_no_difference_after_the_way_there_and_back(tmp_path: Path) -> None:
    folder = tmp_path / "webhooks"
    with Tenant(tmp_path / "served") as tenant:
        write_everything(folder, tenant.url)
        env = {**ENV, "TENANT_TOKEN": tenant.token}
        done = run("reconcile", "webhooks", "--yes", cwd=tmp_path, **env)
        assert done.code == 0, done.out + done.err
        before = tenant.webhooks()
        assert convert(tmp_path, "webhooks", "--out", "cluster").code == 0
        assert (
            run("plan", "cluster", cwd=tmp_path, **env).code != 0
        )  # only the operator resolves it
        folder.rename(tmp_path / "original")
        back = convert(tmp_path, "cluster", "--reverse", "--out", "webhooks")
        assert back.code == 0, back.err
        password = (tmp_path / "original/keys/password.txt").read_text().strip()
        values = {
            ("oncall-credentials", "password"): password,
            ("oncall-credentials", "url"): ENV["ONCALL_ADDRESS"],
            ("oncall-credentials", "username"): ENV["ONCALL_USER"],
            ("production-tenant", "token"): tenant.token,
            ("shared-token", "value"): ENV["SHARED_TOKEN"],
        }
        variables = {name: values[key] for name, key in list_variables(back.out).items()}
        planned = run("plan", "webhooks", cwd=tmp_path, **variables)
        assert "No changes. 3 unchanged" in planned.out, planned.out + planned.err
        assert tenant.webhooks() == before


def list_example_folders() -> list[Path]:
    """Every folder of examples/ whose manifests a run reads."""
    names = [path.name for path in EXAMPLES.iterdir() if path.is_dir()]
    products = [EXAMPLES / "products" / path.name for path in (EXAMPLES / "products").iterdir()]
    left_out = {"agent", "argocd", "ci", "flux", "kubernetes", "products", "provider"}
    return sorted([EXAMPLES / name for name in names if name not in left_out]) + sorted(
        path for path in products if path.is_dir()
    )


REFUSED = {"04-several-tenants", "08-policies", "environments", "python-api"}


@pytest.mark.parametrize("folder", list_example_folders(), ids=lambda path: path.name)
def test_every_example_converts_or_is_refused_for_a_tenant_in_a_file(
    folder: Path, tmp_path: Path
) -> None:
    ended = convert(folder, ".", "--namespace", "payments", "--out", str(tmp_path / "cluster"))
    if folder.name in REFUSED:
        assert ended.code == 1
        assert "embedded tenant in a file" in ended.out + ended.err
        assert not (tmp_path / "cluster").exists()
        return
    assert ended.code == 0, ended.out + ended.err
    objects = [
        value
        for path in sorted((tmp_path / "cluster").rglob("*.yaml"))
        for value in documents_of(path.read_text())
        if value["kind"] != "Kustomization"
    ]
    assert objects
    assert_valid(objects)
    assert run("validate", str(tmp_path / "cluster"), cwd=tmp_path).code == 0
