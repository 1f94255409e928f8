"""A real agent, the bare repository that it follows, and what a test changes there."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Self
from urllib.parse import urlsplit

from tests.manifests.revisions import commit, git, new
from tests.support.processes import Tenant, start, webhook

HOOK_KEY = "push-key-of-the-test-0123456789"
SECONDS = 60.0  # that a test waits; the machine may be busy
SCHEDULE = "interval: 10s"  # the shortest one


class Repository:
    """A bare repository, and a work tree that pushes to it."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.bare = new(folder / "tree"), folder / "remote.git"
        git(self.tree, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(self.tree, "remote", "add", "origin", str(self.bare))

    def write(self, name: str, text: str) -> None:
        """A file below `webhooks`."""
        file = self.tree / "webhooks" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def declare(self, *keys: str, extra: str = "enabled: false") -> None:
        for key in keys:
            self.write(key, webhook(key, extra=extra))

    def declare_tenant(self, tenant: Tenant | str, extra: str = SCHEDULE, **named: str) -> None:
        name, token = named.get("name", "production"), named.get("token", "{fromEnv: TENANT_TOKEN}")
        url = tenant if isinstance(tenant, str) else tenant.url
        self.write(
            f"tenant-{name}",
            "apiVersion: webhooks.reconciler/v1\nkind: Tenant\n"
            f"metadata: {{name: {name}}}\nspec:\n  provider: tenant\n  url: '{url}'\n"
            f"  token: {token}\n  owner: payments\n  repository: forge.example/acme/webhooks\n"
            + "".join(f"  {line}\n" for line in extra.splitlines()),
        )

    def remove(self, *names: str) -> None:
        for name in names:
            (self.tree / "webhooks" / f"{name}.yaml").unlink()

    def commit(self, message: str = "more") -> str:
        return commit(self.tree, message)

    def push(self, message: str = "more", *options: str) -> str:
        """Commits all that was written, and pushes it; the commit."""
        revision = self.commit(message)
        self.send(*options)
        return revision

    def send(self, *options: str) -> None:
        """Pushes what was committed."""
        git(self.tree, "push", "-q", *options, "origin", "HEAD:main")


class Agent:
    """`reconciler agent` in a process of its own. `lines` is its log so far."""

    def __init__(self, folder: Path, repository: Path | str, *options: str, **env: str) -> None:
        self.folder, self.env = folder, env
        self.options = ("--repository", str(repository), "--path", "webhooks", "--state", "state")
        self.options += ("--port", "0", *options)
        self.lines: list[str] = []
        self.url = ""
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> Self:
        """Once more too, after `stop`."""
        if hasattr(self, "process"):
            self._close()
        self.process = start("agent", *self.options, cwd=self.folder, **self.env)
        self._reader = Thread(target=self._read_log, args=(self.process,), daemon=True)
        self._reader.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, (self.process.wait(10), self.lines)
        self.url = line.removeprefix("page: ").strip().rstrip("/")
        return self

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self.lines.append(line.rstrip("\n"))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.stop()
        self._close()

    def _close(self) -> None:
        self._reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 40.0) -> int:
        """The exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def kill(self) -> None:
        self.stop(signal.SIGKILL)
        self._close()

    def read(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read("/status")[1])
        return found

    def tenant(self, name: str = "production") -> dict[str, Any]:
        """What /status says of a Tenant, {} if it does not know it."""
        return next((one for one in self.status["tenants"] if one["name"] == name), {})

    def last_run(self, name: str = "production") -> dict[str, Any]:
        return self.tenant(name).get("last_run") or {}

    def metric(self, line: str) -> float:
        """The value of a metric with its labels, 0 if there is none."""
        lines = self.read("/metrics")[1].splitlines()
        return next((float(one.split()[-1]) for one in lines if one.startswith(f"{line} ")), 0.0)

    def wait(
        self, found: Callable[[dict[str, Any]], object], name: str = "production"
    ) -> dict[str, Any]:
        """The last run of a Tenant for which `found` is true, once there is one."""
        return wait_for(
            lambda: (run := self.last_run(name)) and found(run) and run,
            lambda: json.dumps(self.status, indent=1) + "\n".join(self.lines[-20:]),
        )

    def wait_applied(self, revision: str, name: str = "production") -> dict[str, Any]:
        return self.wait(
            lambda run: run["revision"] == revision and run["state"] in {"applied", "synced"}, name
        )

    def wait_problem(self, part: str) -> str:
        """The problem with the repository, once it has that text."""
        return str(
            wait_for(
                lambda: (text := self.status["source"]["problem"] or "") and part in text and text,
                lambda: str(self.status["source"]),
            )
        )

    def push(self, forge: str = "github", key: str = HOOK_KEY, **changed: str) -> int:
        """A push webhook of the branch, signed with the key; the status of its answer."""
        body = json.dumps({"ref": "refs/heads/main", "after": "a" * 40}).encode()
        headers = {**sign(forge, key, body), **changed}
        return self.post(f"/hooks/{forge}", body, headers)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        request = urllib.request.Request(self.url + path, body, dict(headers), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except (ConnectionError, urllib.error.URLError):
            return 0  # hung up before all of the body was sent

    def announce(self, path: str, size: int, headers: Mapping[str, str]) -> int:
        """The status of the answer to the head of a request whose body would be that large."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        try:
            connection.putrequest("POST", path)
            for name, value in {**headers, "Content-Length": str(size)}.items():
                connection.putheader(name, value)
            connection.endheaders()
            return connection.getresponse().status
        finally:
            connection.close()


def wait_for(found: Callable[[], Any], explain: Callable[[], str], seconds: float = SECONDS) -> Any:
    """The first value that is true, asked again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(ConnectionError, urllib.error.URLError):
            value = found()
            if value:
                return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {explain()}")


_NUMBERS = iter(range(1, 1_000_000))


def sign(forge: str, key: str, body: bytes) -> dict[str, str]:
    """The headers of a new delivery of a push, by each forge's documentation."""
    mac = hmac.new(key.encode(), body, hashlib.sha256)
    ident = f"delivery-{next(_NUMBERS)}"
    kind = {"Content-Type": "application/json"}
    match forge:
        case "github":
            signature = {"X-Hub-Signature-256": f"sha256={mac.hexdigest()}"}
            return {**kind, "X-GitHub-Event": "push", "X-GitHub-Delivery": ident, **signature}
        case "gitea":
            signature = {"X-Gitea-Signature": mac.hexdigest()}
            return {**kind, "X-Gitea-Event": "push", "X-Gitea-Delivery": ident, **signature}
    stamp = str(int(time.time()))
    standard = hmac.new(key.encode(), f"{ident}.{stamp}.".encode() + body, hashlib.sha256)
    value = f"v1,{b64encode(standard.digest()).decode()}"
    stamps = {"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": value}
    return {**kind, "X-Gitlab-Event": "Push Hook", **stamps}
