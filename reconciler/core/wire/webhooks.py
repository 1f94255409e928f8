"""Model <-> JSON-ready dicts of the tenant's contract: the one place where both sides of the wire
meet.

Decoding raises ValueError with a JSON pointer and never quotes what it found. Encoding, for the
wire and for the manifest of what a tenant told, is one of the places that reveal secrets
(docs/security.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reconciler.core.model.auth import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    NoAuth,
    auth_type,
    credential,
    credential_field,
)
from reconciler.core.model.json_reading import At
from reconciler.core.model.secret import HIDDEN, Secret, Withheld, hidden_url
from reconciler.core.model.webhook import (
    Declared,
    Live,
    ManagedBy,
    Owner,
    Subscription,
    Use,
    Webhook,
)

Json = dict[str, Any]


def literal(spec: Webhook) -> Webhook:
    """A live spec with url and user name as texts, for a manifest that declares them literally;
    what is masked stays hidden.
    """

    def text(value: str | Secret) -> str | Secret:
        return _text(value) if not isinstance(value, Secret) or value.resolved else value

    auth = (
        BasicAuth(text(spec.auth.username), spec.auth.password)
        if isinstance(spec.auth, BasicAuth)
        else spec.auth
    )
    return replace(spec, url=text(spec.url), auth=auth)


def events_to_wire(subscriptions: frozenset[Subscription]) -> list[Json]:
    """Subscriptions as JSON, in their own order."""
    ordered = sorted(subscriptions, key=lambda item: item.sort_key)
    return [{"type": s.type, "version": s.version, "severity": s.severity} for s in ordered]


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def auth_to_wire(auth: Auth) -> Json:
    """An authentication as the tenant takes it: the secret part revealed, or left out where the
    stored one is to stay.
    """
    body: Json = {"type": auth_type(auth)}
    match auth:
        case BasicAuth(username=username):
            body["username"] = _text(username)
        case ApiKeyAuth(header=header):
            body["header"] = header
        case _:
            pass
    secret = credential(auth)
    if isinstance(secret, Secret):
        body[credential_field(auth)] = secret.reveal()
    if secret is not None:
        body["credential_version"] = secret.version
    return body


def mark_to_wire(declared: Declared, owner: Owner, before: ManagedBy | None = None) -> Json:
    """`managed_by` as we write it over the mark `before`; a repository only if it is known: older
    tenants take none.
    """
    repository = owner.repository_for(before)
    body = mark_to_json(
        ManagedBy(owner.name, declared.key, declared.sources, owner.revision, repository)
    )
    return (
        body
        if repository is not None
        else {name: value for name, value in body.items() if name != "repository"}
    )


def mark_to_json(mark: ManagedBy) -> Json:
    """A mark as the contract has it."""
    return {
        "owner": mark.owner,
        "key": mark.key,
        "sources": list(mark.sources),
        "revision": mark.revision,
        "repository": mark.repository,
    }


def _wire(spec: Webhook) -> dict[str, Callable[[], Any]]:
    """How each field is told, so that nothing is revealed that is not sent."""
    return {
        "name": lambda: spec.name,
        "url": lambda: _text(spec.url),
        "description": lambda: spec.description,
        "enabled": lambda: True if spec.enabled is None else spec.enabled,
        "auth": lambda: auth_to_wire(spec.auth),
        "events": lambda: events_to_wire(spec.subscriptions),
    }


def spec_to_wire(spec: Webhook) -> Json:
    """A spec as the tenant takes it; `enabled` left to the tenant is true."""
    return {field: tell() for field, tell in _wire(spec).items()}


def create_body(declared: Declared, owner: Owner) -> Json:
    """The body of `POST /webhooks`."""
    mark = mark_to_wire(declared, owner)
    return {
        **spec_to_wire(declared.spec),
        "managed_by": mark,
        "protected": bool(declared.protected),
    }


def _same_auth(before: Auth, after: Auth) -> bool:
    """Equal, header names in any case: what `diff` takes as equal is not sent either."""
    if (
        isinstance(before, ApiKeyAuth)
        and isinstance(after, ApiKeyAuth)
        and before.header.lower() == after.header.lower()
    ):
        return before.value == after.value
    return before == after


def patch_body(live: Live, declared: Declared, owner: Owner) -> Json:
    """The merge patch that turns `live` into `declared`: only what differs, and the mark with our
    revision.
    """
    before, after = live.spec, declared.spec
    pairs = {
        "name": before.name == after.name,
        "url": before.url == after.url,
        "description": before.description == after.description,
        "enabled": after.enabled is None or before.enabled == after.enabled,
        "auth": _same_auth(before.auth, after.auth),
        "events": before.subscriptions == after.subscriptions,
    }
    body: Json = {field: tell() for field, tell in _wire(after).items() if not pairs[field]}
    if declared.protected is not None and declared.protected != live.protected:
        body["protected"] = declared.protected
    body["managed_by"] = mark_to_wire(declared, owner, live.managed_by)
    return body


def test_body(spec: Webhook, live: Live | None, event: Subscription) -> Json:
    """The body of `POST /webhooks/test`: unsaved details; the stored secret is used where ours is
    withheld.
    """
    body: Json = {
        "webhook": {
            field: tell() for field, tell in _wire(spec).items() if field in {"name", "url", "auth"}
        },
        "event": {"type": event.type, "version": event.version, "severity": event.severity},
    }
    if live is not None:
        body["id"] = live.id
    return body


def _subscription(at: At) -> Subscription:
    return Subscription(
        at.get("type").text(), at.get("version").maybe_text(), at.get("severity").maybe_text()
    )


def _unmasked(text: str | None) -> str | None:
    """A value as the tenant told it; None for a mask such as `*****`, which is never compared or
    sent.
    """
    return None if text is not None and len(text) >= 3 and not text.strip("*•") else text


def _told(text: str, secret: Callable[[str], Secret]) -> Secret:
    return Secret(None) if _unmasked(text) is None else secret(text)


def _username(text: str) -> Secret:
    return Secret(text, shown=HIDDEN)


def _auth(at: At) -> Auth:
    kind = at.get("type").text()
    secret = Withheld(_unmasked(at.get("credential_version").maybe_text()))
    table: dict[str, Callable[[], Auth]] = {
        "none": NoAuth,
        "basic": lambda: BasicAuth(_told(at.get("username").text(), _username), secret),
        "bearer": lambda: BearerAuth(secret),
        "apiKey": lambda: ApiKeyAuth(at.get("header").text(), secret),
    }
    if kind not in table:
        raise ValueError(f"{at.pointer}/type: unknown")
    return table[kind]()


def mark_from_json(at: At) -> ManagedBy | None:
    """A mark out of an answer or a saved plan, None for null; raises ValueError. An older tenant
    tells no repository.
    """
    if at.value is None:
        return None
    sources = tuple(source.text() for source in at.get("sources").items())
    revision, repository = at.get("revision").maybe_text(), at.get("repository").maybe_text()
    return ManagedBy(at.get("owner").text(), at.get("key").text(), sources, revision, repository)


def _use(at: At) -> Use:
    if at.value is None:
        return Use()
    day = at.get("last_day")
    return (
        Use() if day.value is None else Use(day.get("succeeded").count(), day.get("failed").count())
    )


def live_from_wire(value: object) -> Live:
    """A webhook as a tenant answers it; raises ValueError naming the pointer of what does not fit
    the contract.
    """
    at = At(value)
    spec = Webhook(
        name=at.get("name").text(),
        url=_told(at.get("url").text(), hidden_url),
        description=at.get("description").text(),
        enabled=at.get("enabled").flag(),
        auth=_auth(at.get("auth")),
        subscriptions=frozenset(_subscription(item) for item in at.get("events").items()),
    )
    return Live(
        spec,
        id=at.get("id").text(),
        revision=at.get("revision").text(),
        managed_by=mark_from_json(at.get("managed_by")),
        protected=at.get("protected").flag(),
        use=_use(at.get("invocations")),
    )


def page_from_wire(value: object) -> tuple[tuple[Live, ...], str | None]:
    """One page of a listing and the cursor of the next; raises ValueError."""
    at = At(value)
    items = []
    for item in at.get("items").items():
        try:
            items.append(live_from_wire(item.value))
        except ValueError as error:
            raise ValueError(f"{item.pointer}{error}") from None
    return tuple(items), at.get("next_cursor").maybe_text()
