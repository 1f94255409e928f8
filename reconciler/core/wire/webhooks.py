"""Model <-> JSON-ready dicts of the tenant's contract: the one place where both sides of the wire
meet.

Decoding raises ValueError with a JSON pointer and never quotes what it found. Encoding, for the
wire and for manifests of live webhooks, is one of the places that reveal secrets
(docs/security.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from reconciler.core.model.auth import (
    AUTH_TYPES,
    Auth,
    get_auth_type,
    get_credential,
    get_credential_field,
    get_place,
    get_text,
    get_username,
    make_auth,
    with_username,
)
from reconciler.core.model.fields import Field, list_common_rows, list_plain_rows, make_spec
from reconciler.core.model.json_reading import JsonValue
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
T = TypeVar("T")


def make_literal(spec: Webhook) -> Webhook:
    """A live spec with url and user name as texts, for a manifest that declares them literally;
    masked values stay hidden.
    """

    def text(value: str | Secret) -> str | Secret:
        return _reveal_text(value) if not isinstance(value, Secret) or value.is_resolved else value

    username = get_username(spec.auth)
    auth = spec.auth if username is None else with_username(spec.auth, text(username))
    return replace(spec, url=text(spec.url), auth=auth)


def events_to_wire(subscriptions: frozenset[Subscription]) -> list[Json]:
    """Subscriptions as JSON, in their own order."""
    sorted_subscriptions = sorted(subscriptions, key=lambda item: item.sort_key)
    return [
        {"type": s.type, "version": s.version, "severity": s.severity} for s in sorted_subscriptions
    ]


def _reveal_text(value: T | Secret) -> T | str:
    return value.reveal() if isinstance(value, Secret) else value


def auth_to_wire(auth: Auth) -> Json:
    """An authentication as the tenant takes it: the secret part revealed, or left out where the
    stored one is to stay.
    """
    body: Json = {"type": get_auth_type(auth)}
    field, text = get_text(auth)
    if field:
        body[field] = _reveal_text(text)
    secret = get_credential(auth)
    if isinstance(secret, Secret):
        body[get_credential_field(auth)] = secret.reveal()
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


def _list_values() -> Iterator[Field]:
    """The fields that are one value, without those of a product."""
    return (row for row in list_common_rows() if row.is_simple)


def _encode(row: Field, spec: Webhook) -> Any:
    """A value as the tenant takes it: revealed if it is a secret; as in a new webhook if it is left
    to the tenant.
    """
    value = row.read(spec)
    return row.created if value is None else _reveal_text(value)


def spec_to_wire(spec: Webhook) -> Json:
    """A spec as the tenant takes it."""
    return {
        **{row.name: _encode(row, spec) for row in _list_values()},
        "auth": auth_to_wire(spec.auth),
        "events": events_to_wire(spec.subscriptions),
    }


def make_create_body(declared: Declared, owner: Owner) -> Json:
    """The body of `POST /webhooks`."""
    mark = mark_to_wire(declared, owner)
    return {
        **spec_to_wire(declared.spec),
        "managed_by": mark,
        "protected": bool(declared.protected),
    }


def _same_auth(before: Auth, after: Auth) -> bool:
    """Equal, header names in any case: what `diff` takes as equal is not sent either."""
    return _list_parts(before) == _list_parts(after)


def _list_parts(auth: Auth) -> tuple[object, ...]:
    return get_place(auth), get_username(auth), get_credential(auth)


def _is_different(row: Field, before: Webhook, after: Webhook) -> bool:
    """Whether a value changes; one that is left to the tenant does not."""
    value = row.read(after)
    return value is not None and value != row.read(before)


def make_patch_body(live: Live, declared: Declared, owner: Owner) -> Json:
    """The merge patch that turns `live` into `declared`: the fields that differ, and the mark with
    our revision.
    """
    before, after = live.spec, declared.spec
    body: Json = {
        row.name: _encode(row, after) for row in _list_values() if _is_different(row, before, after)
    }
    if not _same_auth(before.auth, after.auth):
        body["auth"] = auth_to_wire(after.auth)
    if before.subscriptions != after.subscriptions:
        body["events"] = events_to_wire(after.subscriptions)
    if declared.protected is not None and declared.protected != live.protected:
        body["protected"] = declared.protected
    body["managed_by"] = mark_to_wire(declared, owner, live.managed_by)
    return body


def make_test_body(spec: Webhook, live: Live | None, event: Subscription) -> Json:
    """The body of `POST /webhooks/test`: unsaved details. If our secret is withheld, the stored one
    is used.
    """
    body: Json = {
        "webhook": {
            "name": spec.name,
            "url": _reveal_text(spec.url),
            "auth": auth_to_wire(spec.auth),
        },
        "event": {"type": event.type, "version": event.version, "severity": event.severity},
    }
    if live is not None:
        body["id"] = live.id
    return body


def _decode_subscription(body: JsonValue) -> Subscription:
    return Subscription(
        body.get("type").text(), body.get("version").maybe_text(), body.get("severity").maybe_text()
    )


def _drop_mask(text: str | None) -> str | None:
    """A value from the tenant; None for a mask such as `*****`, which is never compared or sent."""
    return None if text is not None and len(text) >= 3 and not text.strip("*•") else text


def _decode_secret(text: str, secret: Callable[[str], Secret]) -> Secret:
    return Secret(None) if _drop_mask(text) is None else secret(text)


def _make_username(text: str) -> Secret:
    return Secret(text, shown=HIDDEN)


def _decode_auth(body: JsonValue) -> Auth:
    kind = body.get("type").text()
    secret = Withheld(_drop_mask(body.get("credential_version").maybe_text()))
    row = AUTH_TYPES.get(kind)
    if row is None:
        raise ValueError(f"{body.pointer}/type: unknown")
    text: str | Secret = body.get(row.text).text() if row.text else ""
    if row.text == "username":
        text = _decode_secret(str(text), _make_username)
    return make_auth(kind, {row.text: text}, secret)


def mark_from_json(body: JsonValue) -> ManagedBy | None:
    """A mark out of an answer or a saved plan, None for null; raises ValueError. Older tenants
    return no repository.
    """
    if body.value is None:
        return None
    sources = tuple(source.text() for source in body.get("sources").items())
    revision, repository = body.get("revision").maybe_text(), body.get("repository").maybe_text()
    return ManagedBy(
        body.get("owner").text(), body.get("key").text(), sources, revision, repository
    )


def _decode_use(body: JsonValue) -> Use:
    if body.value is None:
        return Use()
    day = body.get("last_day")
    return (
        Use() if day.value is None else Use(day.get("succeeded").count(), day.get("failed").count())
    )


_DECODERS: Final[Mapping[type, Callable[[JsonValue], Any]]] = {
    str: JsonValue.text,
    bool: JsonValue.flag,
    int: JsonValue.count,
}


def live_from_wire(value: object) -> Live:
    """A webhook in a tenant's answer; raises ValueError with the pointer of the value that does not
    match the contract.
    """
    body = JsonValue(value)
    spec = make_spec(
        {row.name: _DECODERS[row.type](body.get(row.name)) for row in list_plain_rows()},
        url=_decode_secret(body.get("url").text(), hidden_url),
        authentication=_decode_auth(body.get("auth")),
        events=frozenset(_decode_subscription(item) for item in body.get("events").items()),
    )
    return Live(
        spec,
        id=body.get("id").text(),
        revision=body.get("revision").text(),
        managed_by=mark_from_json(body.get("managed_by")),
        protected=body.get("protected").flag(),
        use=_decode_use(body.get("invocations")),
    )


def page_from_wire(value: object) -> tuple[tuple[Live, ...], str | None]:
    """One page of a listing and the cursor of the next; raises ValueError."""
    body = JsonValue(value)
    items = []
    for item in body.get("items").items():
        try:
            items.append(live_from_wire(item.value))
        except ValueError as error:
            raise ValueError(f"{item.pointer}{error}") from None
    return tuple(items), body.get("next_cursor").maybe_text()
