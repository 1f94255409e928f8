"""A notice that is sent, its kinds, and the result of a run that it is made of. Pure.

A notice leaves for a chat or another system. So it has no secret, and of every url the scheme and
the host only.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from reconciler.core.model.secret import Secret, shown_url

State = Literal["ok", "drift", "refused", "failed"]
Severity = Literal["info", "success", "warning", "failure"]

LINES: Final = 20  # of one notice; the others are counted
LINE_LENGTH: Final = 300  # characters
_HOSTED: Final = frozenset({"http", "https", "ssh", "git"})
_URL: Final = re.compile(r"""([A-Za-z][A-Za-z0-9+.-]*)://[^\s"'<>]*[^\s"'<>.,;:)\]]""")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a notice is about: how bad it is, and its title after the name of the tenant."""

    severity: Severity
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    "drift": Kind("warning", "the tenant differs from Git"),
    "refused": Kind("failure", "the plan was refused"),
    "failed": Kind("failure", "the run failed"),
    "recovered": Kind("success", "recovered"),
    "applied": Kind("info", "changes were applied"),
    "endpoint-disabled": Kind("warning", "the product disabled an endpoint"),
}
"""Every kind of notice."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook that the product disabled or is about to disable; `reason` is a clause, empty if it
    is not known.
    """

    webhook: str
    url: str | Secret
    reason: str = ""

    def __str__(self) -> str:
        """One line, with the host of the url only."""
        url = self.url.shown if isinstance(self.url, Secret) else shown_url(self.url)
        return f"{self.webhook} ({url}){f': {self.reason}' if self.reason else ''}"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one run of one Tenant, which ended at `time` in epoch seconds.

    The texts belong to the states: `drift` has a line per change by hand, `violations` the reasons
    to refuse the plan of `digest`, `problems` why the run failed, with file and line where they are
    in a manifest. `applied` has a line per change that was made. A failed run saw no endpoints.
    """

    tenant: str
    state: State
    time: float
    revision: str = ""
    digest: str = ""
    drift: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    disabled: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. `id` is equal for the same event, however often it is sent; `time` is
    RFC 3339 in UTC; `state` is that of the tenant after the run.
    """

    id: str
    kind: str
    tenant: str
    severity: Severity
    title: str
    lines: tuple[str, ...]
    state: State
    time: str
    revision: str = ""
    digest: str = ""

    @property
    def text(self) -> str:
        """What is below the title, for people."""
        about = [f"revision {self.revision}"] if self.revision else []
        about += [f"plan {self.digest}"] if self.digest else []
        return "\n".join([*self.lines, *([", ".join(about)] if about else [])])


def make_notice(kind: str, result: Result, lines: Iterable[str]) -> Notice:
    """The notice of a result; `lines` are its details."""
    texts = [_make_line(line) for line in lines]
    more = len(texts) - LINES
    shown = (*texts[:LINES], *([f"and {more} more"] if more > 0 else []))
    time = datetime.fromtimestamp(result.time, UTC).isoformat(timespec="milliseconds")
    name, known = _make_line(result.tenant), KINDS[kind]
    facts = [kind, result.tenant, result.revision, result.digest, time, *texts]
    return Notice(
        id=hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32],
        kind=kind,
        tenant=name,
        severity=known.severity,
        title=f"{name}: {known.title}" if name else known.title,
        lines=shown,
        state=result.state,
        time=time.replace("+00:00", "Z"),
        revision=result.revision,
        digest=result.digest,
    )


def _shorten(url: re.Match[str]) -> str:
    """Scheme and host; only the scheme where the host may be a credential, as in urls of chats."""
    return shown_url(url[0]) if url[1].lower() in _HOSTED else f"{url[1]}://…"


def _make_line(text: str) -> str:
    """A text on one line and not too long, with the hosts of its urls only."""
    line = " ".join(_URL.sub(_shorten, text).split())
    return line if len(line) <= LINE_LENGTH else f"{line[: LINE_LENGTH - 1]}…"
