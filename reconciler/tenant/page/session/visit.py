"""One request to the page, and one address of it as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from reconciler.tenant.api.endpoint import Tenant
from reconciler.tenant.page.rendering import html
from reconciler.tenant.problems import Problem
from reconciler.tenant.store.store import Store
from reconciler.tenant.store.values.session import Session

COOKIE: Final = "reconciler_session"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to the page. `session` is None only where a page is open to everybody; `form` is
    what was posted.
    """

    tenant: Tenant
    request: Request
    session: Session | None = None
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def store(self) -> Store:
        """The tenant's file."""
        return self.tenant.store

    @property
    def csrf(self) -> str:
        """What a form of this session has to carry."""
        return (
            ""
            if self.session is None
            else self.store.vault.compute_mac("csrf", self.session.hash).hex()
        )

    @property
    def origin(self) -> str:
        """Where the visitor's browser sees this page: where a proxy shows it, else as the request
        came.
        """
        return (
            self.tenant.public
            or f"{self.request.url.scheme}://{self.request.headers.get('host', '')}"
        )

    @property
    def secure(self) -> bool:
        """Whether the visitor came by TLS."""
        return self.origin.startswith("https:")

    @property
    def cookie(self) -> str:
        """The cookie's name: with a prefix that pins it to this host where TLS allows that."""
        return f"__Host-{COOKIE}" if self.secure else COOKIE

    def read_part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def read_query(self, name: str) -> str:
        """A parameter of the query, empty when absent."""
        return self.request.query_params.get(name, "")

    def read_field(self, name: str) -> str:
        """A posted field, empty when absent."""
        return self.form.get(name, ("",))[0]

    def render(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """A template rendered for this visitor."""
        known = {
            "signed_in": self.session is not None,
            "csrf": self.csrf,
            "login": self.tenant.sign_in,
        }
        return html.render_page(template, status, **{**known, **values})


Handler = Callable[[Visit], Awaitable[Response]]


ShowAgain = Callable[[Visit, Problem], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """One method of one address; `open` pages are for people who are not signed in.

    `again` shows a webhook's form that was refused with what was typed, and does nothing else:
    nothing is written.
    """

    method: str
    path: str
    handler: Handler
    open: bool = False
    again: ShowAgain | None = None
