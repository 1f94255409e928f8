"""What a write is to do, decided by those who ask for it and carried out by the store in one
transaction.

The functions in here are called inside the transaction. They get values and return values; one that
raises leaves the file as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.values.draft import Draft
from reconciler.tenant.store.values.idempotency import Use
from reconciler.tenant.store.values.webhook import StoredWebhook

# gets the webhook as it is, None where there is none, and returns it; raises to refuse the write
Check = Callable[[StoredWebhook | None], StoredWebhook]


@dataclass(frozen=True, slots=True)
class Creation:
    """A webhook to create: `name` has to be free; `make` is called once nothing refuses it.

    `fault` is raised where nothing else refuses the write. `use` of an Idempotency-Key returns what
    the key made before. `draft` is discarded.
    """

    name: str | None
    make: Callable[[], StoredWebhook]
    fault: Refusal | None = None
    use: Use | None = None
    draft: Draft | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a webhook: `check` refuses it first; `name`, where it has one, has to be free.

    `make` returns the webhook afterwards, or the same one where nothing changes. `fault` and
    `draft` as in a Creation.
    """

    check: Check
    make: Callable[[StoredWebhook], StoredWebhook]
    name: str | None = None
    fault: Refusal | None = None
    draft: Draft | None = None
