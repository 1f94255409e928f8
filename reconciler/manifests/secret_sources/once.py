"""Every item is fetched once a run, whatever came of it; a source that is down is not asked
again.
"""

from __future__ import annotations

from typing import Any

from reconciler.manifests.secret_sources.base import Access, Down, Lost, Place, Source


class Once:
    """What the sources of one run have answered, and the logins that they keep.

    Made by `load`; lives as long as one loading.
    """

    __slots__ = ("_got", "sessions")

    def __init__(self) -> None:
        self._got: dict[tuple[Any, ...], Any] = {}
        self.sessions: dict[Any, Any] = {}

    def get(self, source: Source, place: Place, access: Access) -> str:
        """The value at a place; raises Lost."""
        all_of_it, key = (place.source, access.vault), (place.source, access.vault, *place.item)
        if all_of_it not in self._got and key not in self._got:
            try:
                self._got[key] = source.fetch(place.item, access)
            except Down as error:
                self._got[all_of_it] = error
            except Lost as error:
                self._got[key] = error
        got = self._got.get(all_of_it, self._got.get(key))
        if isinstance(got, Lost):
            raise got
        return source.pick(got, place)
