"""What checks declare: webhooks made of a product's own events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.model.auth import AUTH_TYPES, Auth, NoAuth
from reconciler.core.model.auth import make_auth as make_auth_of
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Origin, Owner, Subscription, Webhook

CREDENTIAL: Final = "whsec_Y29uZm9ybWFuY2UtY3JlZGVudGlhbC0wMTIzNDU2Nzg5"
OTHER_CREDENTIAL: Final = "whsec_Y29uZm9ybWFuY2UtY3JlZGVudGlhbC05ODc2NTQzMjEw"
OWNER: Final = Owner("payments", "4fd1c2e")
SOURCE: Final = "webhooks.yaml"


@dataclass(frozen=True, slots=True)
class Samples:
    """Two events that the product knows, two urls that it accepts, options that are not its
    defaults, and the authentication of a webhook for a product that needs one.

    A product that signs needs `verify`: whether a delivery (headers by their names in lower case,
    body) is signed with a key.
    """

    events: tuple[Subscription, Subscription]
    urls: tuple[str, str] = ("https://hooks.example.com/one", "https://hooks.example.com/two")
    options: Mapping[str, Any] = field(default_factory=dict)
    auth: Auth = field(default_factory=NoAuth)
    verify: Callable[[Mapping[str, str], bytes, str], bool] | None = None


def make_auth(
    capabilities: Capabilities, kind: str, value: str = CREDENTIAL, version: str = "1"
) -> Auth:
    """An authentication of that type, with a credential of that value and version."""
    secret = Secret(value, "fromEnv: CONFORMANCE", version=version)
    texts = {
        "username": "user",
        "header": "X-Api-Key",
        "scheme": next(iter(capabilities.schemes), ""),
    }
    return make_auth_of(kind, texts, secret) if kind else NoAuth()


def strongest(capabilities: Capabilities) -> str:
    """A type of authentication with a credential, if the product has one."""
    kinds = (row.name for row in AUTH_TYPES.values() if row.credential)
    return next((kind for kind in kinds if kind in capabilities.auths), "")


def make_declared(
    samples: Samples, key: str = "pager", *, protected: bool | None = None, **fields: Any
) -> Declared:
    """A declared webhook; `fields` are those of `Webhook`. Its `auth` is that of the samples."""
    spec = Webhook(
        fields.pop("name", key),
        fields.pop("url", samples.urls[0]),
        fields.pop("description", ""),
        fields.pop("enabled", True),
        fields.pop("auth", samples.auth),
        fields.pop("subscriptions", frozenset(samples.events[:1])),
        fields.pop("options", {}),
    )
    if fields:
        raise TypeError(f"no fields of a webhook: {', '.join(fields)}")
    return Declared(spec, key, Origin(SOURCE, 1), sources=(SOURCE,), protected=protected)


def variants(samples: Samples, capabilities: Capabilities) -> dict[str, Any]:
    """Another value for every field that the product holds."""
    fields: dict[str, Any] = {
        "url": samples.urls[1],
        "subscriptions": frozenset(samples.events),
    }
    if samples.options:
        fields["options"] = samples.options
    if "name" in capabilities.fields:
        fields["name"] = "Another-name"
    if "description" in capabilities.fields:
        fields["description"] = "Ä description\nin two lines"
    if "enabled" in capabilities.fields:
        fields["enabled"] = False
    return fields
