"""What `doctor` found out about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, how it ended, what was found, and what to do (None where
    nothing is wrong).
    """

    check: str
    status: Level
    message: str
    hint: str | None = None
