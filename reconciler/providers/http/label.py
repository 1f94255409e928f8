"""How an error names its tenant, the place of its token and of its url, and what to do next. Pure;
used by `client.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

from reconciler.core.errors import (
    BadAnswer,
    Overloaded,
    ProviderError,
    TenantFault,
    Unauthorized,
    Unreachable,
)

BASE: Final = "/public-api/v1"
_OF_THE_TENANT: Final = (
    Unauthorized,
    Unreachable,
    Overloaded,
    TenantFault,
    BadAnswer,
)  # other errors are one webhook's

E = TypeVar("E", bound=ProviderError)


@dataclass(frozen=True, slots=True)
class Label:
    """A tenant's name in messages ("" for none), where its url was given, and the reference of its
    token.
    """

    name: str = ""
    url_place: str = "spec.url"
    token_place: str = ""

    def named(self, error: E) -> E:
        """The same error, its text beginning with the tenant; errors of one webhook stay as they
        are.
        """
        concerns = isinstance(error, _OF_THE_TENANT) and not (
            isinstance(error, Unauthorized) and error.object_only
        )
        prefix = f"tenant {self.name}: "
        if self.name and concerns and not str(error).startswith(prefix):
            error.args = (f"{prefix}{error}",)
        return error

    def refused(self, error: E, status: int) -> E:
        """An error of an answer, with the next step: for a token that is refused, and a path that
        is none of this contract.
        """
        is_answered = isinstance(error, Unauthorized) and error.explained
        if isinstance(error, Unauthorized) and self.token_place and not is_answered:
            error.args = (f"{error}; {self._token_step(error, status)}",)
        return self.named(error)

    def _token_step(self, error: Unauthorized, status: int) -> str:
        if error.object_only:
            return f"use a token of that owner in {self.token_place}"
        if status == 403:
            return (
                f"the token in {self.token_place} lacks a right: use one with the scope that "
                "is missing"
            )
        return (
            f"the token in {self.token_place} is wrong, expired or revoked: put a valid one there"
        )

    def foreign(self, error: E, base_url: str) -> E:
        """An answer that no tenant of this contract gives: most often the path of the url is
        wrong.
        """
        hint = f"; {self.url_place} must end in {BASE}"
        wrong_path = not urlsplit(base_url).path.rstrip("/").endswith(BASE)
        if (
            isinstance(error, BadAnswer)
            and self.url_place
            and wrong_path
            and hint not in str(error)
        ):
            error.args = (f"{error}{hint}",)
        return self.named(error)

    def unreachable(self, error: E) -> E:
        """The end of all tries: what to check."""
        if isinstance(error, Unreachable) and self.name and self.url_place:
            error.args = (
                f"{error}; check that the tenant runs and that {self.url_place} is its address",
            )
        return error
