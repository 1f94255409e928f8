"""What a source of secrets is: the Protocol that each file of this folder meets as a module, and
the words they share.

`secrets.py` asks them, through the table in `__init__.py`. A reference is a right only as far as
`place` lets it; values are fetched by `fetch`, once a run each (`once.py`), and one is taken out by
`pick`.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")
SIZE: Final = 64 * 1024  # bytes of a value; of what several values come in, 16 times that
Item = tuple[str, ...]


class Forbidden(Exception):
    """A reference to what a manifest has no right to; its text says why."""


class Lost(Exception):
    """A reference that does not resolve: why, and what mends it. Neither is ever a value or a
    tool's own output.
    """

    def __init__(self, why: str, mend: str = "set it, then run again") -> None:
        super().__init__(why)
        self.why = why
        self.mend = mend


class Down(Lost):
    """The source itself cannot be asked: nor would it answer any other reference of this run."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is: `item` is what is fetched as a whole, `part` what is taken out of it.

    Two references to one place are equal, however they are written; `subject` is what the Tenant's
    patterns are held against.
    """

    source: str
    item: Item
    part: str | None = None
    subject: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in; `places` are where its credentials come from, by field; what is "" has Vault's
    own default.
    """

    method: str
    mount: str = ""
    role: str = ""
    audience: str = ""
    places: tuple[tuple[str, Place], ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """What a run gives its sources: its environment, the seconds one request or process may take,
    and what it allows.

    `withheld` are variables that no process started for a manifest gets to see. `ca_file` holds
    further certificate authorities. `vault` is the Tenant's login at the Vault; `sessions` keeps
    logins for all that a run asks.
    """

    env: Mapping[str, str] = field(repr=False)
    timeout: float = 30.0
    secrets_dir: str | None = None
    allow_command: bool = False
    withheld: frozenset[str] = frozenset()
    ca_file: str | None = None
    vault: Login | None = None
    sessions: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)


class Source(Protocol):
    """One kind of reference, by its key such as `fromEnv`."""

    @property
    def LISTED(self) -> str | None:  # noqa: N802  a constant of each module
        """The Tenant's list of patterns under `spec.secrets` that references are held against;
        None: there is none.
        """

    @property
    def OPTIONAL(self) -> bool:  # noqa: N802  likewise
        """Whether a Tenant without that list allows every reference; else it allows none."""

    def place(self, value: Any, folder: str, access: Access) -> Place:
        """Where the value of a reference is that a manifest of that folder makes; fetches nothing.
        Raises Forbidden.
        """

    def fetch(self, item: Item, access: Access) -> Any:
        """What is there; raises Lost, Down."""

    def pick(self, got: Any, place: Place) -> str:
        """The value itself; raises Lost."""


def shown(source: str, value: Any) -> str:
    """How outputs name a reference: as YAML; of a command its program only, since an argument may
    be a credential.
    """
    if isinstance(value, str):
        return f"{source}: {value}"
    if isinstance(value, list):
        return (
            f"{source}: [{json.dumps(value[0])}, …]"
            if len(value) > 1
            else f"{source}: [{json.dumps(value[0])}]"
        )
    return (
        f"{source}: {{{', '.join(f'{name}: {json.dumps(text)}' for name, text in value.items())}}}"
    )


def whole(got: Any, _place: Place) -> str:
    """`pick` of a source whose items are values: taken as text, without its one trailing
    newline.
    """
    if len(got) > SIZE:
        raise Lost("it has over 64 KiB")
    try:
        text: str = got.decode("utf-8")
    except UnicodeDecodeError:
        raise Lost("it is not UTF-8 text") from None
    return (
        text.removesuffix("\n").removesuffix("\r")
        if text.endswith("\r\n")
        else text.removesuffix("\n")
    )


def text_of(values: Mapping[str, Any], name: str) -> str:
    """A field that holds text; raises Lost. Nothing is converted: 012 and yes are no texts."""
    if name not in values:
        raise Lost(
            f"there is no {json.dumps(name)} in it", "correct the reference, or add the field there"
        )
    value = values[name]
    if not isinstance(value, str):
        raise Lost(
            f"{json.dumps(name)} is not text there",
            "store it as text: in quotes, if it looks like a number",
        )
    if not value:
        raise Lost(f"{json.dumps(name)} is empty there")
    return value


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises; TimeoutError if it takes longer, whatever it waits for.

    It runs in a thread of its own, which is then left behind: limits of a socket do not bound an
    answer that trickles.
    """
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:  # noqa: BLE001  raised again below, in the caller's thread
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]  # None only where work returned it
