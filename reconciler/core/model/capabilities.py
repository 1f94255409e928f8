"""What one kind of product can hold and do, as data.

Manifests are checked against it, plans and conformance read it, and `reconciler providers` prints
it. Nothing outside `providers/` may assume what only one product has: it asks here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from reconciler.core.model.auth import AUTH_TYPES, AuthType
from reconciler.core.model.fields import list_plain_rows

Mark = Literal["native", "field", "ledger", "none"]
Tests = Literal["unsaved", "saved", "none"]
Identity = Literal["name", "url"]
Conditional = Literal["revision", "compare"]
SignedText = Literal["body", "payload", "message"]
Usage = Literal["listing", "log", "none"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SecretRules:
    """What the product does with a credential.

    `kept` says that an update without the credential keeps it; `visible` that the product tells
    whether a webhook has one; `previous` that it can sign with two keys during a rotation;
    `type_visible` that it tells by which type deliveries authenticate: if not, the mark does;
    `rotatable` that an update replaces the credential: if not, a new webhook replaces the old one.
    """

    kept: bool = True
    visible: bool = False
    previous: bool = False
    type_visible: bool = True
    rotatable: bool = True


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Signature:
    """One header in which a product signs a delivery with HMAC.

    `prefix` stands before the digest. `signed` says what is signed: the `body` as it is sent, the
    `payload` (the JSON, also where it is sent as a form), or the `message`, `id.timestamp.body`.
    The key is the credential's text; of the scheme `standard` it is base64 after `whsec_`, and two
    keys make two signatures.
    """

    header: str
    prefix: str = ""
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    signed: SignedText = "body"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Envelope:
    """What a product sends to an endpoint, which `test --via probe` sends in its place.

    `headers` and the texts of `sample` have placeholders: `{event}`; `{id}`, a GUID of the
    delivery; `{timestamp}` in epoch seconds; `{time}` as RFC 3339; `{instance}`, the Tenant's url;
    and the words of its `spec.target`. `words` gives placeholders by event, such as the name that
    the product sends for an `{event}`. A header or a member without a value is left out.

    `sample` is the body of every event, `samples` has more members by event. `form` names the
    option by which the product sends the JSON as the field `payload` of a form. `signatures` are
    the headers of a signature; without any it is that of Standard Webhooks. `credential_header`
    takes a token. `always_signed` says that the product signs by a key of its own if it gets none,
    and `rewritten_by` names the options by which only the product can make the body.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sample: Mapping[str, Any] = field(default_factory=dict)
    samples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    form: str = ""
    signatures: tuple[Signature, ...] = ()
    credential_header: str = ""
    always_signed: bool = False
    rewritten_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Capabilities:
    """What one provider can do.

    `version` is the version of the provider, which belongs to a plan's digest. `fields` are the
    plain fields of a webhook that the product holds, by name. `name_pattern` is what a whole
    name must match, if it is more than the reconciler itself asks for. `description_length`
    counts characters. `auths` are types of authentication, `schemes` those of signatures.
    `event_parts` are those of version and severity that an event needs. `catalogue` says that
    events are those of the reconciler's own catalogue, so that an unknown one is worth a
    warning; `events` are those of the product, if it refuses others; `needs_events` says that
    it refuses a webhook without any. `implied` maps an event to those that the product adds to
    it. `options` is the JSON Schema of `spec.options`, `target` that of a Tenant's
    `spec.target`. `identity` is the field by which a webhook without our mark is found.
    `unique_names` says that the product refuses a second webhook of one name. `mark` says where
    the mark of ownership is kept. `conditional` says how an update notices an edit by somebody
    else: by the product's revision, or by reading and comparing first. `rewrites` are the fields,
    in the words of a manifest, that each update writes, because the product asks for them. `usage`
    says where the product counts the deliveries of the last 24 hours: in each listing, or in a log
    that is asked for one webhook at a time, before its removal. `test` says which webhooks the
    product can test.
    `scopes` is the field of `target` that makes a fleet, named as its members are. `parallelism`
    bounds requests at the same time. `envelope` is what the product sends; without one, a probe
    sends that of the reconciler's own tenant.
    """

    provider: str
    version: str = "1"
    fields: frozenset[str] = frozenset({"name", "description", "enabled"})
    name_pattern: str = ""
    description_length: int = 1024
    auths: frozenset[str] = frozenset({"none"})
    schemes: tuple[str, ...] = ()
    event_parts: frozenset[str] = frozenset()
    catalogue: bool = False
    events: tuple[str, ...] = ()
    needs_events: bool = False
    implied: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    identity: Identity = "name"
    unique_names: bool = False
    mark: Mark = "none"
    secrets: SecretRules = SecretRules()
    conditional: Conditional = "compare"
    rewrites: frozenset[str] = frozenset()
    idempotency_key: bool = False
    usage: Usage = "none"
    test: Tests = "none"
    scopes: str = ""
    parallelism: int = 10
    envelope: Envelope | None = None


def without_ledger(capabilities: Capabilities) -> Capabilities:
    """The same product without its ledger: nothing keeps a mark. If the product does not tell by
    which type deliveries authenticate, then nothing does, so only `none` is left.
    """
    is_visible = capabilities.secrets.type_visible
    auths = capabilities.auths if is_visible else capabilities.auths & {"none"}
    return replace(capabilities, mark="none", auths=auths)


def list_auth_types(capabilities: Capabilities) -> Iterator[AuthType]:
    """The types of authentication that a product has, in the order of their table."""
    return (row for row in AUTH_TYPES.values() if row.name in capabilities.auths)


_STANDARD: Final = ("standard", "standard-v1a")
"""The schemes of Standard Webhooks, whose signatures cover the time and the id of a delivery."""


def list_dated_schemes(capabilities: Capabilities) -> frozenset[str]:
    """The schemes of signatures that cover the time and the id of a delivery, so that a receiver
    can refuse an old one and a replay.
    """
    envelope = capabilities.envelope
    if envelope is None or not envelope.signatures:
        return frozenset(_STANDARD)
    is_dated = any(item.signed == "message" for item in envelope.signatures)
    return frozenset(capabilities.schemes) if is_dated else frozenset()


TENANT: Final = Capabilities(
    provider="tenant",
    fields=frozenset(row.name for row in list_plain_rows()),
    auths=frozenset({"none", "basic", "bearer", "apiKey", "signature"}),
    schemes=_STANDARD,
    event_parts=frozenset({"version", "severity"}),
    catalogue=True,
    unique_names=True,
    mark="native",
    secrets=SecretRules(kept=True, visible=True, previous=True),
    conditional="revision",
    idempotency_key=True,
    usage="listing",
    test="unsaved",
    parallelism=100,
)
"""The tenant of schemas/openapi.json, this project's own contract."""

UNKNOWN: Final = Capabilities(provider="", auths=TENANT.auths)
"""A provider that is not installed: its Tenant is an error already, so nothing more is reported."""

PRODUCT_FILE: Final = "http"
"""The provider of Tenants whose `spec.product` names a product file."""

Find = Callable[[str], Capabilities | None]
"""The capabilities of a provider by its name; None if no such provider is installed."""


def find_tenant(name: str) -> Capabilities | None:
    """Knows this project's own tenant only."""
    return TENANT if name == TENANT.provider else None
