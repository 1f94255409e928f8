"""A provider over a product's six calls.

The product stores less than this project's own tenant, so the driver keeps the mark, notices what
somebody else changed by reading before each write, and compares after it. What a request is and
when it is repeated is the client's.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from reconciler.core.errors import BadAnswer, Conflict, ProviderError, Rejected
from reconciler.core.model.auth import (
    get_credential,
    with_credential,
)
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.options import list_secrets
from reconciler.core.model.secret import Withheld
from reconciler.core.model.webhook import (
    Declared,
    Live,
    Owner,
    Subscription,
    Use,
    Webhook,
)
from reconciler.core.results.reports import Delivery
from reconciler.providers.driver.compare import (
    find_differences,
    find_writes,
    make_fingerprint,
    normalize_spec,
)
from reconciler.providers.driver.creation import create_once
from reconciler.providers.driver.delivery_log import find_use
from reconciler.providers.driver.display import make_shown_spec
from reconciler.providers.driver.ledger import Book, Entry, Ledger, find_mark, make_entry
from reconciler.providers.driver.marks import (
    add_mark,
    add_versions,
    find_auth,
    make_mark,
    make_retired_mark,
    take_mark,
)
from reconciler.providers.driver.saved_webhooks import SavedWebhooks
from reconciler.providers.http.client import Client
from reconciler.providers.moved import make_changed_conflict, make_deleted_conflict
from reconciler.providers.plugin import Held, Session

MAX_WEBHOOKS: Final = 200_000  # of one listing; more is taken for a listing that never ends


class Driver:
    """`session` is the product, `http` the client under it, which the caller opens and closes;
    `ledger` keeps the marks where the capabilities say so.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        session: Session,
        http: Client,
        ledger: Ledger | None = None,
    ) -> None:
        self.capabilities, self._session, self._http = capabilities, session, http
        self._book = Book(ledger) if ledger is not None else None
        self._entries: dict[str, Entry] = {}
        self._unread_ledgers: list[str] = []
        self._warnings: list[str] = []
        self._known: set[str] | None = None  # ids of the last listing and of what was created since
        self._saved = SavedWebhooks(self.list)

    @property
    def storage_full(self) -> bool:
        """Whether the product answered that it has no room."""
        return self._http.storage_full

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the last listing found worth a warning."""
        return tuple(self._warnings)

    def stop(self) -> None:
        """Ends every wait for another try; requests that are under way go on."""
        self._http.stop()

    def normalize(self, spec: Webhook) -> Webhook:
        """What the product holds for that spec: implied events, the defaults of options, and a
        credential as its version.
        """
        return normalize_spec(self.capabilities, spec)

    async def list(self) -> tuple[Live, ...]:
        """Every webhook, each once; raises BadAnswer for one that comes twice or never ends."""
        by_id: dict[str, Live] = {}
        self._warnings.clear()
        if self._book is not None:
            self._entries, self._unread_ledgers = await self._book.read()
            self._warnings += self._unread_ledgers
        async for page in self._session.held():
            for item in page:
                if item.id in by_id or len(by_id) == MAX_WEBHOOKS:
                    raise BadAnswer(
                        f"the product lists the webhook {item.id} twice"
                        if item.id in by_id
                        else f"the product lists over {MAX_WEBHOOKS:,} webhooks"
                    )
                by_id[item.id] = live = self._live(item)
                if item.health:
                    self._warnings.append(f"{live.spec.name} (id {item.id}): {item.health}")
        self._known = set(by_id)
        return tuple(by_id.values())

    async def find_use(self, live: Live) -> Use | None:
        """Its deliveries of the last 24 hours, by the product's log."""
        return await find_use(self._session, live)

    def _live(self, held: Held) -> Live:
        """A webhook of the product as plans see it; its mark is taken out of the description."""
        description, mark, damaged = take_mark(self.capabilities, held)
        if self._book is not None:
            mark = find_mark(self._entries.get(held.id), held)
        if damaged:
            self._warnings.append(
                f"{held.spec.name} (id {held.id}): its mark cannot be read, so it counts as "
                "unowned; --adopt takes it"
            )
        spec = make_shown_spec(self.capabilities, held, mark)
        auth = find_auth(self.capabilities, held.spec.auth, mark)
        if get_credential(auth) is not None:
            auth = with_credential(auth, Withheld(mark.version if mark is not None else None))
        return Live(
            self.normalize(
                replace(
                    spec,
                    description=description,
                    auth=auth,
                    options=add_versions(spec.options, mark),
                )
            ),
            held.id,
            make_fingerprint(held),
            mark.managed_by if mark is not None else None,
            mark.protected if mark is not None else False,
            held.use if self.capabilities.usage == "listing" else None,
        )

    def _marked(
        self, declared: Declared, owner: Owner, before: Live | None, held: Held | None = None
    ) -> Webhook:
        """What is written: the declared spec, with its mark where the product has room for it."""
        spec = self._complete(declared.spec, before)
        mark = make_mark(self.capabilities, spec, declared, owner, before)
        return add_mark(self.capabilities, spec, mark, held.metadata if held is not None else {})

    def _complete(self, spec: Webhook, before: Live | None) -> Webhook:
        """The spec with everything that the product adds, and `enabled` decided."""
        enabled = spec.enabled
        if enabled is None:
            enabled = before.spec.enabled if before is not None else True
        normal = self.normalize(spec)
        options = {**normal.options, **list_secrets(spec.options)}
        return replace(spec, enabled=enabled, subscriptions=normal.subscriptions, options=options)

    async def create(self, declared: Declared, owner: Owner, *, idempotency_key: str) -> Live:
        """Creates the webhook once; after a lost answer it looks for it among what is new."""
        want = self._marked(declared, owner, None)
        held = await self._create(want, idempotency_key)
        return await self._noted(held, self._checked(held, want), declared, owner, None)

    async def _create(self, want: Webhook, key: str, former: Held | None = None) -> Held:
        if self._known is None:
            await self.list()
        known = self._known or ()
        held = await create_once(self._session, want, key, known, self.capabilities, former)
        if self._known is not None:
            self._known.add(held.id)
        return held

    async def _noted(
        self, held: Held, live: Live, declared: Declared, owner: Owner, before: Live | None
    ) -> Live:
        """The webhook with its mark in the ledger, if the product has one."""
        if self._book is None:
            return live
        spec = self._complete(declared.spec, before)
        mark = make_mark(self.capabilities, spec, declared, owner, before)
        entry = make_entry(mark, held)
        await self._book.note(owner.name, held.id, entry)
        self._entries[held.id] = entry
        return self._live(held)

    def _checked(self, held: Held, want: Webhook) -> Live:
        """What the product holds after a write; raises BadAnswer if it is something else."""
        wrong = find_differences(held, want, self.capabilities)
        if wrong:
            raise BadAnswer(f"{want.name}: the product holds something else: {', '.join(wrong)}")
        return self._live(held)

    async def update(self, live: Live, declared: Declared, owner: Owner) -> Live:
        """Writes only what differs, if nothing moved since the plan; raises Conflict if it did."""
        held = await self._current(live)
        if held is None:
            raise make_deleted_conflict(live)
        want = self._marked(declared, owner, live, held)
        if not held.spec.name and want.name == make_shown_spec(self.capabilities, held, None).name:
            want = replace(want, name="")  # it was shown under this name, and has none
        changed = find_writes(live, held, want, self.capabilities)
        after: Held | None = held
        if "auth" in changed and not self.capabilities.secrets.rotatable:
            return await self._replace(held, want, declared, owner, live)
        if changed:
            await self._session.update(held, want, frozenset(changed))
            after = await self._session.get(live.id)
        if after is None:
            raise make_deleted_conflict(live)
        return await self._noted(after, self._checked(after, want), declared, owner, live)

    async def _replace(
        self, held: Held, want: Webhook, declared: Declared, owner: Owner, live: Live
    ) -> Live:
        """Makes a webhook with the new credential, notes it, then deletes the old one: no event is
        lost.

        The old one is retired first. If the run ends in between, the next plan deletes it, or says
        that two webhooks could be meant.
        """
        former = self._entries.get(held.id)
        if self._book is not None:
            mark = make_retired_mark(self.capabilities, declared, owner, live)
            await self._book.note(owner.name, held.id, make_entry(mark, held))
        new: Held | None = None
        try:
            new = await self._create(want, live.revision, held)
            written = await self._noted(new, self._checked(new, want), declared, owner, live)
        except ProviderError as error:
            if new is not None or not error.temporary:  # else it may have been made all the same
                await self._undo(new, held, former, owner)
            raise
        await self._session.delete(held)
        if self._book is not None:
            await self._book.note(owner.name, held.id, None)
        return written

    async def _undo(self, new: Held | None, held: Held, former: Entry | None, owner: Owner) -> None:
        """Leaves the old webhook as it was, with its mark, as far as the product lets us."""
        with suppress(ProviderError):
            if new is not None:
                await self._session.delete(new)
            if self._book is not None:
                name = owner.name if former is None else former.mark.managed_by.owner
                await self._book.note(name, held.id, former)

    async def _current(self, live: Live) -> Held | None:
        """The webhook as it is now; raises Conflict if it is not as planned."""
        held = await self._session.get(live.id)
        if held is None:
            return None
        if self._book is not None:  # the mark is no part of the revision
            self._entries, self._unread_ledgers = await self._book.read()
        now = self._live(held)
        is_same_mark = (now.managed_by, now.protected) == (live.managed_by, live.protected)
        is_same_mark = is_same_mark or self.capabilities.mark == "none"  # the plan's own is in it
        if make_fingerprint(held) != live.revision or not is_same_mark:
            raise make_changed_conflict(live, now)
        return held

    async def delete(self, live: Live) -> None:
        """Deletes it if nothing moved since the plan; what is gone counts as deleted."""
        held = await self._current(live)
        if held is None:
            return
        if live.protected:
            message = f"{live.spec.name}: it is protected; lift the protection first"
            raise Conflict(message, ("protected",), problem="protected")
        if live.managed_by is None and self._unread_ledgers:
            raise Conflict(f"{live.spec.name}: {self._unread_ledgers[0]}", ("managed_by",))
        await self._session.delete(held)
        if self._book is not None and live.managed_by is not None:
            await self._book.note(live.managed_by.owner, live.id, None)

    async def test(self, spec: Webhook, live: Live | None, event: Subscription) -> Delivery:
        """One test delivery of what is saved, for products that can; raises Rejected otherwise."""
        if self.capabilities.test != "saved":
            raise Rejected(f"{spec.name}: this product has no test call; use --via probe")
        ident = live.id if live is not None else await self._saved.find_id(spec)
        held = await self._session.get(ident)
        if held is None:
            raise Rejected(f"{spec.name}: it is not saved there; reconcile first")
        return await self._session.test(held, spec, event)
