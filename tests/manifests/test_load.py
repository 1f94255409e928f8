"""What is read, what comes out, and what sources are relative to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.core.errors import BadRequest, InvalidManifests
from reconciler.core.model.auth import BasicAuth
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Origin, Subscription
from reconciler.manifests import Manifests, find_unresolved, load
from tests.support.requests import make_request

STARTED = "elastio:recovery-point:create:started"
EVENT = f'{{type: "{STARTED}", version: v0, severity: info}}'


def webhook(name: str = "one", *spec: str, labels: str = "{}") -> str:
    head = (
        f"apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {{name: {name}, "
        f"labels: {labels}}}\nspec:\n"
    )
    lines = (
        spec
        if any(line.startswith("url") for line in spec)
        else ("url: https://hooks.example.com/x", *spec)
    )
    lines = (
        lines
        if any(line.startswith("events") for line in lines)
        else (*lines, f"events: [{EVENT}]")
    )
    return head + "".join(f"  {line}\n" for line in lines)


def tenant(name: str, *spec: str) -> str:
    head = f"apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: {name}}}\nspec:\n"
    return head + "".join(f"  {line}\n" for line in (f"local: {name}.db", "owner: payments", *spec))


def subscription(name: str, target: str, events: str) -> str:
    head = (
        f"apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {{name: "
        f"{name}}}\nspec:\n"
    )
    return f"{head}  {target}\n  events: [{events}]\n"


def read(folder: Path, files: dict[str, str], **options: object) -> Manifests:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load(make_request(**{"paths": (str(folder),), **options}))


def rules(folder: Path, files: dict[str, str], **options: object) -> list[tuple[str, str]]:
    try:
        found = read(folder, files, **options).problems
    except InvalidManifests as error:
        found = error.problems
    return [(p.rule, p.severity) for p in found]


def test_a_webhook_without_a_name_is_named_by_its_key_and_leaves_open_what_it_does_not_say(
    tmp_path: Path,
) -> None:
    (item,) = read(tmp_path, {"a.yaml": webhook()}).declared
    assert (item.key, item.spec.name, item.spec.enabled, item.protected) == (
        "one",
        "one",
        None,
        None,
    )
    assert item.spec.subscriptions == {Subscription(STARTED, "v0", "info")}


def test_an_event_subscription_in_another_file_joins_with_its_place_and_source(
    tmp_path: Path,
) -> None:
    files = {
        "tenant.yaml": tenant("main"),
        "hooks/a.yaml": webhook("one", labels="{team: payments}"),
        "other/b.yaml": subscription(
            "s", "selector: {matchLabels: {team: payments}}", EVENT.replace("info", "[critical]")
        ),
    }
    (item,) = read(tmp_path, files).declared
    added = Subscription(STARTED, "v0", "critical")
    assert item.sources == ("hooks/a.yaml", "other/b.yaml")
    assert item.subscription_origins[added].file.endswith("other/b.yaml")
    assert item.subscription_origins[added].line == 6


def test_json_is_read_by_the_same_reader_with_surrogate_pairs(tmp_path: Path) -> None:
    body = {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": "Webhook",
        "metadata": {"name": "one"},
        "spec": {"url": "https://hooks.example.com/", "description": "backup \N{FIRE} \\ud83d"},
    }
    (item,) = read(tmp_path, {"a.json": json.dumps(body, indent="\t")}).declared
    assert item.spec.description == "backup \N{FIRE} \\ud83d"


def test_aliases_and_merge_keys_work(tmp_path: Path) -> None:
    text = webhook("one", "auth: &auth {type: basic, username: a, password: {fromEnv: P}}")
    text += "---\n" + webhook(
        "two",
        "auth: {<<: &x {type: basic, username: a, password: {fromEnv: P}}, username: b}",
        "previously: [old]",
    )
    found = read(tmp_path, {"a.yaml": text}).declared
    assert [item.spec.auth.username for item in found if isinstance(item.spec.auth, BasicAuth)] == [
        "a",
        "b",
    ]


def test_sources_are_relative_to_the_tenant_manifest_else_to_the_work_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/plan-rules.md, rule 5."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep" / "hooks").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep")
    without = read(tmp_path / "deep", {"hooks/a.yaml": webhook()}, paths=("hooks",))
    assert (without.root, without.folders, without.declared[0].sources) == (
        str(tmp_path),
        ("deep/hooks",),
        ("deep/hooks/a.yaml",),
    )
    assert without.declared[0].origin == Origin("hooks/a.yaml", 1, 1)
    used = read(tmp_path / "deep", {"t.yaml": tenant("main")}, paths=("hooks", "t.yaml"))
    assert (used.root, used.folders, used.files) == (
        str(tmp_path / "deep"),
        ("hooks",),
        ("t.yaml",),
    )
    assert used.tenant is not None
    assert used.tenant.local == str(tmp_path / "deep" / "main.db")
    assert read(tmp_path / "deep", {}, paths=(".",)).folders == (".",)


def test_hidden_files_and_foreign_documents_are_left_out_and_counted(tmp_path: Path) -> None:
    files = {
        "a.yaml": webhook() + "---\napiVersion: v1\nkind: ConfigMap\n",
        ".b.yaml": ": : :",
        ".c/d.yaml": "[",
        "e.txt": "[",
    }
    found = read(tmp_path, files)
    assert (found.documents, found.skipped) == (1, 1)


def test_standard_input_is_read_where_a_dash_stands() -> None:
    found = load(make_request(paths=("-",), stdin=webhook().encode()))
    assert (found.declared[0].origin.file, found.files, found.folders) == (
        "<stdin>",
        ("<stdin>",),
        (),
    )


def test_a_missing_path_and_an_empty_folder_are_problems(tmp_path: Path) -> None:
    assert rules(tmp_path, {}, paths=(str(tmp_path / "nowhere"),)) == [("path/missing", "error")]
    assert rules(tmp_path, {}) == [("path/empty", "error")]


def test_several_tenants_need_a_name_and_each_selects_its_own(tmp_path: Path) -> None:
    files = {
        "t.yaml": tenant("live", "select: {matchLabels: {env: live}}")
        + "---\n"
        + tenant("trial", "select: {matchLabels: {env: trial}}"),
        "a.yaml": webhook("a", "name: same", labels="{env: live}")
        + "---\n"
        + webhook("b", "name: same", labels="{env: trial}"),
    }
    with pytest.raises(BadRequest, match="live, trial"):
        read(tmp_path, files)
    with pytest.raises(BadRequest, match="did you mean trial"):
        read(tmp_path, files, tenant="trail")
    assert [item.key for item in read(tmp_path, files, tenant="trial").declared] == ["b"]
    assert len(read(tmp_path, files, lenient=True).declared) == 2
    assert rules(tmp_path, files, by_manifest=False) == [("webhook/duplicate-name", "error")]


AUTH = "auth: {type: bearer, token: %s}"


@pytest.mark.parametrize("narrowed", [False, True])
def test_an_unresolved_reference_is_reported_beside_other_errors_unless_it_may_not_be_needed(
    tmp_path: Path, narrowed: bool
) -> None:
    files = {
        "a.yaml": webhook("one", AUTH % "{fromEnv: NOT_SET}"),
        "b.yaml": webhook("two", "auth: {type: telepathy}"),
    }
    reported = rules(tmp_path, files, secrets="require", narrowed=narrowed)
    lost = [] if narrowed else [("secret/unresolved", "error")]
    assert reported == [*lost, ("schema/enum", "error")]


def test_an_unresolved_reference_is_ignored_warned_of_or_required(tmp_path: Path) -> None:
    """docs/security.md: `validate`, `plan`, and `reconcile` and `test`."""
    files = {"a.yaml": webhook("one", AUTH % "{fromEnv: NOT_SET}")}
    assert rules(tmp_path, files) == []
    assert rules(tmp_path, files, secrets="warn") == [("secret/unresolved", "warning")]
    found = read(tmp_path, files, secrets="require")
    assert [(p.rule, p.severity) for p in find_unresolved(found, found.declared)] == [
        ("secret/unresolved", "error")
    ]
    (problem,) = find_unresolved(found, found.declared)
    assert (problem.origin.line, problem.origin.column, problem.pointer) == (
        6,
        31,
        "/spec/auth/token",
    )
    assert problem.message == "fromEnv: NOT_SET does not resolve: the variable is not set, or empty"
    assert find_unresolved(found, ()) == ()


def test_values_come_from_variables_and_files_as_text(tmp_path: Path) -> None:
    auth = (
        "auth: {type: basic, username: {fromEnv: USER_NAME}, password: {fromFile: secret/p}, "
        "version: '7'}"
    )
    files = {"a.yaml": webhook("one", auth, "url: {fromEnv: URL}"), "secret/p": "0123\n"}
    env = {"USER_NAME": "no", "URL": "https://hooks.example.com/t0ken"}
    found = read(tmp_path, files, secrets="require", env=env)
    item = found.declared[0]
    assert isinstance(item.spec.auth, BasicAuth)
    assert (item.spec.auth.username, item.spec.auth.password, item.spec.url) == (
        "no",
        "0123",
        env["URL"],
    )
    assert isinstance(item.spec.auth.password, Secret)
    assert item.spec.auth.password.version == "7"
    assert find_unresolved(found, found.declared) == ()
    assert found.literal_urls == frozenset()
    assert "0123" not in repr(found)
    assert "t0ken" not in repr(found)


def test_a_credential_is_known_by_its_fingerprint_under_the_key(tmp_path: Path) -> None:
    files = {"a.yaml": webhook("one", AUTH % "{fromEnv: TOKEN}")}
    key = Secret("key", "RECONCILER_FINGERPRINT_KEY")
    (item,) = read(
        tmp_path, files, secrets="warn", env={"TOKEN": "t"}, fingerprint_key=key
    ).declared
    assert item.spec.auth.token.version.startswith("hmac-sha256:")  # type: ignore[union-attr]  # a bearer's


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("token", "has space ", "auth/credential"),
        ("token", "x" * 256, "auth/credential"),
        ("password", "a:b", "auth/password-colon"),
        ("username", "a:b", "auth/username-colon"),
        ("url", "ftp://hunter2", "url/invalid"),
    ],
)
def test_a_resolved_value_beyond_its_limits_is_reported_without_quoting_it(
    tmp_path: Path, field: str, value: str, rule: str
) -> None:
    """docs/security.md: no message quotes what may be a credential."""
    spec = {
        "token": (AUTH % "{fromEnv: V}",),
        "password": ("auth: {type: basic, username: u, password: {fromEnv: V}}",),
        "username": ("auth: {type: basic, username: {fromEnv: V}, password: {fromEnv: W}}",),
        "url": ("url: {fromEnv: V}",),
    }[field]
    files = {"a.yaml": webhook("one", *spec)}
    assert [
        found for found, _ in rules(tmp_path, files, secrets="warn", env={"V": value, "W": "w"})
    ] == [rule]


def test_a_file_outside_the_folder_is_forbidden_however_it_is_reached(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("hunter2")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "outside")
    for path in ("link", "../outside", "/proc/self/environ", str(tmp_path / "outside")):
        files = {"a.yaml": webhook("one", AUTH % f"{{fromFile: {path}}}")}
        assert rules(tmp_path / "in", files, secrets="warn") == [("secret/forbidden", "error")]
        if path != "/proc/self/environ":
            assert rules(tmp_path / "in", files, secrets="require", secrets_dir=str(tmp_path)) == []


@pytest.mark.parametrize("name", ["RECONCILER_TENANT_TOKEN", "reconciler_x", "T_TOKEN", "OTHER"])
def test_a_variable_that_is_not_the_webhooks_is_forbidden(tmp_path: Path, name: str) -> None:
    text = tenant("main", "secrets: {env: ['PAY_*', T_*]}").replace(
        "local: main.db", "url: https://t.example.com\n  token: {fromEnv: T_TOKEN}"
    )
    files = {"t.yaml": text, "a.yaml": webhook("one", AUTH % f"{{fromEnv: {name}}}")}
    assert rules(tmp_path, files, env={name: "hunter2"}, secrets="warn") == [
        ("secret/forbidden", "error")
    ]
    files["a.yaml"] = webhook("one", AUTH % "{fromEnv: PAY_X}")
    assert rules(tmp_path, files, env={"PAY_X": "x", "T_TOKEN": "t"}, secrets="warn") == []


def test_a_fifo_and_a_large_file_do_not_resolve(tmp_path: Path) -> None:
    import os  # noqa: PLC0415  for this case only

    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    for name in ("fifo", "large"):
        files = {"a.yaml": webhook("one", AUTH % f"{{fromFile: {name}}}")}
        assert rules(tmp_path, files, secrets="warn") == [("secret/unresolved", "warning")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://acme.example.com/public-api/v1", "https://ACME.example.com:443/public-api/v1/"),
        ("http://127.0.0.1:80/public-api/v1", "http://127.0.0.1/public-api/v1"),
        ("a.db", "./sub/../a.db"),
        ("a.db", "link.db"),
    ],
)
def test_two_tenants_of_one_target_and_owner_are_an_error_however_they_are_written(
    tmp_path: Path, first: str, second: str
) -> None:
    (tmp_path / "link.db").symlink_to("a.db")
    head = (
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: {}}}\nspec: "
        "{{owner: us, {}}}\n"
    )
    ways = [
        f"url: '{way}', token: {{fromEnv: T}}" if "://" in way else f"local: {way}"
        for way in (first, second)
    ]
    files = {f"{name}.yaml": head.format(name, way) for name, way in zip("ab", ways, strict=True)}
    assert rules(tmp_path, files, lenient=True) == [("tenant/same-target", "error")]
