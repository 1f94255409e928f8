"""The page's addresses as data."""

from __future__ import annotations

from typing import Final

from starlette.routing import Route

from reconciler.tenant.api.endpoint import Tenant
from reconciler.tenant.page import (
    catalogue,
    create,
    declared,
    edit,
    files,
    listing,
    recent,
    remove,
    sign_in,
    switch,
)
from reconciler.tenant.page.front import Front, Page

PAGES: Final = (
    Page("GET", "/", sign_in.home, open=True),
    Page("GET", "/sign-in", sign_in.show, open=True),
    Page("POST", "/sign-in", sign_in.enter, open=True),
    Page("POST", "/sign-out", sign_in.leave),
    Page("GET", "/static/{name}", files.serve, open=True),
    Page("GET", "/settings/webhooks", listing.show),
    Page("GET", "/settings/webhooks/new", create.begin),
    Page("POST", "/settings/webhooks/new", create.first, again=create.first_again),
    Page("GET", "/settings/webhooks/new/{draft}", create.again),
    Page("POST", "/settings/webhooks/new/{draft}", create.first, again=create.first_again),
    Page("GET", "/settings/webhooks/new/{draft}/events", create.choose),
    Page("POST", "/settings/webhooks/new/{draft}/events", create.second, again=create.second_again),
    Page("GET", "/settings/webhooks/{id}", edit.show),
    Page("POST", "/settings/webhooks/{id}", edit.take, again=edit.take_again),
    Page("GET", "/settings/webhooks/{id}/delete", remove.ask),
    Page("POST", "/settings/webhooks/{id}/delete", remove.proceed),
    Page("POST", "/settings/webhooks/{id}/switch", switch.turn),
    Page("GET", "/settings/webhooks/{id}/manifest", declared.show),
    Page("GET", "/settings/webhooks/{id}/deliveries", recent.show),
    Page("POST", "/settings/webhooks/{id}/deliveries/{delivery}/redeliver", recent.send_again),
    Page("POST", "/settings/webhooks/{id}/redeliver", recent.send_failed_again),
    Page("GET", "/settings/events", catalogue.show),
)


def routes(tenant: Tenant) -> list[Route]:
    """Every address with its methods."""
    paths: dict[str, dict[str, Page]] = {}
    for page in PAGES:
        paths.setdefault(page.path, {})[page.method] = page
    return [Route(path, Front(tenant, pages)) for path, pages in paths.items()]
