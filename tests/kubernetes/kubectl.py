"""The real kubectl, with a home of its own: it keeps what a server offers there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

import yaml

from tests.kubernetes.control_plane import ControlPlane

PROGRAM: Final = Path(sys.executable).with_name("kubectl")
PLURALS: Final = ("webhooks", "eventsubscriptions", "tenants", "policies")
GROUP_PATH: Final = "/apis/webhooks.reconciler/v1"


def wait_until(is_done: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Asks until it is so; a test fails after `seconds`."""
    until = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < until, f"{what}: not within {seconds:g} seconds"
        time.sleep(0.1)


class Kubectl:
    """kubectl in one namespace of one control plane."""

    def __init__(self, control_plane: ControlPlane, namespace: str = "default") -> None:
        self.control_plane, self.namespace = control_plane, namespace
        self.home = f"{namespace}-operator"  # the namespace of an operator for this one

    def call(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """One command to its end, whatever that is."""
        plane = self.control_plane
        env = {"HOME": str(plane.folder), "PATH": os.environ["PATH"]}
        command = [PROGRAM, f"--kubeconfig={plane.kubeconfig}", f"--namespace={self.namespace}"]
        return subprocess.run(
            [*command, *arguments],
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Standard output of a command that succeeds."""
        done = self.call(*arguments, stdin=stdin)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(self, *documents: dict[str, Any] | str) -> None:
        """Manifests, each as a document or as text of one or more."""
        texts = [each if isinstance(each, str) else yaml.safe_dump(each) for each in documents]
        self.run("apply", "--server-side", "-f", "-", stdin="\n---\n".join(texts))

    def apply_in(self, namespace: str, *documents: dict[str, Any]) -> None:
        """Manifests in another namespace, or in none."""
        type(self)(self.control_plane, namespace).apply(*documents)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """An object."""
        found: dict[str, Any] = json.loads(self.run("get", kind, name, "-o", "json"))
        return found

    def list_objects(self, kind: str) -> list[dict[str, Any]]:
        """The objects of a kind, [] if there is no such kind any more."""
        path = f"{GROUP_PATH}/namespaces/{self.namespace}/{kind}"
        _, body = self.control_plane.call("GET", path)
        return list(body.get("items") or ())

    def condition(self, kind: str, name: str, of: str) -> dict[str, Any]:
        """A condition of an object, {} if it has none."""
        conditions = self.get(kind, name).get("status", {}).get("conditions", ())
        return next((each for each in conditions if each["type"] == of), {})

    def wait_for(
        self, kind: str, name: str, of: str, status: str, reason: str | None = None,
        seconds: float = 60,
    ) -> dict[str, Any]:  # fmt: skip
        """A condition, once it has that status and reason."""
        until, found = time.monotonic() + seconds, {}
        while time.monotonic() < until:
            found = self.condition(kind, name, of)
            if found.get("status") == status and reason in {None, found["reason"]}:
                return found
            time.sleep(0.2)
        raise AssertionError(f"{kind} {name}: {of} is {found}, not {status} {reason}")

    def wait_ready(self, kind: str, *names: str, seconds: int = 60) -> None:
        """By `kubectl wait`, of these objects or of all."""
        which = [f"{kind}/{name}" for name in names] or [kind, "--all"]
        self.run("wait", "--for=condition=Ready", f"--timeout={seconds}s", *which)

    def apply_definitions(self, path: Path) -> None:
        """CRDs; until their objects are served, which is up to seconds after Established."""
        plane = self.control_plane
        # without rules of CEL a server knows no field for them
        self.run("apply", "--server-side", *([] if plane.has_rules else ["--validate=false"]),
                 "-f", str(path))  # fmt: skip
        for plural in (*PLURALS, "clustertenants"):
            path_of = f"{GROUP_PATH}/{plural}"
            wait_until(lambda p=path_of: plane.call("GET", p)[0] == 200, path_of)  # type: ignore[misc]

    def make_namespace(self, name: str) -> Self:
        """kubectl in a new namespace."""
        self.run("create", "namespace", name)
        return type(self)(self.control_plane, name)

    def has_namespace(self) -> bool:
        """Whether the namespace is still there."""
        return self.control_plane.call("GET", f"/api/v1/namespaces/{self.namespace}")[0] == 200

    def clear(self) -> None:
        """Takes away every object, whatever finalizer it has."""
        for plural in PLURALS:
            for item in self.list_objects(plural):
                path = f"{GROUP_PATH}/namespaces/{self.namespace}/{plural}/"
                path += item["metadata"]["name"]
                self.control_plane.call("PATCH", path, {"metadata": {"finalizers": None}}, "merge")
                self.control_plane.call("DELETE", path)
        self.control_plane.call("DELETE", f"/api/v1/namespaces/{self.namespace}")
