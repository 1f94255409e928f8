"""The source line of a syntax error with a caret below it, without what may be a credential.

A line is shown as it stands only if each of its keys holds no secret. Else its keys and signs stay,
and each other text is `…`: where the parser stopped, nobody knows yet what a text belongs to.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.core.model.credential_shape import is_issued, is_random
from reconciler.manifests.schema_texts import field_names
from reconciler.manifests.yaml.places import File

_WIDTH: Final = 100  # characters
_KEY: Final = re.compile(
    r"(?:^\s*(?:- +)*|[{,]\s*)[\"']?([A-Za-z]+)[\"']?\s*:(?=\s|$)"
)  # a word and a colon elsewhere is text
_TEXT: Final = re.compile(r"(?!-(?:\s|$))[^\s{}\[\],:&*#?|<>=!%@`\"']+")
# Keys whose values are for people, or select. Of the others a value may be a credential, or a url
# that carries one.
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


def excerpt(file: File, index: int) -> str:
    """The line of a character offset, and on a second line a caret below that character."""
    text = file.text
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    ends = [end for end in (text.find("\n", start), text.find("\r", start)) if end >= 0]
    line = text[start : min(ends, default=len(text))]
    before, after = line[: index - start], line[index - start :]
    if not _is_public(line):
        before, after = _masked(before), _masked(after)
    before, after = before.expandtabs(1), after.expandtabs(1).rstrip()
    cut = max(0, len(before) - _WIDTH // 2)
    shown = f"{'…' if cut else ''}{before[cut:]}{after}"
    caret = " " * (len(before) - cut + bool(cut)) + "^"
    return f"{shown if len(shown) <= _WIDTH else shown[: _WIDTH - 1] + '…'}\n{caret}"


def _is_public(line: str) -> bool:
    """Whether a line begins with a key, each of its keys holds no secret, and no text has the shape
    of a credential.
    """
    keys = _KEY.findall(line)
    if not _KEY.match(line) or not set(keys) <= _PUBLIC:
        return False
    return not any(is_issued(text) or is_random(text) for text in (line, *line.split()))


def _masked(part: str) -> str:
    """Known names of fields and the signs between texts."""
    return re.sub(
        "…[^\\S\\n]…",
        "…",
        _TEXT.sub(lambda found: found[0] if found[0] in field_names() else "…", part),
    )
