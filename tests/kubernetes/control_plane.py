"""A real control plane on free ports of 127.0.0.1: etcd, kube-apiserver, kube-controller-manager, and
if it was built apiextensions-apiserver, which serves the CRDs with their CEL rules.

It can be frozen, stopped and started again with its data and port. Ends only what it started.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, Self

import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.servers import free_port

HOST: Final = "127.0.0.1"
_SERVICES: Final = "/apis/apiregistration.k8s.io/v1/apiservices"
_DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_PROGRAMS: Final = ("etcd", "kube-apiserver", "kube-controller-manager")


def find_assets() -> Path | None:
    """The folder with the programs, as envtest finds it; None if one is missing."""
    folder = os.environ.get("KUBEBUILDER_ASSETS", "")
    if not folder or not all((Path(folder) / name).is_file() for name in _PROGRAMS):
        return None
    return Path(folder)


class ControlPlane:
    """The API server; `token` is that of an administrator."""

    def __init__(self, folder: Path, assets: Path) -> None:
        self.folder, self.assets = folder, assets
        folder.mkdir(parents=True, exist_ok=True)
        self.has_rules = (assets / "apiextensions-apiserver").is_file()
        self.token = secrets.token_hex(16)
        self.port, self._etcd, self._rules_port = free_port(), free_port(), free_port()
        self.url = f"https://{HOST}:{self.port}"
        self.kubeconfig = folder / "kubeconfig"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._is_over = threading.Event()
        self._write_files()
        self._context = ssl.create_default_context(cafile=str(folder / "ca.crt"))

    def __enter__(self) -> Self:
        try:
            self._start_etcd()
            self.start_api_server()
            if self.has_rules:
                self._start_rules()
                self._route_definitions()
                threading.Thread(target=self._follow_definitions, daemon=True).start()
            self._start_controllers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        order = ("kube-controller-manager", "apiextensions-apiserver", "kube-apiserver", "etcd")
        for name in order:
            if (process := self._processes.pop(name, None)) is not None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait(20)

    def call(self, method: str, path: str, body: Any = None, kind: str = "json") -> tuple[int, Any]:
        """One request as an administrator: status and body."""
        data = None if body is None else json.dumps(body).encode()
        content = {"json": "application/json", "merge": "application/merge-patch+json"}[kind]
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._context) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, {}

    def write_kubeconfig(self, path: Path, token: str | None = None) -> Path:
        """A kubeconfig with that token, by default the administrator's."""
        cluster = {"server": self.url, "certificate-authority": str(self.folder / "ca.crt")}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": token or self.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        path.write_text(yaml.safe_dump(content))
        path.chmod(0o600)
        return path

    def freeze(self) -> None:
        """The API server answers nothing, and closes no connection."""
        self._processes["kube-apiserver"].send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._processes["kube-apiserver"].send_signal(signal.SIGCONT)

    def kill_api_server(self) -> None:
        """Ends it at once; connections are refused from now on."""
        process = self._processes.pop("kube-apiserver")
        process.kill()
        process.wait(20)

    def start_api_server(self) -> None:
        """Starts it, with the same data on the same port after `kill_api_server`."""
        issuer = "https://kubernetes.default.svc"
        options = {
            "etcd-servers": f"http://{HOST}:{self._etcd}", "bind-address": HOST,
            "endpoint-reconciler-type": "none", "secure-port": self.port, "insecure-port": 0,
            "tls-cert-file": "server.crt", "tls-private-key-file": "server.key",
            "service-account-key-file": "accounts.pub",
            "service-account-signing-key-file": "accounts.key",
            "service-account-issuer": issuer, "api-audiences": issuer,
            "service-cluster-ip-range": "10.0.0.0/24", "authorization-mode": "RBAC",
            "token-auth-file": "tokens.csv", "disable-admission-plugins": "ServiceAccount",
            "client-ca-file": "ca.crt", "requestheader-client-ca-file": "proxy-ca.crt",
            "requestheader-allowed-names": "front-proxy-client",
            "requestheader-username-headers": "X-Remote-User",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "proxy-client-cert-file": "proxy.crt", "proxy-client-key-file": "proxy.key",
        }  # fmt: skip
        env = {"KUBE_APISERVER_EXTERNAL_CRDS": "1"} if self.has_rules else {}
        self._start("kube-apiserver", options, env)
        self._wait("kube-apiserver", lambda: self._is_ready(self.port))

    def _start_etcd(self) -> None:
        client, peer = f"http://{HOST}:{self._etcd}", f"http://{HOST}:{free_port()}"
        options = {
            "data-dir": "etcd", "listen-client-urls": client, "advertise-client-urls": client,
            "listen-peer-urls": peer, "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}", "unsafe-no-fsync": "true",
        }  # fmt: skip
        self._start("etcd", options)

    def _start_rules(self) -> None:
        options = {
            "etcd-servers": f"http://{HOST}:{self._etcd}", "bind-address": HOST,
            "secure-port": self._rules_port, "tls-cert-file": "server.crt",
            "tls-private-key-file": "server.key", "kubeconfig": self.kubeconfig,
            "authentication-kubeconfig": self.kubeconfig,
            "authorization-kubeconfig": self.kubeconfig,
            "enable-priority-and-fairness": "false",
            "disable-admission-plugins": "ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
        }  # fmt: skip
        self._start("apiextensions-apiserver", options)
        self._wait("apiextensions-apiserver", lambda: self._is_ready(self._rules_port))

    def _start_controllers(self) -> None:
        options = {
            "kubeconfig": self.kubeconfig, "controllers": "namespace,garbagecollector",
            "bind-address": HOST, "secure-port": free_port(), "port": 0, "cert-dir": self.folder,
            "leader-elect": "false", "use-service-account-credentials": "false",
        }  # fmt: skip
        self._start("kube-controller-manager", options)

    def _start(self, name: str, options: dict[str, Any], env: dict[str, str] | None = None) -> None:
        command = [self.assets / name, *(f"--{key}={value}" for key, value in options.items())]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=self.folder, env={"HOME": str(self.folder), **(env or {})},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _wait(self, name: str, is_done: Callable[[], bool]) -> None:
        until = time.monotonic() + 120
        while not is_done():
            process = self._processes[name]
            assert process.poll() is None, f"{name} ended; see {self.folder / name}.log"
            assert time.monotonic() < until, f"{name} is not ready; see {self.folder / name}.log"
            time.sleep(0.1)

    def _is_ready(self, port: int) -> bool:
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"https://{HOST}:{port}/readyz", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5, context=self._context) as answer:
                return bool(answer.read() == b"ok")
        except OSError:
            return False

    def _route_definitions(self) -> None:
        """kube-apiserver serves CRDs without CEL rules. With the APIService of their group pointing
        to apiextensions-apiserver, it hands them on.
        """
        ports = [{"port": self._rules_port}]
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": ports}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "apiextensions"}}
        self.call("POST", "/api/v1/namespaces/kube-system/services", service | {"spec": spec})
        for version in ("v1beta1", "v1"):
            self.call("DELETE", f"{_SERVICES}/{version}.apiextensions.k8s.io")
        status, _ = self.call(
            "POST", _SERVICES, self._make_service("apiextensions.k8s.io", "v1", 16700, 15)
        )
        assert status == 201, status
        # the condition Available comes before the first request is handed on
        self._wait("kube-apiserver", lambda: self.call("GET", _DEFINITIONS)[0] == 200)

    def _make_service(self, group: str, version: str, group_priority: int, priority: int) -> Any:
        bundle = (self.folder / "ca.b64").read_text()
        service = {"namespace": "kube-system", "name": "apiextensions", "port": self._rules_port}
        return {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{version}.{group}"},
            "spec": {
                "group": group,
                "version": version,
                "groupPriorityMinimum": group_priority,
                "versionPriority": priority,
                "caBundle": bundle,
                "service": service,
            },
        }

    def _follow_definitions(self) -> None:
        """Keeps one APIService per served version of each established CRD, as kube-apiserver does
        for its own.
        """
        present: set[tuple[str, str]] = set()
        while not self._is_over.wait(0.2):
            try:
                status, found = self.call("GET", _DEFINITIONS)
                if status == 200:
                    present = self._route(present, _list_versions(found["items"] or []))
            except (OSError, ValueError, HTTPException):
                continue

    def _route(
        self, present: set[tuple[str, str]], wanted: set[tuple[str, str]]
    ) -> set[tuple[str, str]]:
        for group, version in wanted - present:
            self.call("POST", _SERVICES, self._make_service(group, version, 1000, 100))
        for group, version in present - wanted:
            self.call("DELETE", f"{_SERVICES}/{version}.{group}")
        return wanted

    def _write_files(self) -> None:
        names = (HOST, "localhost", "apiextensions.kube-system.svc")
        authority, proxy = trustme.CA(), trustme.CA()
        authority.cert_pem.write_to_path(self.folder / "ca.crt")
        proxy.cert_pem.write_to_path(self.folder / "proxy-ca.crt")
        for name, issued in (
            ("server", authority.issue_cert(*names)),
            ("proxy", proxy.issue_cert("proxy.test", common_name="front-proxy-client")),
        ):
            issued.cert_chain_pems[0].write_to_path(self.folder / f"{name}.crt")
            issued.private_key_pem.write_to_path(self.folder / f"{name}.key")
        (self.folder / "ca.b64").write_text(_encode(self.folder / "ca.crt"))
        (self.folder / "tokens.csv").write_text(f'{self.token},admin,admin,"system:masters"\n')
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = serialization.Encoding.PEM
        (self.folder / "accounts.key").write_bytes(
            key.private_bytes(
                pem,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        (self.folder / "accounts.pub").write_bytes(key.public_key().public_bytes(pem, public))
        self.write_kubeconfig(self.kubeconfig)


def _encode(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()


def _list_versions(definitions: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {
        (item["spec"]["group"], version["name"])
        for item in definitions
        for version in item["spec"]["versions"]
        if version["served"] and _is_established(item)
    }


def _is_established(item: dict[str, Any]) -> bool:
    return any(
        each["type"] == "Established" and each["status"] == "True"
        for each in item.get("status", {}).get("conditions") or ()
    )
