"""A fault in a manifest, with the place and the mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.core.model.webhook import Origin

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault. `rule` is a stable id such as `schema/enum`; `message` never quotes what may be a
    credential.

    `pointer` is a JSON pointer within the document ("" for the document itself); `hint` says what
    to do, None where there is nothing to add; `excerpt` is a source line and a caret below it, fit
    to be printed. Problems sort by file, line and column.
    """

    origin: Origin
    pointer: str
    rule: str
    severity: Severity
    message: str
    hint: str | None = None
    excerpt: str | None = None
