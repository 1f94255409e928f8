"""kmock's API server over HTTP, with what it leaves out and the operator needs: uids, versions and
generations, server-side apply of status and finalizers by one manager, and conditions on writes.

It has no schemas, no ownership of fields by several managers and no namespace controller: for those
tests/kubernetes runs real servers.
"""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp.web
import kmock
from kmock._internal.rendering import Request

from reconciler.continuous.operator.objects import GROUP, KINDS, VERSION
from tests.support.servers import free_port

FINALIZERS: Final = "reconciler-finalizer"
CORE: Final = {
    "secrets": ("v1", "secrets"),
    "leases": ("coordination.k8s.io/v1", "leases"),
    "events": ("events.k8s.io/v1", "events"),
    "customresourcedefinitions": ("apiextensions.k8s.io/v1", "customresourcedefinitions"),
}


def answer(status: int, reason: str) -> aiohttp.web.Response:
    body = {"kind": "Status", "code": status, "reason": reason, "message": reason}
    return aiohttp.web.json_response(body, status=status)


class Emulator(kmock.KubernetesEmulator):
    """The emulator; `refuse` may answer a request itself."""

    def __init__(self) -> None:
        super().__init__()
        self.refuse: Callable[[Request], int | None] = lambda _request: None
        self.last_version = 1000
        self.namespaces: dict[str, dict[str, Any]] = {}  # kmock reads no path of a namespace itself

    async def _handle(self, request: Request) -> aiohttp.web.StreamResponse:
        status = self.refuse(request)
        if status is not None:
            return answer(status, "made up by the test")
        parts = request.url.path.strip("/").split("/")
        if parts[:3] == ["api", "v1", "namespaces"] and len(parts) == 4:
            found = self.namespaces.get(parts[3])
            return answer(404, "not found") if found is None else aiohttp.web.json_response(found)
        if request.method == "PUT":
            object.__setattr__(request, "action", kmock.action.UPDATE)
        if request.resource is not None and request.method in {"POST", "PUT", "PATCH"}:
            refused = self._complete(request)
            if refused is not None:
                return refused
        return await super()._handle(request)

    def _complete(self, request: Request) -> aiohttp.web.Response | None:
        """Writes into the body what a server adds; the answer if it refuses."""
        self.last_version += 1
        data = request.data
        metadata = data.setdefault("metadata", {})
        key = (request.resource, request.namespace, request.name)
        if request.method == "POST":
            metadata |= {"uid": str(uuid.uuid4()), "generation": 1}
            if request.namespace:
                metadata["namespace"] = request.namespace
            metadata["resourceVersion"] = str(self.last_version)
            return None
        known = key in self.objects and not self.objects[key].deleted
        old: dict[str, Any] = self.objects[key].raw if known else {}
        refused = _check_conditions(old, metadata)
        if refused is not None:
            return refused
        _apply(request, old)
        metadata["resourceVersion"] = str(self.last_version)
        if request.subresource is None and data.get("spec", old.get("spec")) != old.get("spec"):
            metadata["generation"] = int(old["metadata"].get("generation", 0)) + 1
        return None


def _check_conditions(old: dict[str, Any], metadata: dict[str, Any]) -> aiohttp.web.Response | None:
    if metadata.get("uid", "") != old.get("metadata", {}).get("uid") and "uid" in metadata:
        return answer(409, "uid mismatch")  # also for an object that is not there
    wanted = metadata.pop("resourceVersion", None)
    if wanted is not None and wanted != old.get("metadata", {}).get("resourceVersion"):
        return answer(409, "the object has been modified")
    return None


def _apply(request: Request, old: dict[str, Any]) -> None:
    """What server-side apply makes of the finalizers and the status of one manager."""
    manager, metadata = request.params.get("fieldManager"), request.data["metadata"]
    if manager == FINALIZERS:
        ours = f"{GROUP}/tenant"
        others = [each for each in old["metadata"].get("finalizers") or () if each != ours]
        metadata["finalizers"] = [*others, *metadata.get("finalizers", ())]
    elif request.subresource == "status":
        gone = old.get("status", {}).keys() - request.data["status"].keys()
        request.data["status"] |= dict.fromkeys(gone)


