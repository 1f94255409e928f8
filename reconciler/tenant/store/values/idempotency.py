"""The use of an Idempotency-Key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.tenant.problems import Refusal
from reconciler.tenant.times import DAY

KEPT: Final = DAY  # seconds


LONGEST: Final = 255  # characters of a key


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a key: whose, for which route, and the keyed hash of the body."""

    token: str
    route: str
    key: str
    hash: bytes = field(repr=False)

    @property
    def scope(self) -> tuple[str, str, str]:
        """What makes two uses the same one."""
        return self.token, self.route, self.key


def read_key(keys: Sequence[str]) -> str | None:
    """The one key of a request, None without; raises 400 for a key that cannot be used, or two."""
    if not keys:
        return None
    key = keys[0]
    if len(keys) > 1 or not 1 <= len(key) <= LONGEST or not all("!" <= char <= "~" for char in key):
        raise Refusal(
            "bad-request",
            f"Idempotency-Key must be one of 1 to {LONGEST} printable ASCII characters "
            "without spaces",
        )
    return key
