"""`fromEnv: NAME`: a variable of this run's environment."""

from __future__ import annotations

from typing import Any, Final

from reconciler.manifests.secret_sources.base import Access, Forbidden, Item, Lost, Place

LISTED: Final = "env"
OPTIONAL: Final = True
_OWN: Final = "RECONCILER_"
# What opens the other sources: whoever has it can read past the Tenant's lists.
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


def place(value: Any, _folder: str, _access: Access) -> Place:
    """The variable of that name, unless it is the program's own or a key to other sources."""
    name: str = value
    if name.upper().startswith(_OWN):
        raise Forbidden(f"may not be referenced: {_OWN}* is the program's own")
    if name in _KEYS:
        raise Forbidden("may not be referenced: it opens another source of secrets")
    if name.upper() in _PROXIES:
        raise Forbidden("may not be referenced: it may hold the password of a proxy")
    return variable_place(name)


def own_place(name: str) -> Place:
    """The variable of that name for the run's own use, as in a login; raises Forbidden."""
    if name.upper().startswith(_OWN):
        raise Forbidden(f"may not be referenced: {_OWN}* is the program's own")
    return variable_place(name)


def variable_place(name: str) -> Place:
    """Where a variable is."""
    return Place("fromEnv", (name,), subject=name)


def fetch(item: Item, access: Access) -> str:
    """Its value; CI gives a fork's pull request empty ones."""
    value = access.env.get(item[0])
    if not value:
        raise Lost("the variable is not set, or empty")
    return value


def pick(got: Any, _place: Place) -> str:
    """The value as it is."""
    text: str = got
    return text
