"""Makes foreign text harmless: what a tenant or a manifest says can neither steer a terminal nor
break out of Markdown.

Called by the other renderers for every text that is not their own. JSON is made safe in
`document.to_json`.
"""

from __future__ import annotations

import re
from typing import Final

_KEPT_SPACES: Final = frozenset("\u00a0\u3000")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}

# A code span is inert apart from backticks; what looks like HTML, mentions, references, links or
# tables is written in entities on top of that, so that it stays inert for renderers that look at
# the text again after Markdown did.
_PLAIN_CODE: Final = re.compile(
    r"[^\s<>&@#|`\\\[\]*~!](?:[^<>&@#|`\\\[\]*~!]*[^\s<>&@#|`\\\[\]*~!])?"
)
_PLAIN_PROSE: Final = re.compile(r"[^\W_](?:[^\W_]|[ ,.;:%()'\"/…–-])*")
_AUTOLINK: Final = re.compile(r"://|www\.|gh-\d|mailto:|xmpp:", re.IGNORECASE)
_MARKUP: Final = re.compile(r"[<>&@#|`\\\[\]()*_~!$\"':.{}^=+-]")
_MARKER: Final = re.compile(r"[^A-Za-z0-9._:/-]")


def _visible(char: str) -> str:
    if char.isprintable() or char in _KEPT_SPACES:
        return char
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def terminal(text: str) -> str:
    r"""One line with no power over a terminal: control, bidi and invisible characters as escapes
    (`\n`, `\e`, `\u202e`).
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def code(text: str) -> str:
    """Foreign text as Markdown code, on one line: never markup, HTML, a mention, a reference, a
    link or a table cell's end.
    """
    line = terminal(text)
    if _PLAIN_CODE.fullmatch(line):
        return f"`{line}`"
    if not line.strip():
        return f"<code>&quot;{line}&quot;</code>"
    return f"<code>{_MARKUP.sub(_entity, line)}</code>"


def prose(text: str) -> str:
    """A sentence that may hold foreign text: as it is where every character is harmless, else as
    `code`.
    """
    line = terminal(text)
    if _PLAIN_PROSE.fullmatch(line) and not _AUTOLINK.search(line):
        return line
    return code(line)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def marker(text: str) -> str:
    """Text for a hidden HTML comment: percent-encoded so that it holds no space and cannot end the
    comment; one to one.
    """
    return _MARKER.sub(_percent, text).replace("--", "-%2D")
