"""A planned webhook as the organisation's rules see it: what a plan shows of it, without secret values.

`schemas/planned-webhook.schema.json` describes the document.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.core.model.secret import HIDDEN, Secret, is_fingerprint, shown
from reconciler.core.model.webhook import ApiKeyAuth, Auth, BasicAuth, Declared, Origin, Steps, credential
from reconciler.core.wire import webhooks as codec

Json = dict[str, Any]
_IN_MANIFEST: Final[dict[str, tuple[Steps, ...]]] = {  # where a field comes from; the first that is there
    "key": (("metadata", "name"),),
    "name": (("spec", "name"), ("metadata", "name")),
    "host": (("spec", "url"),),
    "labels": (("metadata", "labels"),),
}


def planned(declared: Declared, literals: AbstractSet[str]) -> Json:
    """The document; `literals` are the urls that may be shown in full. What nobody knows yet is not in it.

    What a manifest leaves open and no tenant has said is as it will be once created.
    """
    spec = declared.spec
    return {
        "key": declared.key,
        "name": spec.name,
        **_url(spec.url, literals),
        "description": spec.description,
        "enabled": spec.enabled is not False,
        "protected": bool(declared.protected),
        "labels": dict(declared.labels),
        "auth": _auth(spec.auth),
        "events": codec.events_to_wire(spec.subscriptions),
    }


def _url(url: str | Secret, literals: AbstractSet[str]) -> Json:
    text = shown(url, literals)
    if text is None or text == HIDDEN:
        return {}
    try:
        host = urlsplit(text).hostname
    except ValueError:  # of a manifest that is refused for it anyway
        host = None
    return {"url": text, "host": host} if host else {"url": text}


def _auth(auth: Auth) -> Json:
    body: Json = {"type": codec.auth_type(auth)}
    if isinstance(auth, BasicAuth) and isinstance(auth.username, str):
        body["username"] = auth.username
    if isinstance(auth, ApiKeyAuth):
        body["header"] = auth.header
    secret = credential(auth)
    if secret is not None and secret.version is not None and not is_fingerprint(secret.version):
        body["version"] = secret.version
    return body


def manifest_path(steps: Steps) -> Steps:
    """The path in a Webhook manifest of what stands at `steps` in the document."""
    return (*_sources(steps)[0], *steps[1:]) if steps else ()


def _sources(steps: Steps) -> tuple[Steps, ...]:
    return _IN_MANIFEST.get(str(steps[0]), (("spec", steps[0]),))


def origin(declared: Declared, steps: Steps) -> Origin:
    """Where what stands at `steps` in the document is written; the webhook's own place where it is not."""
    if len(steps) > 1 and steps[0] == "events":
        events = sorted(declared.spec.subscriptions, key=lambda item: item.sort_key)
        return declared.subscription_origins.get(events[int(steps[1])], declared.origin)
    found = (declared.where((*path, *steps[1:])) for path in _sources(steps)) if steps else ()
    return next(filter(None, found), declared.origin)
