"""What a commit declares for each Tenant, kept while it cannot change: reading a commit costs as
much as all of its files, and a run comes every few minutes.

Values of files, vaults and commands rotate, so a Tenant with a reference to one is read each time.
The variables of the environment stay as they are while the process runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Final

from reconciler.core.errors import InvalidManifests
from reconciler.manifests import Manifests
from reconciler.manifests.secret_sources import FetchCache

_CONSTANT: Final = frozenset({"fromEnv"})
Read = Callable[[FetchCache], Manifests]


@dataclass(slots=True, eq=False, repr=False)
class KnownManifests:
    """The manifests of one commit by Tenant, or why they are invalid. Threads may share it."""

    _found: dict[str, Manifests | InvalidManifests] = field(default_factory=dict)
    _parts: dict[Any, Any] = field(default_factory=dict)  # equal ones of several Tenants
    _lock: Lock = field(default_factory=Lock)

    def get(self, tenant: str) -> Manifests | None:
        """What is known of a Tenant, None if it is not known, or invalid."""
        known = self._found.get(tenant)
        return known if isinstance(known, Manifests) else None

    def find(self, tenant: str, read: Read) -> Manifests:
        """What is known, else what `read` finds; raises what it raises."""
        known = self._found.get(tenant)
        if known is None:
            cache = FetchCache()
            try:
                known = self._slim(read(cache))
            except InvalidManifests as error:
                known = error
            if cache.sources <= _CONSTANT:
                self._found[tenant] = known
        if isinstance(known, InvalidManifests):
            raise known.with_traceback(None)
        return known

    def _slim(self, manifests: Manifests) -> Manifests:
        """Without what no run needs, and with parts that several Tenants share."""
        with self._lock:
            read_files = self._parts.setdefault("read_files", manifests.read_files)
            left_out = tuple(
                self._parts.setdefault(item, item) for item in manifests.selection.left_out
            )
        same_files = read_files == manifests.read_files
        return replace(
            manifests,
            tenants=(),
            parsed_files=(),
            reserved_names=frozenset(),
            tokens=frozenset(),
            event_subscriptions=(),
            read_files=read_files if same_files else manifests.read_files,
            selection=replace(manifests.selection, left_out=left_out),
        )
