"""JSON values -> typed values of a webhook, every field at fault at once with its pointer.

Limits are `core/model/limits.py`'s. A credential is sealed and hidden right where it is read:
nothing behind this file sees its text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from reconciler.core.model import limits
from reconciler.core.model.auth import AUTH_TYPES
from reconciler.core.model.capabilities import TENANT, list_auth_types
from reconciler.core.model.fields import Field, list_plain_rows
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import ManagedBy, Subscription
from reconciler.tenant.problems import FieldError

READ_ONLY: Final = frozenset({"id", "revision", "created_at", "updated_at", "invocations"})
Seal = Callable[[str, str], bytes]  # field, text -> ciphertext


@dataclass(frozen=True, slots=True)
class GivenAuth:
    """An authentication as it was sent; without `secret` the stored one is meant. `sealed` is the
    same, encrypted.
    """

    type: str = "none"
    username: str | None = None
    header: str | None = None
    scheme: str | None = None
    version: str | None = None
    secret: Secret | None = None
    sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Details:
    """The fields of a webhook that were sent and are fine, by name, and those at fault."""

    fields: Mapping[str, Any]
    errors: tuple[FieldError, ...]


class Reader:
    """Collects errors while an object's fields are taken out of it; what is left over is
    unknown.
    """

    def __init__(self, value: object, pointer: str, errors: list[FieldError]) -> None:
        self.pointer, self.errors = pointer, errors
        self._left: dict[str, Any] = dict(value) if isinstance(value, Mapping) else {}
        self.is_object = isinstance(value, Mapping)
        if not self.is_object:
            errors.append(FieldError(pointer, "must be an object"))

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def add_fault(self, name: str, detail: str) -> None:
        """Records a fault of one field."""
        part = name[:100].replace("~", "~0").replace("/", "~1")
        self.errors.append(FieldError(f"{self.pointer}/{part}", detail))

    def take(self, name: str) -> Any:
        """The raw value of a field, None when it is absent."""
        return self._left.pop(name, None)

    def read_text(self, name: str, limit: Callable[[str], str | None]) -> str | None:
        """A required text within its limit; None when it is at fault or absent."""
        present, value = name in self._left, self.take(name)
        if not isinstance(value, str):
            if self.is_object:
                self.add_fault(name, "must be a text" if present else "is required")
            return None
        wrong = limit(value)
        if wrong is not None:
            self.add_fault(name, wrong)
            return None
        return value

    def read_optional_text(self, name: str, limit: Callable[[str], str | None]) -> str | None:
        """A text that may be null or absent."""
        return None if self.drop_null(name) else self.read_text(name, limit)

    def drop_null(self, name: str) -> bool:
        """Whether a field is null or absent, and so has its default (RFC 7396); it is taken
        then.
        """
        if self._left.get(name) is not None:
            return False
        self.take(name)
        return True

    def read_flag(self, name: str) -> bool | None:
        """A boolean; None when it is at fault."""
        value = self.take(name)
        if not isinstance(value, bool):
            self.add_fault(name, "must be true or false")
            return None
        return value

    def read_count(self, name: str) -> int | None:
        """A number from 0; None when it is at fault."""
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.add_fault(name, "must be a whole number from 0")
            return None
        return value

    def read_list(self, name: str) -> list[Any]:
        """A list; empty when it is at fault."""
        value = self.take(name)
        if not isinstance(value, list):
            self.add_fault(name, "must be a list")
            return []
        return value

    def end(self) -> None:
        """Every field that was not taken is unknown or read-only."""
        for name in self._left:
            self.add_fault(
                name, "is read-only" if name in READ_ONLY and not self.pointer else "is unknown"
            )


def _check_key(text: str) -> str | None:
    return (
        None
        if limits.KEY.fullmatch(text)
        else "must be a-z 0-9 - . , up to 253, and start and end with a letter or digit"
    )


def _check_source(text: str) -> str | None:
    return limits.description(text) if text else "must not be empty"


def _check_scheme(text: str) -> str | None:
    return None if text in TENANT.schemes else f"must be {' or '.join(TENANT.schemes)}"


def _read_texts(kind: str, reader: Reader) -> GivenAuth:
    """An authentication without its credential."""
    row = AUTH_TYPES[kind]
    username = reader.read_text("username", limits.username) if row.text == "username" else None
    header = reader.read_text("header", limits.header) if row.text == "header" else None
    scheme = reader.read_text("scheme", _check_scheme) if row.text == "scheme" else None
    version = reader.read_optional_text("credential_version", limits.name)
    if kind == "none" and version is not None:
        reader.add_fault("credential_version", "has no meaning without a credential")
    return GivenAuth(kind, username, header, scheme, version)


def _read_auth(value: object, at: str, seal: Seal, errors: list[FieldError]) -> GivenAuth | None:
    if value is None:
        return GivenAuth()
    reader = Reader(value, at, errors)
    kind = reader.take("type")
    if not reader.is_object:
        return None
    if not isinstance(kind, str) or kind not in TENANT.auths:
        *names, last = (row.name for row in list_auth_types(TENANT))
        reader.add_fault("type", f"must be {', '.join(names)} or {last}")
        return None
    given, name = _read_texts(kind, reader), AUTH_TYPES[kind].credential
    scheme = given.scheme
    check = limits.credential if scheme is None else partial(limits.signing_keys, scheme=scheme)
    raw = reader.read_text(name, check) if name and name in reader else None
    reader.end()
    if raw is None:
        return given
    return replace(given, secret=Secret(raw, reference=f"auth.{name}"), sealed=seal(name, raw))


def read_subscription(value: object, at: str, errors: list[FieldError]) -> Subscription:
    """One `{type, version, severity}`; what is at fault is recorded and empty."""
    reader = Reader(value, at, errors)
    parts = [reader.read_text(name, limits.name) or "" for name in ("type", "version", "severity")]
    reader.end()
    return Subscription(*parts)


def _read_events(values: list[Any], at: str, errors: list[FieldError]) -> tuple[Subscription, ...]:
    before = len(errors)
    subscriptions = [
        read_subscription(value, f"{at}/{index}", errors) for index, value in enumerate(values)
    ]
    earlier: set[Subscription] = set()
    for index, item in enumerate(subscriptions):
        if item in earlier and len(errors) == before:
            errors.append(FieldError(f"{at}/{index}", "is listed twice"))
        earlier.add(item)
    return tuple(sorted(earlier, key=lambda item: item.sort_key))


def _read_mark(value: object, at: str, errors: list[FieldError]) -> ManagedBy | None:
    if value is None:
        return None
    reader = Reader(value, at, errors)
    owner, key = reader.read_text("owner", limits.name), reader.read_text("key", _check_key)
    sources = reader.read_list("sources") if "sources" in reader else []
    revision = reader.read_optional_text("revision", limits.name)
    repository = reader.read_optional_text("repository", limits.repository)
    for index, source in enumerate(sources):
        wrong = _check_source(source) if isinstance(source, str) else "must be a text"
        if wrong is not None:
            errors.append(FieldError(f"{at}/sources/{index}", wrong))
    reader.end()
    texts = tuple(item for item in sources if isinstance(item, str))
    return ManagedBy(owner or "", key or "", texts, revision, repository)


def _read_value(reader: Reader, row: Field) -> Any:
    """A value of a PLAIN field: null means its default, if it has one; None when it is at fault."""
    if row.default is not None and reader.drop_null(row.name):
        return row.default
    if row.type is str:
        return reader.read_text(row.name, row.check)
    return reader.read_flag(row.name) if row.type is bool else reader.read_count(row.name)


def _read_plain(reader: Reader, fields: dict[str, Any]) -> None:
    """The fields that are one text or one boolean."""
    if "name" in reader:
        text = reader.read_text("name", lambda given: limits.name(limits.normalize_name(given)))
        fields["name"] = None if text is None else limits.normalize_name(text)
    if "url" in reader:
        fields["url"] = reader.read_text("url", limits.url)
    for row in list_plain_rows():
        if row.name in reader:
            fields[row.name] = _read_value(reader, row)
    if "protected" in reader:
        fields["protected"] = (
            False if reader.drop_null("protected") else reader.read_flag("protected")
        )


def read_details(
    value: object, seal: Seal, *, required: tuple[str, ...] = (), pointer: str = ""
) -> Details:
    """The fields of a webhook in a JSON value: those sent, decoded, and all faults; `required` must
    be among them.

    Null means the default (RFC 7396), but name, url and enabled take none.
    """
    errors: list[FieldError] = []
    reader = Reader(value, pointer, errors)
    fields: dict[str, Any] = {}
    for name in required:
        if reader.is_object and name not in reader:
            reader.add_fault(name, "is required")
    _read_plain(reader, fields)
    if "auth" in reader:
        fields["auth"] = _read_auth(reader.take("auth"), f"{pointer}/auth", seal, errors)
    if "events" in reader:
        values = [] if reader.drop_null("events") else reader.read_list("events")
        fields["events"] = _read_events(values, f"{pointer}/events", errors)
    if "managed_by" in reader:
        fields["managed_by"] = _read_mark(
            reader.take("managed_by"), f"{pointer}/managed_by", errors
        )
    reader.end()
    return Details(
        {name: item for name, item in fields.items() if item is not None or name == "managed_by"},
        tuple(errors),
    )
