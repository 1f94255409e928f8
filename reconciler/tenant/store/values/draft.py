"""What was typed into a form of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Draft:
    """A form as it was sent: its texts by field, the webhook it edits (None: a new one) and that
    webhook's revision.

    `sealed` is the typed secret, encrypted for this draft's id and the field of the chosen
    authentication. `tested` is how the test ended that was asked for last, as JSON values.
    """

    id: str
    typed: Mapping[str, str] = field(repr=False)
    webhook: str | None = None
    revision: str = ""
    sealed: bytes | None = field(default=None, repr=False)
    tested: Mapping[str, Any] | None = None
