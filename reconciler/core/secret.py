"""Values that cannot be printed: what a manifest references and what a tenant does not tell.

Made by the manifest loader, by the codec (urls and user names a tenant returns) and by the command line (tokens);
revealed in two places only: the codec on its way to a tenant, and `delivery/send.py`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN: Final = "(hidden)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Secret:
    """A text that no output may show; it equals the text it hides.

    `reference` says where it comes from ("fromEnv: NAME"); `shown` is what outputs print in its place; `version` is
    what a credential is known by at the tenant, None when unknown. A value of None is a reference that did not resolve:
    it equals only an equal reference that did not resolve either.
    """

    _value: str | None
    reference: str = ""
    shown: str = HIDDEN
    version: str | None = None

    @property
    def resolved(self) -> bool:
        """Whether there is a value behind the reference."""
        return self._value is not None

    def reveal(self) -> str:
        """The hidden text, for the codec and for `delivery/send.py`; raises ValueError when it did not resolve."""
        if self._value is None:
            raise ValueError(f"unresolved secret {self.reference}")
        return self._value

    def with_version(self, version: str | None) -> Secret:
        """The same secret, known by another version."""
        return replace(self, version=version)

    def __eq__(self, other: object) -> bool:
        """Equal to the same text, hidden or not; in constant time for two secrets."""
        if isinstance(other, Secret):
            if self._value is None or other._value is None:
                return self._value is other._value and self.reference == other.reference
            return hmac.compare_digest(self._value.encode(errors="replace"), other._value.encode(errors="replace"))
        if isinstance(other, str):
            return self._value == other
        return NotImplemented

    def __hash__(self) -> int:
        """As the text it hides, so that equal values hash alike."""
        return hash(self._value)

    def __repr__(self) -> str:
        """Never the value."""
        return f"Secret({self.reference or self.shown})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Never the value."""
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        """Refused: a pickle would carry the value."""
        raise TypeError("a Secret cannot be pickled")


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a live credential is: the tenant does not tell it, only the version it was given (None: none given)."""

    version: str | None = None


def shown_url(url: str) -> str:
    """`scheme://host/…` of a url, which is all that outputs show of one that stands in no manifest."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    if not parts.scheme or not host:
        return HIDDEN
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}/…"


def hidden_url(url: str, reference: str = "") -> Secret:
    """A url as a Secret that shows itself as scheme and host."""
    return Secret(url, reference, shown_url(url))


def fingerprint(fields: Mapping[str, str | Secret], key: Secret) -> str | None:
    """`hmac-sha256:` and 32 hex digits over field names and values, NUL-separated in name order, under `key`.

    None when a value or the key did not resolve. Comparable only between runs that hold the same key.
    """
    if key._value is None:  # noqa: SLF001  the one function beside the class that sees inside
        return None
    parts: list[str] = []
    for name in sorted(fields):
        value = fields[name]
        text = value._value if isinstance(value, Secret) else value  # noqa: SLF001  as above
        if text is None:
            return None
        parts += [name, text]
    mac = hmac.new(key._value.encode(), "\0".join(parts).encode(), hashlib.sha256)  # noqa: SLF001  as above
    return f"hmac-sha256:{mac.hexdigest()[:32]}"
