"""Which Tenants a list has: a filter by state, a search by name, and pages. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.continuous.page.wording import NEW, PHASES, STATES

ROWS: Final = 100  # Tenants on one page
MAX_NAME: Final = 253  # characters of a Tenant's name
_DIGITS: Final = 6
_SECONDS: Final = range(5, 3601)  # between two reloads

Tenant = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """What a visitor asked for. `state` is a state or a phase, "" for all; `refresh` is the number
    of seconds between two reloads, None for none.
    """

    state: str = ""
    search: str = ""
    page: int = 1
    refresh: int | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether some Tenants may be left out."""
        return bool(self.state or self.search)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list: its `rows`, how many Tenants were found and how many there are, and the
    number of Tenants per state, filtered or not.
    """

    rows: list[Tenant]
    found: int
    everything: int
    page: int
    last: int
    counts: Mapping[str, int]

    @property
    def first_row(self) -> int:
        """The position of the first row among those found, from 1."""
        return (self.page - 1) * ROWS + 1


def read_query(parameters: Mapping[str, str]) -> Query:
    """The query of an address. A value that cannot be used is as if it were absent."""
    state = parameters.get("state", "")
    refresh = _read_number(parameters.get("refresh", ""))
    return Query(
        state if state in STATES or state in PHASES else "",
        parameters.get("search", "").strip()[:MAX_NAME],
        max(1, _read_number(parameters.get("page", ""))),
        refresh if refresh in _SECONDS else None,
    )


def _read_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 0


def get_state(tenant: Tenant) -> str:
    """The state of its last run."""
    run = tenant["last_run"]
    return NEW if run is None else str(run["state"])


def select_tenants(tenants: list[Tenant], query: Query) -> Listing:
    """The page that was asked for, or the last one if there are fewer."""
    search = query.search.casefold()
    found = [
        tenant
        for tenant in tenants
        if query.state in {"", get_state(tenant), tenant["phase"]}
        and search in tenant["name"].casefold()
    ]
    last = max(1, -(-len(found) // ROWS))
    page = min(query.page, last)
    return Listing(
        found[(page - 1) * ROWS : page * ROWS],
        len(found),
        len(tenants),
        page,
        last,
        Counter(map(get_state, tenants)),
    )
