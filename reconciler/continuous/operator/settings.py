"""How an operator runs, as plain values."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.continuous.operator.shards import LeaseSettings
from reconciler.continuous.operator.watch.events import Login
from reconciler.continuous.run import Settings as RunSettings
from reconciler.manifests import SecretLookup
from reconciler.net.listening import Place


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OperatorSettings:
    """`namespaces` are those that are watched, all if empty. `leases` has the operator's own
    namespace. `resync` is the number of seconds between two listings of everything, for what a
    watch missed; `settle` the number in which changes are taken together.
    """

    run: RunSettings
    place: Place
    leases: LeaseSettings
    lookup: SecretLookup
    login: Login
    namespaces: tuple[str, ...] = ()
    workers: int = 10
    grace: float = 30.0
    settle: float = 2.0
    resync: float = 600.0
    clock: Callable[[], float] = time.monotonic
    spread: Callable[[], float] = lambda: random.uniform(-1.0, 1.0)  # noqa: S311  no secret
