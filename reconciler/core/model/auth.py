"""The types of authentication: one class and one row of a table each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.core.model.secret import Secret, Withheld


@dataclass(frozen=True, slots=True)
class NoAuth:
    """The endpoint needs no credential."""


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """RFC 7617; the user name is a Secret if the manifest references it or it comes from the
    tenant.
    """

    username: str | Secret
    password: Secret | Withheld


@dataclass(frozen=True, slots=True)
class BearerAuth:
    """RFC 6750, in the Authorization header."""

    token: Secret | Withheld


@dataclass(frozen=True, slots=True)
class ApiKeyAuth:
    """A value in a header whose name the customer chooses."""

    header: str
    value: Secret | Withheld


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """A value that the product sends in a header of its own choice, such as X-Gitlab-Token."""

    value: Secret | Withheld


@dataclass(frozen=True, slots=True)
class SignatureAuth:
    """Each delivery is signed with a key, which is not sent.

    `scheme` is one of SCHEMES. `secret` is the key; during a rotation it is two keys with a space
    between them, the new one first.
    """

    scheme: str
    secret: Secret | Withheld


Auth = NoAuth | BasicAuth | BearerAuth | ApiKeyAuth | TokenAuth | SignatureAuth

SCHEMES: Final = ("standard", "standard-v1a", "product")
"""Standard Webhooks `v1` (HMAC-SHA256) and `v1a` (ed25519), and the way of the product itself."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AuthType:
    """One type of authentication: its name in manifests and on the wire, its class, its label for
    people, and the fields of its text and of its credential, which are attributes of the class too.
    """

    name: str
    kind: Callable[..., Auth]
    label: str
    text: str = ""
    credential: str = ""


AUTH_TYPES: Final = {
    row.name: row
    for row in (
        AuthType("none", NoAuth, "None"),
        AuthType("basic", BasicAuth, "Basic", "username", "password"),
        AuthType("bearer", BearerAuth, "Bearer token", "", "token"),
        AuthType("apiKey", ApiKeyAuth, "API key", "header", "value"),
        AuthType("token", TokenAuth, "Token", "", "value"),
        AuthType("signature", SignatureAuth, "Signature", "scheme", "secret"),
    )
}
"""Every type by its name. Whatever treats all types alike loops over this table; what differs is a
`match` over the classes, so mypy reports every place that a new type needs."""

_BY_CLASS: Final = {row.kind: row for row in AUTH_TYPES.values()}
CREDENTIAL_FIELDS: Final = {
    row.name: row.credential for row in AUTH_TYPES.values() if row.credential
}


def make_auth(
    name: str, texts: Mapping[str, str | Secret | None], credential: Secret | Withheld
) -> Auth:
    """The authentication of that type, with the one of `texts` that belongs to it; raises
    ValueError for an unknown type.
    """
    if name not in AUTH_TYPES:
        raise ValueError("an unknown type of authentication")
    row = AUTH_TYPES[name]
    if not row.credential:
        return row.kind()
    values: dict[str, Any] = {row.credential: credential}
    if row.text:
        values[row.text] = texts.get(row.text) or ""
    return row.kind(**values)


def get_auth_type(auth: Auth) -> str:
    """The word for an authentication in manifests and on the wire."""
    return _BY_CLASS[type(auth)].name


def get_credential_field(auth: Auth) -> str:
    """The field that holds the secret part; empty for none."""
    return _BY_CLASS[type(auth)].credential


def get_credential(auth: Auth) -> Secret | Withheld | None:
    """The secret part of an authentication, None if there is none."""
    field = get_credential_field(auth)
    return getattr(auth, field) if field else None


def with_credential(auth: Auth, secret: Secret | Withheld) -> Auth:
    """The same authentication with a different secret part; NoAuth stays as it is."""
    field, text = get_text(auth)
    return make_auth(get_auth_type(auth), {field: text}, secret)


def get_text(auth: Auth) -> tuple[str, str | Secret]:
    """The field and the value of an authentication's text; two empty texts if it has none."""
    field = _BY_CLASS[type(auth)].text
    return (field, getattr(auth, field)) if field else ("", "")


def get_username(auth: Auth) -> str | Secret | None:
    """The user name, None for a type without one."""
    field, text = get_text(auth)
    return text if field == "username" else None


def with_username(auth: Auth, username: str | Secret) -> Auth:
    """The same authentication with a different user name; a type without one stays as it is."""
    credential = get_credential(auth)
    if credential is None or get_username(auth) is None:
        return auth
    return make_auth(get_auth_type(auth), {"username": username}, credential)


def get_scheme(auth: Auth) -> str:
    """The scheme of a signature, empty for a type without one."""
    field, text = get_text(auth)
    return str(text) if field == "scheme" else ""


def get_header(auth: Auth) -> str:
    """The name of the header, empty for a type without one."""
    field, text = get_text(auth)
    return str(text) if field == "header" else ""


def get_place(auth: Auth) -> tuple[str, str, str]:
    """What decides where a credential goes: the type, the header in any case, the scheme."""
    return get_auth_type(auth), get_header(auth).lower(), get_scheme(auth)
