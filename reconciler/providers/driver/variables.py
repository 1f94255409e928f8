"""The ledger in Actions variables, one per owner, `RECONCILER_<OWNER>`, beside the hooks.

Names have letters, digits and underscores in any case, in GitHub as in Gitea and Forgejo. What the
requests of a product are stands in a subclass.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from reconciler.core.errors import NotFound, Rejected
from reconciler.providers.http.client import Client

_PREFIX: Final = "RECONCILER_"


class Variables(ABC):
    """The variables of one repository or organisation, at `path`. A value holds the owner's name,
    since a variable's name has no room for every character.

    `product` is named in errors, `room` is how many KB a value may have, `field` is its field in an
    answer.
    """

    product: ClassVar[str]
    room: ClassVar[int]
    field: ClassVar[str] = "value"

    def __init__(self, http: Client, path: str) -> None:
        self._http, self._path = http, path
        self._owners: dict[str, str] = {}  # of the variables, by their names

    @abstractmethod
    def list_variables(self) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Every variable, page by page. Raises ProviderError."""

    @abstractmethod
    async def create_variable(self, name: str, value: str) -> None:
        """Makes a variable. Raises ProviderError."""

    @abstractmethod
    async def update_variable(self, name: str, value: str) -> None:
        """Replaces a variable's value. Raises NotFound if there is none, and ProviderError."""

    async def read(self) -> Mapping[str, str]:
        """The ledgers of all owners."""
        texts: dict[str, str] = {}
        async for page in self.list_variables():
            for item in page:
                name = str(item.get("name", "")).upper()
                if name.startswith(_PREFIX):
                    owner, text = _read_value(name, str(item.get(self.field, "")))
                    self._owners[name] = owner
                    texts[owner] = text
        return texts

    async def write(self, owner: str, text: str) -> None:
        """Replaces the ledger of one owner; the variable is made if there is none, and refused if
        it is something else.
        """
        name, value = _find_name(owner), json.dumps({"owner": owner, "ledger": text})
        if len(value.encode()) > self.room * 1024:
            raise Rejected(
                f"the ledger of {owner} has no room for another webhook: {self.product}'s "
                f"variables hold {self.room} KB; use a second owner"
            )
        if self._owners.get(name, owner) != owner:
            raise Rejected(f"the variable {name} is no ledger of {owner}: rename or delete it")
        if name in self._owners:
            try:
                await self.update_variable(name, value)
            except NotFound:
                del self._owners[name]
            else:
                return
        await self.create_variable(name, value)
        self._owners[name] = owner


def _find_name(owner: str) -> str:
    """A name of its own for every owner: one with other characters than a-z, 0-9 and hyphens gets
    a digest.
    """
    name = _PREFIX + re.sub(r"[^A-Z0-9]", "_", owner.upper())
    if re.fullmatch(r"[a-z0-9-]+", owner):
        return name
    return f"{name}_{hashlib.sha256(owner.encode()).hexdigest()[:8].upper()}"


def _read_value(name: str, value: str) -> tuple[str, str]:
    """The owner and its ledger; a value that we did not write is one that cannot be read."""
    try:
        body = json.loads(value)
        owner, text = body["owner"], body["ledger"]
        if isinstance(owner, str) and isinstance(text, str) and _find_name(owner) == name:
            return owner, text
    except (ValueError, KeyError, TypeError):
        pass
    return name, value
