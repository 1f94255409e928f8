"""A tenant behind TLS of its own, with a certificate of an authority that only the test has; its
commands in its folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import Ended, Tenant, run, start, webhook
from tests.support.tls import Authority

TOKEN_VARIABLE = "TENANT_TOKEN"


@dataclass(frozen=True)
class Served:
    """A tenant behind TLS; its certificate is for tenant.test and 127.0.0.1."""

    folder: Path
    port: int
    token: str

    @property
    def ca(self) -> str:
        return str(self.folder / "ca.pem")

    def write(self, host: str, url: str = "https://hooks.example.com/x") -> None:
        """A Tenant at that host, and one webhook."""
        head = "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: main}\nspec:\n"
        where = f"https://{host}:{self.port}/public-api/v1"
        token = f"{{fromEnv: {TOKEN_VARIABLE}}}"
        (self.folder / "tenant.yaml").write_text(
            f"{head}  url: {where}\n  token: {token}\n  owner: payments\n"
        )
        (self.folder / "hook.yaml").write_text(webhook("hook", url=url))

    def run(self, *arguments: str, **env: str) -> Ended:
        env[TOKEN_VARIABLE] = self.token
        return run(*arguments, cwd=self.folder, stdin=None, timeout=120, **env)


@contextmanager
def serving(folder: Path, *options: str, port: int = 0) -> Iterator[Served]:
    """A tenant served by `tenant serve` with TLS, in a process of its own; `ca.pem` is its
    authority.
    """
    authority = Authority()
    (folder / "ca.pem").write_bytes(authority.pem())
    authority.write(folder / "server.pem", "tenant.test", "127.0.0.1")
    token = Tenant(folder).token
    command = [
        "tenant",
        "serve",
        "--db",
        "tenant.db",
        "--port",
        str(port),
        "--allow-host",
        "tenant.test",
    ]
    process = start(
        *command, "--tls-cert", "server.pem", "--tls-key", "server.pem", *options, cwd=folder
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("https://"), process.communicate()[1]
        yield Served(folder, int(line.split(":")[2].split("/")[0]), token)
    finally:
        process.terminate()
        process.communicate(timeout=20)
