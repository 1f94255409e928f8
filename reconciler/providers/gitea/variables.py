"""The ledger in the Actions variables of Gitea and Forgejo.

Source: `routers/api/v1/repo/action.go` and `models/actions/variable.go` of go-gitea/gitea: a value
has up to 65,536 characters; a write is answered without a body. Servers before Gitea 1.22 and
Forgejo 7 have no such path.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from reconciler.core.errors import NotFound
from reconciler.providers.driver.variables import Variables
from reconciler.providers.gitea.capabilities import MISSING
from reconciler.providers.http.client import Client
from reconciler.providers.http.resources import explain_missing, list_capped_pages

_PAGE: Final = 50  # variables; the most that Gitea gives, unless its own limit is another
_TOO_OLD: Final = (
    "this server has no Actions variables, and the provider keeps its marks of ownership there: "
    "use Gitea 1.22 or Forgejo 7, or a later version"
)


class GiteaVariables(Variables):
    """Those of one repository or organisation, whose hooks are at `hooks`."""

    product, room, field = "Gitea", 64, "data"

    def __init__(self, http: Client, path: str, hooks: str) -> None:
        super().__init__(http, path)
        self._hooks = hooks

    async def list_variables(self) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Every variable, until a page is empty."""
        try:
            async for page in list_capped_pages(self._http, self._path, _PAGE):
                yield page
        except NotFound as error:
            with explain_missing(MISSING):
                params = {"limit": 1}
                await self._http.request("GET", self._hooks, params=params, idempotent=True)
            raise NotFound(f"{error}: {_TOO_OLD}") from None

    async def create_variable(self, name: str, value: str) -> None:
        """Gitea refuses a name twice."""
        path, body = f"{self._path}/{name}", {"value": value}
        await self._http.request("POST", path, json=body, idempotent=False)

    async def update_variable(self, name: str, value: str) -> None:
        """The whole value; without a name it keeps its own."""
        path, body = f"{self._path}/{name}", {"value": value}
        await self._http.request("PUT", path, json=body, idempotent=True)
