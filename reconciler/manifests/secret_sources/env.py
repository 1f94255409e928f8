"""`fromEnv: NAME`: a variable of this run's environment."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from reconciler.manifests.secret_sources.base import Access, Forbidden, Item, Place, Unresolved

LIST_NAME: Final = "env"
ALLOWED_BY_DEFAULT: Final = True
_OWN: Final = "RECONCILER_"
# Credentials of the other sources: a reader of these could bypass the Tenant's lists.
_KEYS: Final = frozenset({
    *(
        f"{kind}_{name}"
        for kind in ("VAULT", "BAO")
        for name in ("TOKEN", "ROLE_ID", "SECRET_ID", "ID_TOKEN")
    ),
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "SOPS_AGE_KEY", "SOPS_AGE_KEY_CMD",
})  # fmt: skip
_PROXIES: Final = frozenset(
    {"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"}
)  # their urls may hold a password


def find_place(value: Any, _folder: str, _access: Access) -> Place:
    """The variable of that name, unless it is the program's own or a credential of a different
    source.
    """
    name: str = value
    if name.upper().startswith(_OWN):
        raise Forbidden(f"may not be referenced: {_OWN}* is the program's own")
    if name in _KEYS:
        raise Forbidden("may not be referenced: it is the credential of a secret source")
    if name.upper() in _PROXIES:
        raise Forbidden("may not be referenced: it may hold the password of a proxy")
    return make_variable_place(name)


def find_own_place(name: str) -> Place:
    """The variable of that name for the run's own use, as in a login; raises Forbidden."""
    if name.upper().startswith(_OWN):
        raise Forbidden(f"may not be referenced: {_OWN}* is the program's own")
    return make_variable_place(name)


@lru_cache(maxsize=4096)  # the same names come again and again
def make_variable_place(name: str) -> Place:
    """The place of a variable."""
    return Place("fromEnv", (name,), subject=name)


def fetch(item: Item, access: Access) -> str:
    """The variable's value. In a fork's pull request CI sets it to an empty text."""
    value = access.env.get(item[0])
    if not value:
        raise Unresolved("the variable is not set, or empty")
    return value


def pick(fetched: Any, _place: Place) -> str:
    """The value as it is."""
    text: str = fetched
    return text
