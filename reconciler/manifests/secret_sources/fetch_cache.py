"""Every item is fetched once per run, successful or not. A source that is down is not asked
again.
"""

from __future__ import annotations

from typing import Any

from reconciler.manifests.secret_sources.base import Access, Place, Source, SourceDown, Unresolved


class FetchCache:
    """The results of the sources in one run, and their logins. `load` makes it; it lives as long as
    one loading.
    """

    __slots__ = ("_results", "sessions")

    def __init__(self) -> None:
        self._results: dict[tuple[Any, ...], Any] = {}
        self.sessions: dict[Any, Any] = {}

    @property
    def sources(self) -> frozenset[str]:
        """The sources that were asked."""
        return frozenset(key[0] for key in self._results)

    def get(self, source: Source, place: Place, access: Access) -> str:
        """The value at a place; raises Unresolved."""
        source_key, key = (place.source, access.vault), (place.source, access.vault, *place.item)
        if source_key not in self._results and key not in self._results:
            try:
                self._results[key] = source.fetch(place.item, access)
            except SourceDown as error:
                self._results[source_key] = error
            except Unresolved as error:
                self._results[key] = error
        result = self._results.get(source_key, self._results.get(key))
        if isinstance(result, Unresolved):
            raise result
        return source.pick(result, place)
