"""The ledger: an Actions variable per owner, `RECONCILER_<OWNER>`, beside the hooks.

Source: GitHub's REST API documentation of Actions variables: names of letters, digits and
underscores in any case, values of up to 48 KB.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.errors import NotFound, Rejected
from reconciler.providers.github.capabilities import RIGHTS
from reconciler.providers.http.client import Client
from reconciler.providers.http.resources import list_pages

_PREFIX: Final = "RECONCILER_"
_PAGE: Final = 30  # variables; the most that GitHub gives
_ROOM: Final = 48 * 1024  # bytes of a value


class Variables:
    """The variables of one repository or organisation. A value holds the owner's name, since a
    variable's name has no room for every character.
    """

    def __init__(self, http: Client, path: str, *, is_organization: bool) -> None:
        self._http, self._path, self._is_organization = http, path, is_organization
        self._owners: dict[str, str] = {}  # of the variables, by their names

    async def read(self) -> Mapping[str, str]:
        """The ledgers of all owners."""
        texts: dict[str, str] = {}
        try:
            async for page in list_pages(self._http, self._path, _PAGE, field="variables"):
                for item in page:
                    name = str(item.get("name", "")).upper()
                    if name.startswith(_PREFIX):
                        owner, text = _read_value(name, str(item.get("value", "")))
                        self._owners[name] = owner
                        texts[owner] = text
        except NotFound as error:
            raise NotFound(f"{error}: {RIGHTS}") from None
        return texts

    async def write(self, owner: str, text: str) -> None:
        """Replaces the ledger of one owner; the variable is made if there is none, and refused if
        it is something else.
        """
        name, value = _find_name(owner), json.dumps({"owner": owner, "ledger": text})
        if len(value.encode()) > _ROOM:
            raise Rejected(
                f"the ledger of {owner} has no room for another webhook: GitHub's variables hold "
                "48 KB; use a second owner"
            )
        body: dict[str, Any] = {"name": name, "value": value}
        if self._is_organization:
            body["visibility"] = "private"
        if self._owners.get(name, owner) != owner:
            raise Rejected(f"the variable {name} is no ledger of {owner}: rename or delete it")
        if name in self._owners:
            try:
                path = f"{self._path}/{name}"
                await self._http.request("PATCH", path, json=body, idempotent=True)
            except NotFound:
                del self._owners[name]
            else:
                return
        await self._http.request("POST", self._path, json=body, idempotent=False)
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
