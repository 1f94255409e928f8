"""The source line of a syntax error with a caret below it, without possible credentials.

A line is printed unchanged only if none of its keys holds a secret. Else its keys and signs stay,
and each other text becomes `…`: at a syntax error it is not known which key a text belongs to.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.core.model.credential_shape import is_issued, is_random
from reconciler.manifests.schema_texts import all_field_names
from reconciler.manifests.yaml.document import File

_WIDTH: Final = 100  # characters
_KEY: Final = re.compile(
    r"(?:^\s*(?:- +)*|[{,]\s*)[\"']?([A-Za-z]+)[\"']?\s*:(?=\s|$)"
)  # a word and a colon elsewhere is text
_TEXT: Final = re.compile(r"(?!-(?:\s|$))[^\s{}\[\],:&*#?|<>=!%@`\"']+")
# Keys whose values are descriptions or selectors. Values of other keys may be credentials, or urls
# with credentials.
_PUBLIC: Final = frozenset(
    {
        "apiVersion", "kind", "metadata", "name", "labels", "annotations", "spec", "description",
        "enabled",
        "protected", "events", "type", "version", "severity", "previously", "webhook", "selector",
        "matchLabels",
        "provider", "owner", "ownership", "prune", "select", "limits", "deletes", "updates",
        "share",
        "from", "wave", "match", "enforce", "message",
    }
)  # fmt: skip


def make_excerpt(file: File, index: int) -> str:
    """The line of a character offset, and a second line with a caret below that character."""
    text = file.text
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    ends = [end for end in (text.find("\n", start), text.find("\r", start)) if end >= 0]
    line = text[start : min(ends, default=len(text))]
    before, after = line[: index - start], line[index - start :]
    if not _is_public(line):
        before, after = _mask(before), _mask(after)
    before, after = before.expandtabs(1), after.expandtabs(1).rstrip()
    cut = max(0, len(before) - _WIDTH // 2)
    visible = f"{'…' if cut else ''}{before[cut:]}{after}"
    caret = " " * (len(before) - cut + bool(cut)) + "^"
    return f"{visible if len(visible) <= _WIDTH else visible[: _WIDTH - 1] + '…'}\n{caret}"


def _is_public(line: str) -> bool:
    """Whether a line begins with a key, none of its keys holds a secret, and no text looks like a
    credential.
    """
    keys = _KEY.findall(line)
    if not _KEY.match(line) or not set(keys) <= _PUBLIC:
        return False
    return not any(is_issued(text) or is_random(text) for text in (line, *line.split()))


def _mask(part: str) -> str:
    """Replaces every text except known field names."""
    return re.sub(
        "…[^\\S\\n]…",
        "…",
        _TEXT.sub(lambda match: match[0] if match[0] in all_field_names() else "…", part),
    )
