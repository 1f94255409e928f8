"""Access tokens and who they stand for. A token is 256 random bits after a public id."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reconciler.core.errors import BadRequest
from reconciler.core.model import limits

READ: Final = "Webhooks: Read"


WRITE: Final = "Webhooks: Write"


EVENTS: Final = "Events: Write"


SCOPES: Final = (READ, WRITE, EVENTS)


PREFIX: Final = "rct"


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token: never its text. `created` and `expires` in epoch seconds, `expires`
    None for never.
    """

    name: str
    scopes: tuple[str, ...]
    owner: str | None
    created: float
    expires: float | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request: the token's public id, what it may do, and the only owner it may act
    for.
    """

    id: str
    scopes: frozenset[str]
    owner: str | None = None

    def has_scope(self, scope: str) -> bool:
        """Whether a scope is held; write implies read."""
        return scope in self.scopes or (scope == READ and WRITE in self.scopes)


@dataclass(frozen=True, slots=True, repr=False)
class NewToken:
    """A token that was just made; `text` is shown once."""

    id: str
    text: str
    name: str
    scopes: tuple[str, ...]
    owner: str | None
    expires: float | None


def make_token(
    name: str, scopes: Iterable[str], owner: str | None, expires: float | None
) -> NewToken:
    """A new token; raises BadRequest for a bad name or owner, an unknown scope, or none."""
    for what, text in (("name", name), ("owner", owner)):
        wrong = limits.name(text) if text is not None else None
        if wrong is not None:
            raise BadRequest(f"a token's {what} {wrong}")
    wanted = tuple(scope for scope in SCOPES if scope in set(scopes))
    if not wanted or len(wanted) != len(set(scopes)):
        raise BadRequest(f"a token needs scopes out of: {', '.join(SCOPES)}")
    public = secrets.token_hex(8)
    return NewToken(
        public, f"{PREFIX}_{public}_{secrets.token_hex(32)}", name, wanted, owner, expires
    )
