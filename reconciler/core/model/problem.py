"""A fault in a manifest, with its position and its fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.core.model.webhook import Origin

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault. `rule` is a stable id such as `schema/enum`; `message` never quotes a possible
    credential.

    `pointer` is a JSON pointer within the document ("" for the document itself); `hint` says how to
    fix it, None if the message is enough; `excerpt` is a source line and a caret below it, safe to
    print. Problems sort by file, line and column.
    """

    origin: Origin
    pointer: str
    rule: str
    severity: Severity
    message: str
    hint: str | None = None
    excerpt: str | None = None
