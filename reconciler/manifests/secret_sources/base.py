"""What a secret source is: the Protocol that each module of this folder meets, and its types.

`secrets.py` calls the sources through the table in `__init__.py`. `find_place` checks the right to
a reference, `fetch` gets the values, once per run (`fetch_cache.py`), and `pick` takes one out.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")
SIZE: Final = 64 * 1024  # bytes of a value; an item with several values may have 16 times as many
Item = tuple[str, ...]


class Forbidden(Exception):
    """A reference that a manifest has no right to; its text is the reason."""


class Unresolved(Exception):
    """A reference that does not resolve: the reason, and how to fix it. Neither holds a value or
    the output of a tool.
    """

    def __init__(self, reason: str, fix: str = "set it, then run again") -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


class SourceDown(Unresolved):
    """The source itself cannot be reached: no reference of this run to it resolves."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is: `item` is fetched as a whole, `part` is taken out of it.

    Two references to one place are equal, however they are written. The Tenant's patterns are
    matched against `subject`.
    """

    source: str
    item: Item
    part: str | None = None
    subject: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Login:
    """How to log in. `places` are the places of its credentials, by field. An empty field has
    Vault's own default.
    """

    method: str
    mount: str = ""
    role: str = ""
    audience: str = ""
    places: tuple[tuple[str, Place], ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Access:
    """What a run gives its sources: its environment, the seconds that one request or process may
    take, and permissions.

    `hidden_variables` are not passed to processes that a manifest starts. `ca_file` holds further
    certificate authorities. `vault` is the Tenant's login at the Vault. `sessions` keeps logins for
    the whole run. `cluster` holds the values of Kubernetes Secrets by name and key, None outside of
    the operator.
    """

    env: Mapping[str, str] = field(repr=False)
    timeout: float = 30.0
    secrets_dir: str | None = None
    allow_command: bool = False
    hidden_variables: frozenset[str] = frozenset()
    ca_file: str | None = None
    vault: Login | None = None
    sessions: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    cluster: Mapping[tuple[str, str], str | None] | None = field(default=None, repr=False)


class Source(Protocol):
    """One kind of reference, by its key such as `fromEnv`."""

    @property
    def LIST_NAME(self) -> str | None:  # noqa: N802  a constant of each module
        """The list of patterns under the Tenant's `spec.secrets` that references must match; None
        if the source has no list.
        """

    @property
    def ALLOWED_BY_DEFAULT(self) -> bool:  # noqa: N802  a constant of each module
        """Whether a Tenant without that list allows every reference; else it allows none."""

    def find_place(self, value: Any, folder: str, access: Access) -> Place:
        """The place of a reference in a manifest of that folder; fetches nothing. Raises
        Forbidden.
        """

    def fetch(self, item: Item, access: Access) -> Any:
        """The contents of the item; raises Unresolved, SourceDown."""

    def pick(self, fetched: Any, place: Place) -> str:
        """The value itself; raises Unresolved."""


def show_reference(source: str, value: Any) -> str:
    """A reference as outputs show it: as YAML. A command shows its program only, since an argument
    may be a credential.
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


def pick_whole(data: Any, _place: Place) -> str:
    """`pick` of a source whose items are values: the text without its one trailing newline."""
    if len(data) > SIZE:
        raise Unresolved("it has over 64 KiB")
    try:
        text: str = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unresolved("it is not UTF-8 text") from None
    return (
        text.removesuffix("\n").removesuffix("\r")
        if text.endswith("\r\n")
        else text.removesuffix("\n")
    )


def get_text(values: Mapping[str, Any], name: str) -> str:
    """A field that holds text; raises Unresolved. Nothing is converted: 012 and yes are not
    text.
    """
    if name not in values:
        raise Unresolved(
            f"there is no {json.dumps(name)} in it", "correct the reference, or add the field there"
        )
    value = values[name]
    if not isinstance(value, str):
        raise Unresolved(
            f"{json.dumps(name)} is not text there",
            "store it as text: in quotes, if it looks like a number",
        )
    if not value:
        raise Unresolved(f"{json.dumps(name)} is empty there")
    return value


def run_within(seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`, which may raise; TimeoutError if it takes longer, whatever it waits
    for.

    It runs in a thread, which is then abandoned: socket timeouts do not limit an answer that
    arrives slowly.
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
    return answer  # type: ignore[return-value]  # None only if work returned it
