r"""Patterns of JSON Schema (ECMA 262) as patterns of RE2, which an API server uses.

RE2 has no look-ahead, so that one pattern may become several tests of the same text. `$` of RE2 is
the very end of a text: the `(?!\n)` beside it, which other engines need, is dropped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

_NO_NEWLINE: Final = r"(?!\n)"
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
# The last label of a host is no number: without it 1.2.3.999 would be a host name.
_LAST_LABEL: Final = r"(?![0-9]+\.?(?:[:/?]|$))"
_NUMBER_LAST: Final = r"^[^/]*//(?:[^/?]*\.)?[0-9]+\.?(?:[:/?]|$)"
_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = rf"^[^/]*//{_OCTET}(?:\.{_OCTET}){{3}}(?:[:/?]|$)"


@dataclass(frozen=True, slots=True)
class Tests:
    """A text matches all of `must` and none of `must_not`; if it matches the first of a pair of
    `implied`, then also the second.
    """

    must: tuple[str, ...]
    must_not: tuple[str, ...] = ()
    implied: tuple[tuple[str, str], ...] = ()

    def as_rule(self) -> str:
        """The tests as one CEL rule of a text."""
        parts = [
            *(f"!self.matches({quote(pattern)})" for pattern in self.must_not),
            *(f"self.matches({quote(pattern)})" for pattern in self.must),
            *(
                f"(!self.matches({quote(first)}) || self.matches({quote(second)}))"
                for first, second in self.implied
            ),
        ]
        return " && ".join(parts)

    def as_validations(self) -> list[dict[str, object]]:
        """The tests as value validations of a structural schema, which cost nothing."""
        if self.implied:
            raise ValueError("only a CEL rule can say that one pattern implies another")
        validations: list[dict[str, object]] = [{"pattern": pattern} for pattern in self.must]
        validations += [{"not": {"pattern": pattern}} for pattern in self.must_not]
        return validations


def quote(text: str) -> str:
    """The text as a literal of CEL."""
    return json.dumps(text, ensure_ascii=False)


def make_tests(pattern: str) -> Tests:
    """The tests that mean the same as a pattern of a schema; raises ValueError for a look-ahead
    that is neither at the start nor the known one of urls.
    """
    rest = _escape(pattern.replace(_NO_NEWLINE, ""))
    must: list[str] = []
    must_not: list[str] = []
    while rest.startswith(("^(?=", "^(?!")):
        end = _find_end(rest, 1)
        tests = must if rest[3] == "=" else must_not
        tests.append(f"^(?:{rest[4:end]})")
        rest = f"^{rest[end + 1 :]}"
    implied = ((_NUMBER_LAST, _IPV4),) if _LAST_LABEL in rest else ()
    rest = rest.replace(_LAST_LABEL, "")
    if re.search(r"\(\?<?[=!]", rest):
        raise ValueError(f"RE2 has no look-around: {rest[:80]}")
    return Tests((*must, rest), tuple(must_not), implied)


def _escape(pattern: str) -> str:
    """In ASCII, with the escapes of RE2: an editor shows few of the other characters."""
    text = _ESCAPE.sub(r"\\x{\1}", pattern)
    return "".join(char if char.isascii() else f"\\x{{{ord(char):x}}}" for char in text)


def _find_end(pattern: str, start: int) -> int:
    """The position of the parenthesis that closes the one at `start`."""
    depth, position, in_class = 0, start, False
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            position += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return position
        position += 1
    raise ValueError("a group is not closed")
