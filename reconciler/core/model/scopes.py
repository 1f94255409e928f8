"""The scopes of a fleet: the repositories or projects that one Tenant manages together.

A webhook that goes to many scopes is planned once for each. There it has the key `ci@acme/api`: the
key in Git, then the scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

_SIGN: Final = "@"  # no metadata.name has one


@dataclass(frozen=True, slots=True)
class Selector:
    """Which scopes: those whose name matches one of `match` and none of `exclude`.

    A pattern without a slash is compared with the last part of a name (`svc-*`), another one with
    the whole name (`acme/svc-*`); upper and lower case are equal.
    """

    match: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def includes(self, scope: str) -> bool:
        """Whether it selects a scope."""
        return _matches(scope, self.match) and not _matches(scope, self.exclude)


@dataclass(frozen=True, slots=True)
class ScopeFailure:
    """A scope that could not be read: why, and the kind of the error."""

    scope: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests a product lets us make until `reset`, in epoch seconds."""

    left: int
    reset: int


@dataclass(frozen=True, slots=True)
class Scopes:
    """What one listing saw of a fleet: its scopes by name, and those among them that could not be
    read. `noun` is what the product calls them, in the plural; `allowance` is what it allows
    afterwards, if it tells.
    """

    noun: str
    found: tuple[str, ...]
    failures: tuple[ScopeFailure, ...] = ()
    allowance: Allowance | None = field(default=None, compare=False)

    @property
    def readable(self) -> tuple[str, ...]:
        """The scopes that were read."""
        failed = {failure.scope for failure in self.failures}
        return tuple(scope for scope in self.found if scope not in failed)


def _matches(scope: str, patterns: Iterable[str]) -> bool:
    name = scope.lower()
    last = name.rpartition("/")[2]
    return any(
        fnmatchcase(name if "/" in pattern else last, pattern.lower()) for pattern in patterns
    )


def make_selector(value: Mapping[str, Any]) -> Selector:
    """The selector of `match` and `exclude`, each a pattern or a list of them."""
    return Selector(
        _make_patterns(value.get("match", "*")), _make_patterns(value.get("exclude", ()))
    )


def _make_patterns(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def add_scope(text: str, scope: str) -> str:
    """A key or a name in a scope: `ci@acme/api`."""
    return f"{text}{_SIGN}{scope}" if scope else text


def remove_scope(text: str, scope: str) -> str:
    """The key or the name that `add_scope` was given."""
    return text.removesuffix(f"{_SIGN}{scope}") if scope else text


def split_key(key: str) -> tuple[str, str]:
    """The key in Git, and the scope; "" for a webhook of no fleet."""
    name, _, scope = key.partition(_SIGN)
    return name, scope


def get_git_key(key: str) -> str:
    """The key in Git."""
    return split_key(key)[0]
