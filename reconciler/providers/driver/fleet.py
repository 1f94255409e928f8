"""Many repositories or projects of one product as one provider: a driver for each scope, over one
client.

A webhook of a scope has the id `acme/api#4243` here, and its key and name end in `@acme/api`; the
drivers know nothing of that. A scope that cannot be read fails alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from reconciler.core.errors import (
    BadAnswer,
    Interrupted,
    ProviderError,
    Rejected,
    Unauthorized,
    Unreachable,
)
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.scopes import (
    ScopeFailure,
    Scopes,
    add_scope,
    remove_scope,
    split_key,
)
from reconciler.core.model.webhook import Declared, Live, Owner, Subscription, Use, Webhook
from reconciler.core.results.reports import Delivery
from reconciler.providers.driver.compare import normalize_spec
from reconciler.providers.driver.driver import Driver
from reconciler.providers.http.client import Client

MAX_SCOPES: Final = 20_000
_ID: Final = "#"  # between the scope and the product's own id


class Fleet:
    """`find_scopes` asks the product which scopes the Tenant means, `open_scope` makes the driver
    of one.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        http: Client,
        find_scopes: Callable[[], Awaitable[Sequence[str]]],
        open_scope: Callable[[str], Driver],
    ) -> None:
        self.capabilities, self._http = capabilities, http
        self._find_scopes, self._open = find_scopes, open_scope
        self._drivers: dict[str, Driver] = {}
        self._done = 0
        self.scopes = Scopes(capabilities.scopes, ())

    @property
    def storage_full(self) -> bool:
        """Whether the product answered that it has no room."""
        return self._http.storage_full

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the last listing found worth a warning, with the scope."""
        return tuple(
            f"{scope}: {warning}"
            for scope, driver in self._drivers.items()
            for warning in driver.warnings
        )

    @property
    def progress(self) -> tuple[int, int]:
        """How many scopes the listing has read, and of how many."""
        return self._done, len(self._drivers)

    def stop(self) -> None:
        """Ends every wait for another try; requests that are under way go on."""
        self._http.stop()

    def normalize(self, spec: Webhook) -> Webhook:
        """What the product holds for that spec."""
        return normalize_spec(self.capabilities, spec)

    async def list(self) -> tuple[Live, ...]:
        """Every webhook of every scope. `scopes` says afterwards which could not be read.

        Raises ProviderError if the scopes cannot be found, if none of them can be read, or if the
        reason holds for all of them.
        """
        names = _drop_repeated(await self._find_scopes())
        if len(names) > MAX_SCOPES:
            noun = self.capabilities.scopes
            raise BadAnswer(f"the target means {len(names):,} {noun}, over {MAX_SCOPES:,}")
        self._drivers = {name: self._drivers.get(name) or self._open(name) for name in names}
        self._done = 0
        listing = _Listing(self._drivers, self._count)
        await listing.run(self._http.parallelism)
        failures = tuple(
            ScopeFailure(scope, error.kind, str(error))
            for scope, error in sorted(listing.errors.items())
        )
        allowance = self._http.allowance
        self.scopes = Scopes(self.capabilities.scopes, tuple(names), failures, allowance)
        return tuple(
            _place(live, scope)
            for scope in self.scopes.readable
            for live in listing.webhooks[scope]
        )

    def _count(self) -> None:
        self._done += 1

    async def find_use(self, live: Live) -> Use | None:
        """Its deliveries of the last 24 hours, by the log of its scope."""
        return await self._driver(live.scope, live.spec.name).find_use(_take_out_live(live))

    async def create(self, declared: Declared, owner: Owner, *, idempotency_key: str) -> Live:
        """Creates a webhook in its scope."""
        scope = split_key(declared.key)[1]
        driver = self._driver(scope, declared.key)
        bare = _take_out(declared, scope)
        return _place(await driver.create(bare, owner, idempotency_key=idempotency_key), scope)

    async def update(self, live: Live, declared: Declared, owner: Owner) -> Live:
        """Makes a webhook as declared, in its scope."""
        scope = live.scope
        driver, bare = self._driver(scope, declared.key), _take_out(declared, scope)
        return _place(await driver.update(_take_out_live(live), bare, owner), scope)

    async def delete(self, live: Live) -> None:
        """Deletes a webhook of its scope."""
        await self._driver(live.scope, live.spec.name).delete(_take_out_live(live))

    async def test(self, spec: Webhook, live: Live | None, event: Subscription) -> Delivery:
        """One test delivery of what is saved in the scope that the name ends in."""
        scope = live.scope if live is not None else spec.name.rpartition("@")[2]
        driver = self._driver(scope, spec.name)
        bare = replace(spec, name=remove_scope(spec.name, scope))
        saved = _take_out_live(live) if live is not None else None
        return replace(await driver.test(bare, saved, event), webhook=spec.name)

    def _driver(self, scope: str, name: str) -> Driver:
        driver = self._drivers.get(scope)
        if driver is None:
            raise Rejected(f"{name}: it is in none of the {self.capabilities.scopes} of the Tenant")
        return driver


class _Listing:
    """One listing of all scopes: what each has, or why it could not be read."""

    def __init__(self, drivers: dict[str, Driver], count: Callable[[], None]) -> None:
        self._open, self._count = list(reversed(drivers.items())), count
        self.webhooks: dict[str, tuple[Live, ...]] = {}
        self.errors: dict[str, ProviderError] = {}

    async def run(self, workers: int) -> None:
        """Reads them, so many at once. Raises what holds for all of them."""
        async with asyncio.TaskGroup() as group:
            for _ in range(min(workers, len(self._open))):
                group.create_task(self._work())
        fatal = next(filter(_is_fatal, self.errors.values()), None)
        if fatal is None and self.errors and not self.webhooks:
            fatal = next(iter(self.errors.values()))
        if fatal is not None:
            raise fatal

    async def _work(self) -> None:
        while self._open:
            scope, driver = self._open.pop()
            try:
                self.webhooks[scope] = await driver.list()
            except ProviderError as error:
                self.errors[scope] = error
                if _is_fatal(error):
                    self._open.clear()
            self._count()


def _drop_repeated(names: Iterable[str]) -> list[str]:
    """Each name once, sorted: to these products upper and lower case are equal, and a repository
    that is taken for two would get every webhook twice.
    """
    once: dict[str, str] = {}
    for name in names:
        once.setdefault(name.lower(), name)
    return sorted(once.values())


def _is_fatal(error: ProviderError) -> bool:
    """Whether no other scope can do better."""
    is_refused = isinstance(error, Unauthorized) and not error.object_only
    return is_refused or isinstance(error, Interrupted | Unreachable)


def _place(live: Live, scope: str) -> Live:
    """A webhook of a scope as plans see it."""
    mark = live.managed_by
    return replace(
        live,
        id=f"{scope}{_ID}{live.id}",
        scope=scope,
        spec=replace(live.spec, name=add_scope(live.spec.name, scope)),
        managed_by=None if mark is None else replace(mark, key=add_scope(mark.key, scope)),
    )


def _take_out_live(live: Live) -> Live:
    """The webhook as its driver listed it."""
    scope, mark = live.scope, live.managed_by
    return replace(
        live,
        id=live.id.removeprefix(f"{scope}{_ID}"),
        scope="",
        spec=replace(live.spec, name=remove_scope(live.spec.name, scope)),
        managed_by=None if mark is None else replace(mark, key=remove_scope(mark.key, scope)),
    )


def _take_out(declared: Declared, scope: str) -> Declared:
    """The declared webhook as the driver of a scope gets it."""
    spec = replace(declared.spec, name=remove_scope(declared.spec.name, scope))
    return replace(declared, key=remove_scope(declared.key, scope), spec=spec)
