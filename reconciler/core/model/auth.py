"""The types of authentication: one class each, and functions that cover every type.

Each function is a `match` over all types, so mypy reports every place that a new type needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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


Auth = NoAuth | BasicAuth | BearerAuth | ApiKeyAuth
CREDENTIAL_FIELDS: Final = {
    "basic": "password",
    "bearer": "token",
    "apiKey": "value",
}  # by type of authentication


def get_auth_type(auth: Auth) -> str:
    """The word for an authentication in manifests and on the wire."""
    match auth:
        case NoAuth():
            return "none"
        case BasicAuth():
            return "basic"
        case BearerAuth():
            return "bearer"
        case ApiKeyAuth():
            return "apiKey"


def get_credential_field(auth: Auth) -> str:
    """The field that holds the secret part; empty for none."""
    return CREDENTIAL_FIELDS.get(get_auth_type(auth), "")


def get_credential(auth: Auth) -> Secret | Withheld | None:
    """The secret part of an authentication, None if there is none."""
    match auth:
        case NoAuth():
            return None
        case BasicAuth(password=secret) | BearerAuth(token=secret) | ApiKeyAuth(value=secret):
            return secret


def with_credential(auth: Auth, secret: Secret | Withheld) -> Auth:
    """The same authentication with a different secret part; NoAuth stays as it is."""
    match auth:
        case NoAuth():
            return auth
        case BasicAuth(username=username):
            return BasicAuth(username, secret)
        case BearerAuth():
            return BearerAuth(secret)
        case ApiKeyAuth(header=header):
            return ApiKeyAuth(header, secret)


def get_username(auth: Auth) -> str | Secret | None:
    """The user name, None for a type without one."""
    match auth:
        case BasicAuth(username=user_name):
            return user_name
        case NoAuth() | BearerAuth() | ApiKeyAuth():
            return None


def with_username(auth: Auth, username: str | Secret) -> Auth:
    """The same authentication with a different user name; a type without one stays as it is."""
    match auth:
        case BasicAuth(password=secret):
            return BasicAuth(username, secret)
        case NoAuth() | BearerAuth() | ApiKeyAuth():
            return auth


def get_header(auth: Auth) -> str:
    """The name of the header, empty for a type without one."""
    match auth:
        case ApiKeyAuth(header=name):
            return name
        case NoAuth() | BasicAuth() | BearerAuth():
            return ""
