"""What the loop needs of the side that declares: a Git repository, or a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.core.model.schedule import Schedule
from reconciler.core.saved.since import Base
from reconciler.manifests import Manifests


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Desired:
    """What is declared for one Tenant at a revision; `base` is what was declared at the revision
    that was applied last, None if none is known. `tests` holds the keys of
    webhooks whose endpoint is to get a test delivery, each with the text that asks for it.
    """

    manifests: Manifests
    revision: str
    base: Base | None = None
    tests: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """Where the desired state comes from. A failure is an error, never an empty state."""

    @property
    def revision(self) -> str:
        """What `read` reads now, "" if that differs by Tenant or is not known."""
        ...

    @property
    def tenants(self) -> Mapping[str, Schedule]:
        """The schedule of each Tenant, as of the last look."""
        ...

    async def read(self, key: str) -> Desired:
        """What is declared for a Tenant now. Raises ReconcilerError, so that nothing is written."""
        ...

    def note_applied(self, key: str, revision: str) -> None:
        """The Tenant has all that the revision declares. Raises OSError if that cannot be kept."""
        ...
