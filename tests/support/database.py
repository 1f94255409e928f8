"""The connections of an open store, for tests that look into its file."""

from __future__ import annotations

from reconciler.tenant.store.database import Database
from reconciler.tenant.store.store import Store


def database_of(store: Store) -> Database:
    return store._database