@dataclass
class Cluster:
    """The emulator behind a port, and what a person does with it."""

    emulator: Emulator
    server: kmock.Server
    port: int = field(default_factory=free_port)
    _relay: asyncio.Server | None = None
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self) -> None:
        """Listens on its port, and hands on every byte."""
        self._relay = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Nothing listens on its port any more, and all connections are cut."""
        if self._relay is not None:
            self._relay.close()
            self._relay = None
        for each in list(self._connections):
            each.close()
        await asyncio.sleep(0)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_connection("127.0.0.1", self.server.port)
        self._connections |= {writer, theirs[1]}
        await asyncio.gather(self._copy(reader, theirs[1]), self._copy(theirs[0], writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
        self._connections.discard(writer)

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.url}{path}", json=body) as got,
        ):
            return got.status, json.loads(await got.text() or "null")

    async def create(self, namespace: str, document: dict[str, Any]) -> None:
        path = _find_path(namespace, document["apiVersion"], document["kind"])
        document = copy.deepcopy(document)
        status, body = await self.call("POST", path, document)
        assert status in {200, 201}, body

    async def edit(self, namespace: str, kind: str, name: str, **spec: Any) -> None:
        path = f"{_find_path(namespace, f'{GROUP}/{VERSION}', kind)}/{name}"
        status, body = await self.call("PATCH", path, {"spec": spec})
        assert status == 200, body

    async def annotate(self, namespace: str, kind: str, name: str, **annotations: str) -> None:
        path = f"{_find_path(namespace, f'{GROUP}/{VERSION}', kind)}/{name}"
        given = {f"{GROUP}/{key}": value for key, value in annotations.items()}
        await self.call("PATCH", path, {"metadata": {"annotations": given}})

    async def delete(self, namespace: str, kind: str, name: str) -> None:
        api = "v1" if kind == "Secret" else f"{GROUP}/{VERSION}"
        status, _ = await self.call("DELETE", f"{_find_path(namespace, api, kind)}/{name}")
        assert status == 200

    async def set_secret(self, namespace: str, name: str, **values: str) -> None:
        encoded = {key: b64encode(value.encode()).decode() for key, value in values.items()}
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        status, _ = await self.call("PATCH", path, {"data": encoded})
        assert status == 200

    def find(self, namespace: str, kind: str, name: str) -> dict[str, Any] | None:
        resource = kmock.resource(GROUP, VERSION, KINDS[kind].plural)
        key = (resource, namespace or None, name)
        if key not in self.emulator.objects or self.emulator.objects[key].deleted:
            return None
        found: dict[str, Any] = self.emulator.objects[key].raw
        return found

    def condition(self, namespace: str, kind: str, name: str, of: str = "Ready") -> dict[str, Any]:
        found = self.find(namespace, kind, name) or {}
        conditions = found.get("status", {}).get("conditions", ())
        return next((each for each in conditions if each["type"] == of), {})

    async def terminate(self, namespace: str) -> None:
        """What the namespace controller does: the mark, then each object."""
        metadata = self.emulator.namespaces[namespace]["metadata"]
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        for resource, own, name in list(self.emulator.objects):
            if own == namespace and resource.group == GROUP:
                path = f"/apis/{GROUP}/{VERSION}/namespaces/{own}/{resource.plural}/{name}"
                await self.call("DELETE", path)


def _find_path(namespace: str, api: str, kind: str) -> str:
    plural = KINDS[kind].plural if kind in KINDS else f"{kind.lower()}s"
    base = f"/api/{api}" if api == "v1" else f"/apis/{api}"
    return f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"


@asynccontextmanager
async def emulate(*namespaces: str) -> AsyncIterator[Cluster]:
    """A cluster with these namespaces and our definitions."""
    emulator = Emulator()
    for kind in KINDS.values():
        info = emulator.resources[f"{GROUP}/{VERSION}/{kind.plural}"]
        info.kind, info.namespaced = kind.name, kind.is_namespaced
        info.verbs = {"get", "list", "watch", "patch", "create", "delete"}
        info.subresources = {"status"}
    for api, plural in CORE.values():
        is_namespaced = plural != "customresourcedefinitions"
        emulator.resources[f"{api}/{plural}"].namespaced = is_namespaced
    emulator.resources["v1/namespaces"].kind = "Namespace"
    emulator.resources["v1/namespaces"].namespaced = False
    async with emulator, kmock.Server(emulator) as server:
        cluster = Cluster(emulator, server)
        await cluster.serve()
        for name in ("kube-system", "operator", *namespaces):
            emulator.namespaces[name] = {"metadata": {"name": name, "uid": str(uuid.uuid4())}}
        for kind in KINDS.values():
            document = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
            document |= {"metadata": {"name": f"{kind.plural}.{GROUP}"}, "spec": {"group": GROUP}}
            await cluster.create("", document)
        try:
            yield cluster
        finally:
            await cluster.close()


async def until(is_done: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Asks until it is so."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not is_done():
        assert loop.time() < end, f"{what}: not within {seconds:g} seconds"
        await asyncio.sleep(0.05)
