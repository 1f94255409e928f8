"""Who is signed in to the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from reconciler.tenant.times import HOUR

LINK_SECONDS: Final = 600  # a link is good for


SESSION_SECONDS: Final = 12 * HOUR  # a session lasts


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in; `hash` is what the session is stored under."""

    hash: bytes = field(repr=False)
