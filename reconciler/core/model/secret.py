"""Values that cannot be printed: secrets that a manifest references, and credentials that a tenant
does not return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

HIDDEN: Final = "(hidden)"
_FINGERPRINT: Final = "hmac-sha256:"


def _bytes(text: str) -> bytes:
    """Lone surrogates included: an encoding error would carry the whole text, and replacing would
    make others equal.
    """
    return text.encode(errors="surrogatepass")


class Secret:
    """A text that no output may show; it equals the text it hides.

    Not a dataclass, as every other value is: `dataclasses.asdict` of whatever holds one would take
    it apart. It does not change either.

    `reference` says where it comes from ("fromEnv: NAME"); `shown` is what outputs print in its
    place; `version` is what a credential is known by at the tenant, None when unknown. A value of
    None is a reference that did not resolve: it equals only an equal reference that did not resolve
    either.
    """

    __slots__ = ("_value", "reference", "shown", "version")
    _value: str | None
    reference: str
    shown: str
    version: str | None

    def __init__(
        self,
        value: str | None,
        reference: str = "",
        shown: str = HIDDEN,
        version: str | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "_value", value)
        put(self, "reference", reference)
        put(self, "shown", shown)
        put(self, "version", version)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refused, without the value."""
        raise AttributeError(f"a Secret does not change: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        """Refused."""
        raise AttributeError(f"a Secret does not change: {name}")

    @property
    def is_resolved(self) -> bool:
        """Whether the reference has a value."""
        return self._value is not None

    def reveal(self) -> str:
        """The hidden text, for the codec and for `delivery/send.py`; raises ValueError when it did
        not resolve.
        """
        if self._value is None:
            raise ValueError(f"unresolved secret {self.reference}")
        return self._value

    def reveal_if_in(self, texts: AbstractSet[str]) -> str | None:
        """The hidden text if it is one of `texts`, which the caller knows already; else None."""
        return self._value if self._value in texts else None

    def with_second(self, second: Secret) -> Secret:
        """Both texts with a space between them, under this one's reference; unresolved if one of
        them is.
        """
        both = None if None in {self._value, second._value} else f"{self._value} {second._value}"
        return Secret(both, self.reference, self.shown, self.version)

    def with_version(self, version: str | None) -> Secret:
        """The same secret with a different version."""
        return Secret(self._value, self.reference, self.shown, version)

    def __eq__(self, other: object) -> bool:
        """Equal to the same text, hidden or not; in constant time for two secrets."""
        if isinstance(other, Secret):
            if self._value is None or other._value is None:
                return self._value is other._value and self.reference == other.reference
            from hmac import compare_digest  # noqa: PLC0415  it loads OpenSSL, which `validate` does without

            return compare_digest(_bytes(self._value), _bytes(other._value))
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

    def __copy__(self) -> Secret:
        """Itself: it does not change."""
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        """Itself, so that `dataclasses.asdict` keeps it whole."""
        return self


@dataclass(frozen=True, slots=True)
class Withheld:
    """What a live credential is: the tenant does not tell it, only the version it was given (None:
    none given).
    """

    version: str | None = None


def shown_url(url: str) -> str:
    """`scheme://host/…` of a url, which is all that outputs show of one that stands in no
    manifest.
    """
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
    """`hmac-sha256:` and 32 hex digits over field names and values, NUL-separated in name order,
    under `key`.

    None when a value or the key did not resolve. Comparable only between runs that hold the same
    key.
    """
    if key._value is None:  # noqa: SLF001  the one function beside the class that sees inside
        return None
    parts: list[str] = []
    for name in sorted(fields):
        value = fields[name]
        text = value._value if isinstance(value, Secret) else value  # noqa: SLF001  the one function beside the class that sees inside
        if text is None:
            return None
        parts += [name, text]
    import hashlib  # noqa: PLC0415  it loads OpenSSL, which `validate` does without
    import hmac  # noqa: PLC0415  it loads OpenSSL, which `validate` does without

    mac = hmac.new(_bytes(key._value), _bytes("\0".join(parts)), hashlib.sha256)  # noqa: SLF001  the one function beside the class that sees inside
    return f"{_FINGERPRINT}{mac.hexdigest()[:32]}"


def is_fingerprint(version: str | None) -> bool:
    """Whether a version is one that `fingerprint` made, not one that a manifest states."""
    return version is not None and version.startswith(_FINGERPRINT)


def shown(value: str | Secret | None, literals: AbstractSet[str] = frozenset()) -> str | None:
    """A url or user name as outputs may print it: in full where it stands literally in a manifest
    of this run.
    """
    if isinstance(value, Secret):
        return value.reveal_if_in(literals) or value.shown
    return value
