"""The ledger in GitHub's Actions variables.

Source: GitHub's REST API documentation of Actions variables: values of up to 48 KB.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from reconciler.providers.driver.variables import Variables
from reconciler.providers.github.capabilities import RIGHTS
from reconciler.providers.http.client import Client
from reconciler.providers.http.resources import explain_missing, list_pages

_PAGE: Final = 30  # variables; the most that GitHub gives


class GitHubVariables(Variables):
    """Those of one repository or organisation, for which GitHub wants to know who may read it."""

    product, room = "GitHub", 48

    def __init__(self, http: Client, path: str, *, is_organization: bool) -> None:
        super().__init__(http, path)
        self._more = {"visibility": "private"} if is_organization else {}

    async def list_variables(self) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Every variable, until a page is short."""
        with explain_missing(RIGHTS):
            async for page in list_pages(self._http, self._path, _PAGE, field="variables"):
                yield page

    async def create_variable(self, name: str, value: str) -> None:
        """GitHub refuses a name twice."""
        body = self._make_body(name, value)
        await self._http.request("POST", self._path, json=body, idempotent=False)

    async def update_variable(self, name: str, value: str) -> None:
        """The whole value."""
        path, body = f"{self._path}/{name}", self._make_body(name, value)
        await self._http.request("PATCH", path, json=body, idempotent=True)

    def _make_body(self, name: str, value: str) -> dict[str, str]:
        return {"name": name, "value": value, **self._more}
