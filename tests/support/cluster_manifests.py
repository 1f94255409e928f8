"""A manifest for the command line -> the same for a cluster: secrets are keys of a Secret, and a
value of two types is written in the one way that a cluster takes.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from reconciler.manifests.secret_sources import SOURCES

SECRET: Final = {"fromSecret": {"name": "credentials", "key": "value"}}
TENANT_URL: Final = "https://acme.example.com/public-api/v1"
_PAIRS: Final = {"url": "urlFrom", "username": "usernameFrom"}
_LISTS: Final = ("severity", "match", "exclude")
_NOT_IN_A_CLUSTER: Final = ("local", "catalog", "secrets", "patches")


def for_cluster(document: dict[str, Any]) -> dict[str, Any]:
    """The document as a cluster takes it; what is wrong in it stays wrong."""
    made = copy.deepcopy(document)
    spec = made.get("spec")
    if not isinstance(spec, dict):
        return made
    if document.get("kind") in {"Tenant", "ClusterTenant"}:
        if "local" in spec:
            spec.setdefault("url", TENANT_URL)
            spec.setdefault("token", SECRET)
        for name in _NOT_IN_A_CLUSTER:
            spec.pop(name, None)
    if document.get("kind") != "Policy":
        made["spec"] = _convert(spec)
    return made


def _convert(value: Any) -> Any:
    if isinstance(value, list):
        return [_convert(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and set(value) <= set(SOURCES) - {"fromSecret"}:
        return copy.deepcopy(SECRET)
    made: dict[str, Any] = {}
    for name, item in value.items():
        converted = _convert(item)
        if name in _LISTS and isinstance(item, str):
            converted = [converted]
        made[_PAIRS[name] if name in _PAIRS and isinstance(item, dict) else name] = converted
    return made
