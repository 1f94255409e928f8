"""What the buttons inside a webhook's form do, the same on creating and on editing: test, add an
event, take one off the list.

Nothing here changes a webhook; each shows the form again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from starlette.responses import Response

from reconciler.core.results.reports import Delivery
from reconciler.tenant.api import tests as api_tests
from reconciler.tenant.page.forms import event_choices, submission
from reconciler.tenant.page.forms.submission import Submission
from reconciler.tenant.page.forms.typed_texts import Typed, read_subscriptions
from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import FieldError, Refusal
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.store.values.draft import Draft
from reconciler.tenant.store.values.webhook import make_target


class ShowForm(Protocol):
    """Shows a form again, with its errors."""

    def __call__(
        self,
        sent: Submission,
        errors: Sequence[FieldError],
        status: int = 422,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The page."""


FormPlace = Callable[
    [Draft], tuple[str, dict[str, str]]
]  # where a draft's form is: address and query


def read_action(visit: Visit) -> str:
    """The name of the button that was pressed, empty where a form was sent without one."""
    return "remove" if "remove" in visit.form else visit.read_field("action")


async def press_button(sent: Submission, show: ShowForm, place: FormPlace) -> Response | None:
    """The answer to a button inside the form, None where another one was pressed."""
    wanted = read_action(sent.visit)
    if wanted == "test":
        return await _run_test(sent, show, place)
    if wanted == "group":
        return _redirect(sent.draft, place, "events")
    if wanted in {"add", "add-other"}:
        typed, errors = event_choices.add_event(sent.draft.typed, written=wanted == "add-other")
        return show(sent, errors) if errors else await _save_events(sent, typed, place, "added")
    if wanted == "remove":
        typed = event_choices.remove_event(sent.draft.typed, sent.visit.read_field("remove"))
        return await _save_events(sent, typed, place, "removed")
    return None


def _redirect(draft: Draft, place: FormPlace, part: str, message: str = "") -> Response:
    path, query = place(draft)
    return html.redirect(path, part=part, said=message, **query)


async def _save_events(sent: Submission, typed: Typed, place: FormPlace, message: str) -> Response:
    draft = await submission.save_draft(sent.visit, replace(sent.draft, typed=typed))
    return _redirect(draft, place, "events", message)


async def _run_test(sent: Submission, show: ShowForm, place: FormPlace) -> Response:
    """Sends a test with what the form says, saved or not: only url and authentication have to be
    fine.
    """
    errors = sent.list_test_errors()
    if errors:
        return show(sent, errors)
    try:
        tested = await _send_test(sent)
    except Refusal as refusal:
        problem = refusal.problem
        wait = problem.headers.get("Retry-After")
        if wait is None:
            raise
        error = FieldError("/test", f"was not sent: {problem.detail}; try again in {wait} s")
        return show(sent, [error], problem.status, problem.headers)
    draft = await submission.save_draft(sent.visit, replace(sent.draft, tested=tested))
    return _redirect(draft, place, "tested")


async def _send_test(sent: Submission) -> dict[str, Any]:
    visit, fields = sent.visit, sent.given.fields
    auth, secret = change.prepare_test(sent.auth, sent.held, sent.url, visit.store.vault)
    target = make_target(fields.get("name", ""), sent.url, auth, secret)
    event = next(iter(read_subscriptions(sent.draft.typed)), api_tests.DEFAULT)
    who = f"session {submission.require_session(visit).hash.hex()}"
    return _describe_test(
        await api_tests.send_test(visit.tenant, who, target, event), visit.store.clock()
    )


def _describe_test(delivery: Delivery, now: float) -> dict[str, Any]:
    return {
        "verdict": delivery.verdict.value,
        "status": delivery.status_code,
        "detail": delivery.detail,
        "seconds": delivery.seconds,
        "event": delivery.event.type,
        "at": now,
    }
