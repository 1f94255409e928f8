"""The limits of `core/model/limits.py` as regular expressions, checked against them by a test.

Written so that ECMA-262 with its `u` flag and Python read them alike; lengths stand beside them.
Lone surrogates, which are no characters at all, are left out: some engines know no way to write
them.
"""

from __future__ import annotations

from typing import Final

from reconciler.core.model import limits

_SPACE: Final = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_BIDI: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_NO_CHARACTERS: Final = r"\ufdd0-\ufdef\ufffe\uffff" + "".join(
    f"{chr(n << 16 | 0xFFFE)}-{chr(n << 16 | 0xFFFF)}" for n in range(1, 17)
)
_LATER_CONTROLS: Final = r"\u007f-\u009f\u2028\u2029"
_NEVER: Final = _LATER_CONTROLS + _BIDI + _NO_CHARACTERS
_END: Final = r"$(?!\n)"  # Python's `$` also stands before a last line break


def _match_between(edge: str, inside: str) -> str:
    """Texts of at least one character whose first and last are `edge`."""
    return f"^{edge}(?:{inside}*{edge})?{_END}"


_VISIBLE: Final = rf"(?=[{limits.INVISIBLE}]*[^{limits.INVISIBLE}])"
NAME: Final = _match_between(
    rf"[^\u0000-\u001f{_NEVER}{_SPACE}]", rf"[^\u0000-\u001f{_NEVER}]"
).replace("^", f"^{_VISIBLE}", 1)
DESCRIPTION: Final = rf"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f{_NEVER}]*{_END}"
CREDENTIAL: Final = _match_between("[!-~]", "[ -~]")
USERNAME: Final = _match_between("[!-9;-~]", "[ -9;-~]")
KEY: Final = f"^{limits.KEY.pattern}{_END}"
REPOSITORY: Final = f"^{limits.REPOSITORY.pattern}{_END}"


def _match_any_case(text: str) -> str:
    return "".join(f"[{char.upper()}{char}]" if char.isalpha() else char for char in text)


_RESERVED: Final = (
    "host",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
)
_FAMILIES: Final = ("content-", "proxy-")
_TAKEN: Final = "|".join(
    [_match_any_case(name) + "$" for name in _RESERVED]
    + [_match_any_case(name) for name in _FAMILIES]
)
HEADER: Final = rf"^(?!{_TAKEN})[!#$%&'*+.^_`|~0-9A-Za-z-]+{_END}"

_BYTE: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LABEL: Final = "[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?"
# whose last label is no number
_NAMED: Final = rf"(?:{_LABEL}\.)*(?![0-9]+\.?(?:[:/?]|$)){_LABEL}\.?"
_PORT: Final = (
    "(?::(?:0*(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}"
    "|655[0-2][0-9]|6553[0-5]))?)?"
)
_REST: Final = r"[!$-;=?-Z\x5b\x5d_a-z~]*"
_GROUP: Final = "[0-9A-Fa-f]{1,4}"


def _shorten(limit: int) -> str:
    """IPv6 addresses with `::` after so many groups: up to seven groups in all, of which an IPv4
    address at the end is two.
    """
    before = "" if not limit else f"{_GROUP}(?::{_GROUP}){{{limit - 1}}}"
    groups = f"(?:{_GROUP}(?::{_GROUP}){{0,{6 - limit}}})?" if limit < 7 else ""
    return f"{before}::(?:{groups}{f'|(?:{_GROUP}:){{0,{5 - limit}}}{_IPV4}' if limit < 6 else ''})"


_IPV4: Final = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_IPV6: Final = "|".join(
    [f"(?:{_GROUP}:){{6}}(?:{_GROUP}:{_GROUP}|{_IPV4})", *map(_shorten, range(8))]
)
URL: Final = (
    rf"^[Hh][Tt][Tt][Pp][Ss]?://(?:{_IPV4}|{_NAMED}|\[(?:{_IPV6})\]){_PORT}(?:[/?]{_REST})?{_END}"
)
