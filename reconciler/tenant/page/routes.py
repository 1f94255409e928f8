"""The page's addresses as data."""

from __future__ import annotations

from typing import Final

from starlette.routing import Route

from reconciler.tenant.api.endpoint import Tenant
from reconciler.tenant.page.forms.submission import LIST
from reconciler.tenant.page.front import Front
from reconciler.tenant.page.session import sign_in
from reconciler.tenant.page.session.visit import Page
from reconciler.tenant.page.views import (
    creation,
    deletion,
    deliveries,
    editing,
    events,
    listing,
    manifest,
    static_files,
    switching,
)

PAGES: Final = (
    Page("GET", "/", sign_in.show_home, open=True),
    Page("GET", "/sign-in", sign_in.show_button, open=True),
    Page("POST", "/sign-in", sign_in.sign_in, open=True),
    Page("POST", "/sign-out", sign_in.sign_out),
    Page("GET", "/static/{name}", static_files.show_file, open=True),
    Page("GET", LIST, listing.show_webhooks),
    Page("GET", f"{LIST}/new", creation.show_empty_form),
    Page("POST", f"{LIST}/new", creation.press_button_1, again=creation.show_refused_step_1),
    Page("GET", f"{LIST}/new/{{draft}}", creation.show_step_1),
    Page(
        "POST",
        f"{LIST}/new/{{draft}}",
        creation.press_button_1,
        again=creation.show_refused_step_1,
    ),
    Page("GET", f"{LIST}/new/{{draft}}/events", creation.show_step_2),
    Page(
        "POST",
        f"{LIST}/new/{{draft}}/events",
        creation.press_button_2,
        again=creation.show_refused_step_2,
    ),
    Page("GET", f"{LIST}/{{id}}", editing.show_form),
    Page("POST", f"{LIST}/{{id}}", editing.press_button, again=editing.show_refused_form),
    Page("GET", f"{LIST}/{{id}}/delete", deletion.confirm_delete),
    Page("POST", f"{LIST}/{{id}}/delete", deletion.delete_webhook),
    Page("POST", f"{LIST}/{{id}}/switch", switching.switch_webhook),
    Page("GET", f"{LIST}/{{id}}/manifest", manifest.show_manifest),
    Page("GET", f"{LIST}/{{id}}/deliveries", deliveries.show_deliveries),
    Page("POST", f"{LIST}/{{id}}/deliveries/{{delivery}}/redeliver", deliveries.resend),
    Page("POST", f"{LIST}/{{id}}/redeliver", deliveries.resend_failed),
    Page("GET", "/settings/events", events.show_events),
)


def make_routes(tenant: Tenant) -> list[Route]:
    """Every address with its methods."""
    paths: dict[str, dict[str, Page]] = {}
    for page in PAGES:
        paths.setdefault(page.path, {})[page.method] = page
    return [Route(path, Front(tenant, pages)) for path, pages in paths.items()]
