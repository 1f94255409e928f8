"""The operator as a process of its own, and the objects that tests give it."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.request
from pathlib import Path
from typing import Any, Self

from tests.kubernetes.kubectl import Kubectl
from tests.support.processes import COMMAND, environment
from tests.support.servers import free_port


class Operator:
    """`reconciler operator`. `folder` gets its log."""

    def __init__(
        self, kubectl: Kubectl, folder: Path, *options: str, token: str | None = None,
        is_cluster_wide: bool = False, **env: str,
    ) -> None:  # fmt: skip
        self.kubectl, self.folder, self._env = kubectl, folder, env
        folder.mkdir(parents=True, exist_ok=True)
        plane = kubectl.control_plane
        self.kubeconfig = plane.write_kubeconfig(folder / "kubeconfig", token)
        self._options = options
        self._namespaces = () if is_cluster_wide else (f"--namespace={kubectl.namespace}",)
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / "log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def start(self) -> None:
        """Starts it; its page is served from now on."""
        self.port = free_port()
        options = [
            "--kubeconfig", str(self.kubeconfig), "--lease-namespace", self.kubectl.home,
            "--identity", self.folder.name, "--port", str(self.port), "--settle", "0.5",
            "--lease-duration", "6", *self._namespaces, *self._options,
        ]  # fmt: skip
        env = environment(HOME=str(self.folder), **self._env)
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "operator", *options], env=env, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True,
            )  # fmt: skip

    def kill(self) -> None:
        """Ends it at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def stop(self) -> None:
        """Ends it as Kubernetes ends a pod; it exits 0."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(40) == 0, self.log.read_text()[-3000:]

    def read(self, path: str) -> Any:
        """What its page answers; None while it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as got:
                return got.read().decode()
        except OSError:
            return None

    def status(self) -> dict[str, Any]:
        """Its status document, {} while it has none."""
        found: dict[str, Any] = json.loads(self.read("/status") or "{}")
        return found

    def is_ready(self) -> bool:
        """Whether it has read the cluster."""
        return self.read("/readyz") is not None


def tenant_object(url: str, name: str = "production", **spec: Any) -> dict[str, Any]:
    """A Tenant whose token is in the Secret `tenant`."""
    return {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {
            "provider": "tenant",
            "url": url,
            "token": {"fromSecret": {"name": "tenant", "key": "token"}},
            "owner": "payments",
            "interval": "30s",
            **spec,
        },
    }


def secret(name: str, **values: str) -> dict[str, Any]:
    """A Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": values,
    }


def webhook(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A Webhook with one event."""
    event = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": ["info"]}
    return {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": "Webhook",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"url": f"https://hooks.example.com/{name}", "events": [event], **spec},
    }
