"""What is known of the cluster: every object of our kinds, by namespace and kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reconciler.continuous.operator.objects import Key, Object


@dataclass(slots=True)
class Cache:
    """The newest state of each object. It belongs to one event loop."""

    _namespaces: dict[str, dict[str, dict[str, Object]]] = field(default_factory=dict)

    def find(self, key: Key) -> Object | None:
        """The object, None if there is none."""
        kind, namespace, name = key
        return self._namespaces.get(namespace, {}).get(kind, {}).get(name)

    def list_objects(self, namespace: str, kind: str) -> list[Object]:
        """The objects of a kind in a namespace, by name."""
        found = self._namespaces.get(namespace, {}).get(kind, {})
        return [found[name] for name in sorted(found)]

    def list_kind(self, kind: str) -> Iterator[Object]:
        """The objects of a kind in all namespaces."""
        for namespace in sorted(self._namespaces):
            yield from self.list_objects(namespace, kind)

    def has_kind(self, namespace: str, kind: str) -> bool:
        """Whether a namespace has an object of that kind."""
        return bool(self._namespaces.get(namespace, {}).get(kind))

    def list_namespaces(self) -> list[str]:
        """The namespaces with objects."""
        return sorted(filter(None, self._namespaces))

    def put(self, item: Object) -> bool:
        """Takes an object; whether a run would see a difference. An older state is ignored."""
        old = self.find(item.key)
        if old is not None and old.uid == item.uid and _is_older(item.version, old.version):
            return False
        kinds = self._namespaces.setdefault(item.namespace, {})
        kinds.setdefault(item.kind, {})[item.name] = item
        return old is None or not old.is_same(item)

    def remove(self, key: Key, uid: str) -> bool:
        """Forgets an object that is gone; whether it was known."""
        old = self.find(key)
        if old is None or old.uid != uid:
            return False
        kind, namespace, name = key
        kinds = self._namespaces[namespace]
        del kinds[kind][name]
        if not any(kinds.values()):
            del self._namespaces[namespace]
        return True

    def replace_kind(
        self, kind: str, objects: Iterable[Object], before: frozenset[str]
    ) -> list[Object]:
        """Takes a whole listing of a kind, which a watch may have missed a part of; the objects
        that a run sees differently. Only objects of `before`, known by uid when the listing began,
        can be gone.
        """
        listed = {item.key: item for item in objects}
        changed = [item for item in listed.values() if self.put(item)]
        for old in list(self.list_kind(kind)):
            if old.key not in listed and old.uid in before:
                self.remove(old.key, old.uid)
                changed.append(old)
        return changed


def _is_older(version: str, than: str) -> bool:
    """Whether a resourceVersion is older: they are numbers that grow, at every known server."""
    return version.isdigit() and than.isdigit() and int(version) < int(than)
