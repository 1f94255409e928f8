"""The API server, through kubernetes_asyncio. Paths and verbs are those of the Kubernetes API.

Status and finalizers are written by server-side apply under one field manager, so that fields of
users are never touched.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from kubernetes_asyncio import client, config
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.config.config_exception import ConfigException

from reconciler.continuous.operator.cluster import ClusterFailed, Lease
from reconciler.continuous.operator.objects import (
    FINALIZER,
    GROUP,
    KINDS,
    VERSION,
    Object,
    decode_object,
)
from reconciler.core.errors import BadRequest

MANAGER: Final = "reconciler"
_APPLY: Final = "application/apply-patch+yaml"
_JSON: Final = "application/json"
_PAGE: Final = 500  # objects of one answer
_TIMEOUT: Final = 30.0  # seconds
_LEASES: Final = "/apis/coordination.k8s.io/v1"


class ApiServer:
    """The requests of the operator, as `Cluster` says."""

    def __init__(self, api: ApiClient) -> None:
        self.client = api

    async def list_kind(self, kind: str, namespaces: tuple[str, ...] = ()) -> list[Object]:
        """Every object of a kind, in these namespaces or in all, page by page."""
        if not namespaces or not KINDS[kind].is_namespaced:
            return await self._list(kind, "")
        return [item for name in namespaces for item in await self._list(kind, name)]

    async def _list(self, kind: str, namespace: str) -> list[Object]:
        found: list[Object] = []
        query = {"limit": str(_PAGE)}
        while True:
            body = await self._get(f"{_make_base(namespace)}/{KINDS[kind].plural}", query)
            for item in body.get("items") or ():
                # items of a list of custom resources have their kind, others would not
                decoded = decode_object({"kind": kind, **item})
                if decoded is not None:
                    found.append(decoded)
            token = (body.get("metadata") or {}).get("continue")
            if not token:
                return found
            query["continue"] = token

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """The texts of a Secret; a value that is not UTF-8 is left out."""
        path = f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(name)}"
        body = await self._find(path)
        if body is None:
            return None
        texts = {}
        for key, value in (body.get("data") or {}).items():
            try:
                texts[key] = b64decode(value).decode()
            except ValueError:
                continue
        return texts

    async def is_terminating(self, namespace: str) -> bool:
        """Whether the namespace is being deleted."""
        body = await self._get(f"/api/v1/namespaces/{quote(namespace)}")
        return bool((body.get("metadata") or {}).get("deletionTimestamp"))

    async def find_terminating_kinds(self) -> frozenset[str]:
        """The kinds whose CustomResourceDefinition is missing or being deleted."""
        gone = set()
        for kind in KINDS.values():
            path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            body = await self._find(f"{path}/{kind.plural}.{GROUP}")
            if body is None or (body.get("metadata") or {}).get("deletionTimestamp"):
                gone.add(kind.name)
        return frozenset(gone)

    async def read_uid(self) -> str:
        """The uid of the namespace kube-system, which names a cluster."""
        body = await self._get("/api/v1/namespaces/kube-system")
        return str(body["metadata"]["uid"])

    async def set_finalizer(self, item: Object, *, present: bool) -> bool:
        """Applies our finalizer, or takes it away by applying none; whether the object is still
        there.
        """
        metadata: dict[str, Any] = {"name": item.name, "uid": item.uid}
        if present:
            metadata["finalizers"] = [FINALIZER]
        return await self._apply(item, "", {"metadata": metadata}, f"{MANAGER}-finalizer")

    async def apply_status(self, item: Object, status: Mapping[str, Any]) -> bool:
        """Applies the status; whether the object is still there."""
        metadata = {"name": item.name, "uid": item.uid}
        body = {"metadata": metadata, "status": dict(status)}
        return await self._apply(item, "/status", body, MANAGER)

    async def read_lease(self, namespace: str, name: str) -> Lease | None:
        """The Lease, None if there is none."""
        body = await self._find(f"{_LEASES}/namespaces/{quote(namespace)}/leases/{quote(name)}")
        return None if body is None else _decode_lease(body)

    async def write_lease(self, namespace: str, lease: Lease) -> Lease | None:
        """Creates or replaces it: as it is then, None if somebody else changed it since it was
        read.
        """
        path = f"{_LEASES}/namespaces/{quote(namespace)}/leases"
        method = "PUT" if lease.version else "POST"
        path = f"{path}/{quote(lease.name)}" if lease.version else path
        gone = frozenset({404, 409}) if lease.version else frozenset({409})
        body = await self._call(method, path, {}, _encode_lease(namespace, lease), _JSON, gone)
        return None if body is None else _decode_lease(body)

    async def emit(self, item: Object, reason: str, message: str, *, is_warning: bool) -> None:
        """Creates an Event."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        namespace = item.namespace or "default"
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{item.name[:200]}.{secrets.token_hex(8)}",
                "namespace": namespace,
            },
            "eventTime": now,
            "action": reason,
            "reason": reason,
            "note": message[:1000],
            "type": "Warning" if is_warning else "Normal",
            "reportingController": f"{GROUP}/operator",
            "reportingInstance": MANAGER,
            "regarding": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": item.kind,
                "name": item.name,
                "namespace": item.namespace,
                "uid": item.uid,
            },
        }
        path = f"/apis/events.k8s.io/v1/namespaces/{quote(namespace)}/events"
        await self._call("POST", path, {}, body, _JSON, frozenset({403, 404, 409}))

    async def _apply(self, item: Object, part: str, body: dict[str, Any], manager: str) -> bool:
        """Server-side apply of a part of an object; whether the object is still there. The uid in
        the body lets the server refuse to create it anew.
        """
        whole = {"apiVersion": f"{GROUP}/{VERSION}", "kind": item.kind, **body}
        if item.namespace:
            whole["metadata"]["namespace"] = item.namespace
        path = f"{_make_base(item.namespace)}/{KINDS[item.kind].plural}/{quote(item.name)}"
        query = {"fieldManager": manager, "force": "true"}
        refused = frozenset({404, 409})
        if await self._call("PATCH", f"{path}{part}", query, whole, _APPLY, refused) is not None:
            return True
        found = await self._find(path)
        if found is not None and (found.get("metadata") or {}).get("uid") == item.uid:
            raise ClusterFailed(f"the API server answers PATCH {path}{part} with a conflict")
        return False

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await self._call("GET", path, query or {}, None, _JSON) or {}

    async def _find(self, path: str) -> dict[str, Any] | None:
        return await self._call("GET", path, {}, None, _JSON, frozenset({404}))

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any,
        content_type: str,
        passing: frozenset[int] = frozenset(),
    ) -> dict[str, Any] | None:
        """The JSON of the answer; None for a status of `passing`. Raises ClusterFailed."""
        what = f"{method} {path}"
        try:
            response = await self.client.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params={"Content-Type": content_type, "Accept": _JSON},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=_TIMEOUT,
            )
            data = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ClusterFailed(f"the API server does not answer {what}: {error!r}") from None
        if response.status in passing:
            return None
        if not 200 <= response.status < 300:
            raise ClusterFailed(_explain(what, response.status, data), response.status)
        try:
            decoded: dict[str, Any] = json.loads(data)
        except ValueError:
            raise ClusterFailed(f"the API server answers {what} without JSON") from None
        return decoded


