"""A `Request` from keywords: a test names only what matters to it, whatever topic it belongs to."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from reconciler.manifests import InputFiles, PolicyChoice, Request, SecretLookup, TenantChoice

_RENAMED = {  # keyword of a test: (topic, field)
    "secrets": ("secrets", "mode"),
    "secrets_dir": ("secrets", "folder"),
    "tenant": ("tenant", "name"),
    "policies": ("policies", "mode"),
    "policies_dir": ("policies", "folder"),
    "policies_at": ("policies", "revision"),
}
_TOPICS: dict[str, type[Any]] = {
    "files": InputFiles,
    "tenant": TenantChoice,
    "secrets": SecretLookup,
    "policies": PolicyChoice,
}
_PLACES = {
    **{
        field.name: (topic, field.name) for topic, kind in _TOPICS.items() for field in fields(kind)
    },
    **_RENAMED,
}


def make_request(paths: tuple[str, ...], **options: Any) -> Request:
    """The request for these paths; each option is a field of one topic, or of the request."""
    topics: dict[str, dict[str, Any]] = {topic: {} for topic in _TOPICS}
    topics["files"]["paths"] = paths
    own = {}
    for name, value in options.items():
        if name in _PLACES:
            topic, field = _PLACES[name]
            topics[topic][field] = value
        else:
            own[name] = value
    return Request(**{topic: kind(**topics[topic]) for topic, kind in _TOPICS.items()}, **own)
