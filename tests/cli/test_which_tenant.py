"""Which tenant a run speaks to, what it does not mix, and what it never sends where."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.support.processes import Tenant, run, tenant_manifest, webhook, write


@contextmanager
def answering(
    status: int, kind: str, body: bytes, **headers: str
) -> Iterator[tuple[str, list[str]]]:
    """A server that gives one answer to everything: its address, and the credentials it was
    sent.
    """

    class Handler(BaseHTTPRequestHandler):
        seen: ClassVar[list[str]] = []

        def do_GET(self) -> None:
            self.seen.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/public-api/v1", Handler.seen
        server.shutdown()
        thread.join()


FOREIGN = {
    "a page": (200, "text/html", b"<html>hello</html>"),
    "nothing": (200, "application/json", b""),
    "another shape": (200, "application/json", b'{"items": {"a": 1}}'),
    "no such path": (404, "text/html", b"<html>not here</html>"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_an_address_that_does_not_speak_the_contract_is_1_with_that_message(
    tmp_path: Path, what: str
) -> None:
    write(tmp_path / "webhooks", 1)
    with answering(*FOREIGN[what]) as (url, _):
        options = ("--tenant-url", url, "--owner", "us", "-o", "json")
        for command in (("plan",), ("reconcile", "--yes"), ("test",)):
            chosen = options if command[0] != "test" else ("--tenant-url", url, "-o", "json")
            ended = run(*command, "webhooks", *chosen, cwd=tmp_path, RECONCILER_TENANT_TOKEN="t")
            assert ended.code == 1, ended.err
            assert "this project's own contract" in ended.json["message"]


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    with (
        answering(200, "application/json", b'{"items": [], "next_cursor": null}') as (there, seen),
        answering(302, "text/plain", b"", Location=there) as (url, _),
    ):
        options = ("--tenant-url", url, "--owner", "us")
        ended = run("plan", "webhooks", *options, cwd=tmp_path, RECONCILER_TENANT_TOKEN="t")
    assert ended.code == 1
    assert "redirects are not followed" in ended.err
    assert not seen


def test_a_manifests_token_never_goes_to_a_url_from_the_command_line(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    (tmp_path / "webhooks" / "tenant.yaml").write_text(
        tenant_manifest("https://tenant.example.com/public-api/v1")
    )
    with answering(200, "application/json", b'{"items": [], "next_cursor": null}') as (url, seen):
        options = ("--tenant-url", url, "--owner", "us")
        ended = run("plan", "webhooks", *options, cwd=tmp_path, TENANT_TOKEN="of-the-manifest")
        assert ended.code == 64
        assert "RECONCILER_TENANT_TOKEN" in ended.err
        (tmp_path / "token").write_text("of-the-file\n")
        for extra, env in (
            (("--tenant-token-file", "token"), {}),
            ((), {"RECONCILER_TENANT_TOKEN": "of-the-variable"}),
        ):
            assert (
                run(
                    "plan",
                    "webhooks",
                    *options,
                    *extra,
                    cwd=tmp_path,
                    TENANT_TOKEN="of-the-manifest",
                    **env,
                ).code
                == 0
            )
    assert seen == ["Bearer of-the-file", "Bearer of-the-variable"]


def test_with_several_tenants_one_is_chosen_by_name(tmp_path: Path) -> None:
    write(tmp_path, 1)
    for name in ("staging", "production"):
        head = f"apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: {name}}}\n"
        (tmp_path / f"tenant-{name}.yaml").write_text(
            f"{head}spec: {{local: {name}.db, owner: us}}\n"
        )
    several = run("plan", ".", cwd=tmp_path)
    assert several.code == 64
    assert "production, staging" in several.err
    assert (
        run("plan", ".", "-o", "json", "--tenant", "staging", cwd=tmp_path).json["tenant"]["name"]
        == "staging"
    )
    unknown = run("plan", ".", "--tenant", "stagin", cwd=tmp_path)
    assert unknown.code == 64
    assert "staging" in unknown.err


MIXED = (
    ("--local", "--tenant-url", "https://tenant.example.com"),
    ("--local", "--tenant", "production"),
    ("--tenant-url", "https://tenant.example.com", "--owner", "us", "--tenant", "production"),
    ("--tenant-url", "https://tenant.example.com"),
    ("--tenant-url", "http://tenant.example.com", "--owner", "us"),
    ("--tenant-url", "no url", "--owner", "us"),
    (
        "--tenant-url",
        "https://tenant.example.com",
        "--owner",
        "us",
        "--tenant-token-file",
        "nothing",
    ),
    (),
)


@pytest.mark.parametrize("options", MIXED)
def test_ways_that_exclude_each_other_or_are_not_complete_are_usage_errors(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    write(tmp_path / "webhooks", 1)
    env = {} if "--tenant-token-file" in options else {"RECONCILER_TENANT_TOKEN": "t"}
    assert run("plan", "webhooks", *options, cwd=tmp_path, **env).code == 64
    assert not (tmp_path / ".reconciler").exists()


def test_local_is_a_file_that_git_ignores_with_the_owner_local(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    planned = run("plan", "webhooks", "--local", "-o", "json", cwd=tmp_path).json
    assert planned["tenant"]["owner"] == "local"
    assert (tmp_path / ".reconciler" / "tenant.db").exists()
    assert (tmp_path / ".reconciler" / ".gitignore").read_text().strip() == "*"


def test_a_folder_that_cannot_be_made_is_1(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    (tmp_path / ".reconciler").write_text("a file where the folder would be")
    ended = run("plan", "webhooks", "--local", "-o", "json", cwd=tmp_path)
    assert ended.code == 1
    assert ended.json["kind"] == "store"
    assert "cannot be made" in ended.json["message"]


def test_local_works_beside_a_running_server_on_the_same_file_and_the_revision_is_stored(
    tmp_path: Path,
) -> None:
    with Tenant(tmp_path) as tenant:
        (tmp_path / "hook.yaml").write_text(webhook("hook"))
        done = run(
            "reconcile",
            "hook.yaml",
            "--local-file",
            "tenant.db",
            "--yes",
            "--revision",
            "abc123",
            cwd=tmp_path,
        )
        assert done.code == 0, done.err
        (found,) = tenant.webhooks()
        assert (found["name"], found["managed_by"]["owner"], found["managed_by"]["revision"]) == (
            "hook",
            "local",
            "abc123",
        )


def test_the_command_line_wins_over_the_tenant_manifests_prune(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 2)
    tenant = (
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: t}\nspec: "
        "{local: t.db, owner: us, prune: false}\n"
    )
    (tmp_path / "webhooks" / "tenant.yaml").write_text(tenant)
    assert run("reconcile", "webhooks", "--yes", cwd=tmp_path).code == 0
    (tmp_path / "webhooks" / "hook-0000.yaml").unlink()
    plan = ("plan", "webhooks", "-o", "json")
    assert run(*plan, cwd=tmp_path).json["summary"]["delete"] == 0
    assert run(*plan, "--prune", cwd=tmp_path).json["summary"]["delete"] == 1
    refused = run("plan", "webhooks", "--prune", "--max-deletes", "0", cwd=tmp_path)
    assert refused.code == 6


def test_a_part_is_chosen_by_name_and_by_label(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 3)
    plan = ("plan", "webhooks", "--local", "-o", "json")

    def chosen(*options: str) -> list[str]:
        return [change["key"] for change in run(*plan, *options, cwd=tmp_path).json["changes"]]

    assert chosen("--only", "hook-0001") == ["hook-0001"]
    assert chosen("--exclude", "hook-0001") == ["hook-0000", "hook-0002"]
    assert len(chosen("--select", "team=test")) == 3
    for options in (
        ("--select", "team=other"),
        ("--only", "missing"),
        ("--exclude", "missing"),
        ("--select", "team"),
    ):
        assert run(*plan, *options, cwd=tmp_path).code == 64


def test_a_token_that_does_not_resolve_is_reported_where_its_reference_stands(
    tmp_path: Path,
) -> None:
    write(tmp_path, 1)
    (tmp_path / "tenant.yaml").write_text(tenant_manifest("https://tenant.invalid/public-api/v1"))
    line = next(
        n
        for n, text in enumerate(tenant_manifest("https://tenant.invalid").splitlines(), 1)
        if "token:" in text
    )
    ended = run("plan", ".", cwd=tmp_path)
    assert ended.code == 1
    assert f"tenant.yaml:{line}:" in ended.err
    assert "the tenant's token does not resolve: fromEnv: TENANT_TOKEN" in ended.err


def test_of_two_webhooks_of_one_name_both_names_are_shown(tmp_path: Path) -> None:
    write(tmp_path, 1)
    text = next(tmp_path.glob("*.yaml")).read_text()
    line = next(number for number, part in enumerate(text.splitlines(), 1) if "name: " in part)
    (tmp_path / "z.yaml").write_text(text)
    ended = run("validate", ".", cwd=tmp_path)
    assert ended.code == 1
    problem = next(
        part for part in (ended.out + ended.err).splitlines() if "webhook/duplicate" in part
    )
    assert problem.startswith(f"z.yaml:{line}:")
    assert f"the first stands in hook-0000.yaml:{line}" in problem
