"""`fromSecret: {name, key}`: a value of a Kubernetes Secret of the same namespace.

The operator reads the Secrets and gives their values to a run; the command line has none.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.manifests.secret_sources.base import Access, Item, Place, Unresolved

LIST_NAME: Final = None
ALLOWED_BY_DEFAULT: Final = True  # the namespace is the limit
SOURCE: Final = "fromSecret"


def find_place(value: Any, _folder: str, _access: Access) -> Place:
    """The key of that Secret."""
    return Place(SOURCE, (value["name"], value["key"]), subject=value["name"])


def fetch(item: Item, access: Access) -> str:
    """The value among those that the operator read."""
    if access.cluster is None:
        raise Unresolved(
            "only the operator resolves it", "for the command line, use fromEnv: NAME instead"
        )
    name, key = item
    value = access.cluster.get((name, key))
    if not value:
        raise Unresolved(
            f"there is no Secret {name} with a value under {key} in this namespace",
            "create the Secret, or correct the reference",
        )
    return value


def pick(fetched: Any, _place: Place) -> str:
    """The text without its one trailing newline."""
    text: str = fetched
    return text.removesuffix("\n")
