"""What both sides speak of: the webhook a manifest declares and the webhook a tenant holds.

No behaviour beyond small questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.core.model.auth import Auth, NoAuth
from reconciler.core.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.model.scopes import Selector

Steps = tuple[str | int, ...]  # a path into a document, by keys and positions


@dataclass(frozen=True, slots=True)
class Subscription:
    """One selected event; version and severity are None where a tenant has none."""

    type: str
    version: str | None
    severity: str | None

    @property
    def sort_key(self) -> tuple[str, str, str]:
        """Orders subscriptions, absent parts first."""
        return (self.type, self.version or "", self.severity or "")

    def __str__(self) -> str:
        """`type version severity`, as one line of output."""
        return " ".join(part for part in (self.type, self.version, self.severity) if part)


@dataclass(frozen=True, slots=True)
class Webhook:
    """The spec: what a manifest can declare and a tenant can store.

    `url` is text if it stands literally in a manifest, else a Secret (a reference, or a url from
    the tenant). `enabled` of None leaves it to the tenant. `options` are the product's own fields,
    by its names: text, numbers, flags, lists of them, and secrets (`options.py`).
    """

    name: str
    url: str | Secret
    description: str = ""
    enabled: bool | None = True
    auth: Auth = field(default_factory=NoAuth)
    subscriptions: frozenset[Subscription] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where a person has to look: file as given or relative to the current folder, line and column
    from 1.
    """

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        """`file:line:column`, which editors and terminals make clickable."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class ManagedBy:
    """The mark on a live webhook.

    Whose it is, its key in Git, the files it came from, the commit that wrote it, its repository.

    `repository` is `host/path`, None where it is not known.
    """

    owner: str
    key: str
    sources: tuple[str, ...] = ()
    revision: str | None = None
    repository: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner that writes; the commit and the repository that are recorded with what is
    written, None where unknown.
    """

    name: str
    revision: str | None = None
    repository: str | None = None

    def repository_for(self, mark: ManagedBy | None) -> str | None:
        """The repository that a write records over a mark: ours; where ours is unknown, what our
        own mark has already.
        """
        mark_repository = mark.repository if mark is not None and mark.owner == self.name else None
        return self.repository or mark_repository


@dataclass(frozen=True, slots=True)
class Use:
    """Recent invocations of a live webhook, as the tenant counts them over the last 24 hours.
    `at_least` says that there may be more: the tenant's log was not read to its end.
    """

    succeeded: int = 0
    failed: int = 0
    at_least: bool = False

    @property
    def delivered(self) -> str:
        """The deliveries in words."""
        most = "at least " if self.at_least else ""
        return f"delivered {most}{self.succeeded:,} in the last 24 h"


def _nowhere(_path: Steps) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Declared:
    """A spec in Git. `key` is metadata.name; `protected` None leaves it to the tenant.

    `sources` are its files, sorted, relative to the root of `Scope`. `subscription_origins` has the
    position of each subscription, so that a plan can print the file and line of an added one.
    `find_origin` returns the position of a field by its path in the manifest, None if the field
    does not exist or no policy needs positions. `field_origins` has the positions of the spec's
    fields that a patch of the Tenant set or removed, by path. `scopes` says to which scopes of a
    fleet it goes, None for all. `ignored` holds the paths of the spec's fields that are not
    compared: their live values are kept. A `suspended` webhook is left as it is at the tenant.
    """

    spec: Webhook
    key: str
    origin: Origin
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    previously: tuple[str, ...] = ()
    protected: bool | None = None
    sources: tuple[str, ...] = ()
    subscription_origins: Mapping[Subscription, Origin] = field(
        default_factory=dict, compare=False, repr=False
    )
    find_origin: Callable[[Steps], Origin | None] = field(
        default=_nowhere, compare=False, repr=False
    )
    field_origins: Mapping[tuple[str, ...], Origin] = field(
        default_factory=dict, compare=False, repr=False
    )
    scopes: Selector | None = None
    ignored: frozenset[tuple[str, ...]] = frozenset()
    suspended: bool = False

    def patch_of(self, path: tuple[str, ...]) -> Origin | None:
        """Where the patch stands that set that field of the spec, or a part of it; None where none
        did.
        """
        origin = [
            origins
            for origins in self.field_origins
            if origins == path[: len(origins)] or origins[: len(path)] == path
        ]
        return self.field_origins[max(origin, key=len)] if origin else None


@dataclass(frozen=True, slots=True)
class Live:
    """A spec held by the tenant; `revision` is what a conditional write names, `use` is None if it
    is not known how many deliveries there were. `scope` is the part of a fleet that holds it.
    """

    spec: Webhook
    id: str
    revision: str
    managed_by: ManagedBy | None = None
    protected: bool = False
    use: Use | None = Use()
    scope: str = ""
