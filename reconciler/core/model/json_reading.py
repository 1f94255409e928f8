"""A decoded JSON value and its position, so that an error can report the JSON pointer.

Every function raises ValueError, the one type for a body that does not decode, and never quotes a
value.
"""

from __future__ import annotations


class JsonValue:
    """A value and its position, for the pointer in a decoding error."""

    __slots__ = ("_above", "_step", "value")

    def __init__(
        self, value: object, parent: JsonValue | None = None, step: str | int = ""
    ) -> None:
        self.value, self._above, self._step = value, parent, step

    @property
    def pointer(self) -> str:
        """Put together only where something is wrong: a listing has tens of thousands of values."""
        return "" if self._above is None else f"{self._above.pointer}/{self._step}"

    def get(self, field: str) -> JsonValue:
        """A field of an object; None where there is none."""
        if not isinstance(self.value, dict):
            raise ValueError(f"{self.pointer or '/'}: not an object")  # noqa: TRY004  one error type for a body that does not decode
        return JsonValue(self.value.get(field), self, field)

    def text(self) -> str:
        """A text that can be encoded: no lone surrogate."""
        if not isinstance(self.value, str):
            raise ValueError(f"{self.pointer}: not a text")  # noqa: TRY004  one error type for a body that does not decode
        if not self.value.isascii() and any("\ud800" <= char <= "\udfff" for char in self.value):
            raise ValueError(f"{self.pointer}: not a text: it has a lone surrogate")
        return self.value

    def maybe_text(self) -> str | None:
        """A text or null."""
        return None if self.value is None else self.text()

    def flag(self) -> bool:
        """True or false, no number for it."""
        if not isinstance(self.value, bool):
            raise ValueError(f"{self.pointer}: not true or false")  # noqa: TRY004  one error type for a body that does not decode
        return self.value

    def count(self) -> int:
        """A whole number from 0."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise ValueError(f"{self.pointer}: not a count")
        return self.value

    def items(self) -> list[JsonValue]:
        """The items of a list."""
        if not isinstance(self.value, list):
            raise ValueError(f"{self.pointer}: not a list")  # noqa: TRY004  one error type for a body that does not decode
        return [JsonValue(item, self, index) for index, item in enumerate(self.value)]