def _decode_lease(body: Mapping[str, Any]) -> Lease:
    spec, metadata = body.get("spec") or {}, body.get("metadata") or {}
    return Lease(
        name=str(metadata.get("name")),
        holder=str(spec.get("holderIdentity") or ""),
        duration=float(spec.get("leaseDurationSeconds") or 0),
        acquired=str(spec.get("acquireTime") or ""),
        renewed=str(spec.get("renewTime") or ""),
        transitions=int(spec.get("leaseTransitions") or 0),
        version=str(metadata.get("resourceVersion") or ""),
    )


def _encode_lease(namespace: str, lease: Lease) -> dict[str, Any]:
    metadata = {"name": lease.name, "namespace": namespace}
    if lease.version:
        metadata["resourceVersion"] = lease.version
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": round(lease.duration),
            "acquireTime": lease.acquired or None,
            "renewTime": lease.renewed or None,
            "leaseTransitions": lease.transitions,
        },
    }


def _make_base(namespace: str = "") -> str:
    base = f"/apis/{GROUP}/{VERSION}"
    return f"{base}/namespaces/{quote(namespace)}" if namespace else base


def _explain(what: str, status: int, data: bytes | None) -> str:
    """The message of the server's Status object, which holds no Secret."""
    try:
        message = str(json.loads(data or b"{}").get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    return f"the API server answers {what} with {status}{f': {message[:300]}' if message else ''}"


@dataclass(frozen=True, slots=True)
class Access:
    """How the API server is found: a kubeconfig and its context; without both, by the pod's service
    account.
    """

    kubeconfig: str | None = None
    context: str | None = None

    async def load(self) -> client.Configuration:
        """The client's settings. Raises BadRequest."""
        settings = client.Configuration()
        try:
            if self.kubeconfig is None and self.context is None:
                config.load_incluster_config(settings)  # type: ignore[no-untyped-call]  # it has no types
            else:
                await config.load_kube_config(
                    config_file=self.kubeconfig,
                    context=self.context,
                    client_configuration=settings,
                )
        except (ConfigException, OSError) as error:
            raise BadRequest(
                f"no API server is known: {error}; outside of a cluster give --kubeconfig"
            ) from None
        return settings


@asynccontextmanager
async def open_api(access: Access) -> AsyncIterator[ApiServer]:
    """The API server. Raises BadRequest."""
    async with ApiClient(configuration=await access.load()) as api:
        yield ApiServer(api)
