"""The marks of products without any field for them: a ledger, one text per owner, in the product.

An entry counts only if the webhook was created when the entry says: a product may give an id again.
A ledger is data that people may edit. What cannot be read makes its webhooks unowned, with a
warning.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from reconciler.core.errors import ProviderError, Rejected
from reconciler.core.model.webhook import ManagedBy
from reconciler.providers.driver.marks import Mark
from reconciler.providers.plugin import Held

_VERSION: Final = 1


class Ledger(Protocol):
    """Where a product keeps the texts of all owners."""

    async def read(self) -> Mapping[str, str]:
        """The text of each owner."""
        ...

    async def write(self, owner: str, text: str) -> None:
        """Replaces the text of one owner. Raises ProviderError, if the product refuses it too."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """The mark of one webhook: when it was created, and the time of our last write."""

    mark: Mark
    created: str
    touched: str


def make_entry(mark: Mark, held: Held) -> Entry:
    """The entry of a webhook as we have just read or written it."""
    return Entry(mark, str(held.created), str(held.touched))


def find_mark(entry: Entry | None, held: Held) -> Mark | None:
    """The mark of a webhook by its entry. If somebody wrote the webhook after us, then which
    credential it has is not known.
    """
    if entry is None or entry.created != str(held.created):
        return None
    is_ours = entry.touched == str(held.touched)
    return entry.mark if is_ours else replace(entry.mark, version=None, options=())


class Book:
    """The ledger of one scope.

    Writes go one after the other, and what is noted while one is under way goes into the next one
    together. Each reads the texts first, so that an entry of another run is kept, and writes what
    this run noted and is not there any more, since another run overwrote it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._lock = ledger, asyncio.Lock()
        self._noted: dict[str, dict[str, Entry]] = {}  # by owner and id
        self._batch = _Batch()

    async def read(self) -> tuple[dict[str, Entry], list[str]]:
        """The entries of all owners by the webhook's id, and what could not be read."""
        entries: dict[str, Entry] = {}
        twice: set[str] = set()
        warnings: list[str] = []
        for owner, text in (await self._ledger.read()).items():
            found = _read_text(owner, text)
            if found is None:
                warnings.append(
                    f"the ledger of {owner} cannot be read, so its webhooks count as unowned; "
                    "repair it, or delete it and let --adopt take them"
                )
                continue
            twice |= found.keys() & entries.keys()
            entries |= found
        for ident in sorted(twice):
            del entries[ident]
            warnings.append(
                f"two owners have the webhook {ident} in their ledgers, so it counts as unowned"
            )
        return entries, warnings

    async def note(self, owner: str, ident: str, entry: Entry | None) -> None:
        """Writes the entry of a webhook, or removes it; it stands there when this returns. No other
        owner keeps one of that webhook.

        Raises Rejected for a text that cannot be read: it would be lost.
        """
        batch = self._batch
        batch.changes.setdefault(owner, {})[ident] = entry
        async with self._lock:
            if not batch.is_done:
                if batch is self._batch:
                    self._batch = _Batch()
                try:
                    await self._write(batch.changes)
                except ProviderError as error:
                    batch.error = error
                batch.is_done = True
        if batch.error is not None:
            raise batch.error

    async def _write(self, changes: Mapping[str, Mapping[str, Entry | None]]) -> None:
        texts = await self._ledger.read()
        for owner, by_id in changes.items():
            noted = self._noted.setdefault(owner, {})
            for ident in by_id:
                noted.pop(ident, None)
            entries = {**noted, **_read_own_text(owner, texts.get(owner, ""))}
            for ident, entry in by_id.items():
                entries.pop(ident, None)
                if entry is not None:
                    entries[ident] = noted[ident] = entry
            await self._ledger.write(owner, _write_text(entries))
        taken = {
            ident: owner
            for owner, by_id in changes.items()
            for ident, entry in by_id.items()
            if entry is not None
        }
        for other, text in texts.items():
            theirs = _read_text(other, text) or {}
            kept = {ident: theirs[ident] for ident in theirs if taken.get(ident, other) == other}
            if len(kept) < len(theirs):
                await self._ledger.write(other, _write_text(kept))


@dataclass(slots=True)
class _Batch:
    """Entries that are written together, by owner and id; None for one that is removed."""

    changes: dict[str, dict[str, Entry | None]] = field(default_factory=dict)
    is_done: bool = False
    error: ProviderError | None = None


def _read_own_text(owner: str, text: str) -> dict[str, Entry]:
    entries = _read_text(owner, text)
    if entries is None:
        raise Rejected(
            f"the ledger of {owner} cannot be read, and would be lost: repair or delete it first"
        )
    return entries


def _write_text(entries: Mapping[str, Entry]) -> str:
    hooks = {}
    for ident in sorted(entries):
        entry = entries[ident]
        by = entry.mark.managed_by
        values = {
            "key": by.key,
            "sources": list(by.sources),
            "commit": by.revision,
            "repository": by.repository,
            "version": entry.mark.version,
            "protected": entry.mark.protected or None,
            "auth": entry.mark.auth or None,
            "options": dict(entry.mark.options) or None,
            "created": entry.created,
            "touched": entry.touched,
        }
        hooks[ident] = {name: value for name, value in values.items() if value is not None}
    return json.dumps({"version": _VERSION, "webhooks": hooks}, separators=(",", ":"))


def _read_text(owner: str, text: str) -> dict[str, Entry] | None:
    """The entries of one owner; None if the text is not one that we wrote."""
    if not text:
        return {}
    try:
        body = json.loads(text)
        if body["version"] != _VERSION:
            return None
        return {str(ident): _read_entry(owner, value) for ident, value in body["webhooks"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _read_entry(owner: str, value: Mapping[str, Any]) -> Entry:
    managed_by = ManagedBy(
        owner,
        str(value["key"]),
        tuple(map(str, value.get("sources", ()))),
        _read_optional(value, "commit"),
        _read_optional(value, "repository"),
    )
    version = _read_optional(value, "version")
    auth = _read_optional(value, "auth") or ""
    options = tuple((str(name), str(text)) for name, text in value.get("options", {}).items())
    mark = Mark(managed_by, version, value.get("protected") is True, auth, options)
    return Entry(mark, str(value["created"]), str(value["touched"]))


def _read_optional(value: Mapping[str, Any], name: str) -> str | None:
    text = value.get(name)
    if text is not None and not isinstance(text, str):
        raise TypeError(name)
    return text
