"""An endpoint as Svix writes and takes it. No requests here.

`filterTypes` and `channels` are sets: null for all, and no order. The name of a webhook is the uid;
an endpoint without a uid has its id as its name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.core.errors import BadAnswer, Rejected
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.providers.http.resources import read_text
from reconciler.providers.plugin import Held, Marked
from reconciler.providers.svix.capabilities import ALL_EVENTS, OPTIONS

_METADATA: Final = 4096  # bytes of it as JSON


def read_endpoint(value: object) -> Held:
    """An endpoint of Svix; raises BadAnswer for another shape."""
    try:
        body = dict(value) if isinstance(value, Mapping) else {}
        types = body.get("filterTypes")
        spec = Webhook(
            name=read_text(body.get("uid") or body["id"]),
            url=read_text(body["url"]),
            description=read_text(body.get("description") or ""),
            enabled=body.get("disabled") is not True,
            subscriptions=frozenset(
                Subscription(read_text(name), None, None)
                for name in ([ALL_EVENTS] if types is None else types)
            ),
            options=_read_options(body),
        )
        metadata = {name: str(text) for name, text in (body.get("metadata") or {}).items()}
        return Held(
            str(body["id"]), spec, body.get("updatedAt"), body.get("createdAt"), metadata=metadata
        )
    except (KeyError, TypeError, AttributeError):
        raise BadAnswer("Svix answered an endpoint of another shape") from None


def _read_options(body: Mapping[str, Any]) -> dict[str, Any]:
    """The options that an endpoint has. `throttleRate` is the newer name of `rateLimit`."""
    rate = body.get("rateLimit")
    values = {
        "rateLimit": body.get("throttleRate") if rate is None else rate,
        "channels": sorted(body.get("channels") or ()) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def make_body(want: Webhook, changed: Collection[str]) -> dict[str, Any]:
    """Those fields of an endpoint. A key is not among them. Raises Rejected for what Svix cannot
    hold.
    """
    body: dict[str, Any] = {}
    for name, write in WRITERS.items():
        if name in changed:
            body |= write(want)
    return body


def _write_url(want: Webhook) -> dict[str, Any]:
    """The url. Svix's server adds a slash to one without a path, which would be a difference."""
    if isinstance(want.url, str) and not urlsplit(want.url).path:
        raise Rejected(f"{want.name}: Svix stores this url with a slash after the host; add it")
    return {"url": want.url}


def _write_types(want: Webhook) -> dict[str, Any]:
    names = sorted(item.type for item in want.subscriptions)
    if ALL_EVENTS not in names:
        return {"filterTypes": names}
    if len(names) > 1:
        raise Rejected(f"{want.name}: the event * is all events; remove the others or the *")
    return {"filterTypes": None}


def _write_metadata(want: Webhook) -> dict[str, Any]:
    metadata = dict(want.metadata) if isinstance(want, Marked) else {}
    size = len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
    if size > _METADATA:
        raise Rejected(
            f"{want.name}: its metadata has no room for the mark of ownership: {size:,} bytes, "
            f"Svix takes {_METADATA:,}"
        )
    return {"metadata": metadata}


WRITERS: Final[Mapping[str, Callable[[Webhook], dict[str, Any]]]] = {
    "name": lambda want: {"uid": want.name},
    "url": _write_url,
    "description": lambda want: {"description": want.description},
    "enabled": lambda want: {"disabled": not want.enabled},
    "events": _write_types,
    "options": lambda want: {name: want.options.get(name) for name in OPTIONS},
    "metadata": _write_metadata,
}
"""What of a webhook stands in which field of an endpoint."""
