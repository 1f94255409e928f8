"""What the buttons inside a webhook's form do, the same on creating and on editing: test, add an
event, take one off the list.

Nothing here changes a webhook; each ends with a look at the form again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from starlette.responses import Response

from reconciler.core.results.reports import Delivery
from reconciler.tenant.api import tests as api_tests
from reconciler.tenant.page import choices, forms, html, submission
from reconciler.tenant.page.front import Visit
from reconciler.tenant.page.submission import Submission
from reconciler.tenant.problems import FieldError, Refusal
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.store.rows import webhooks
from reconciler.tenant.store.rows.drafts import Draft


class Show(Protocol):
    """Shows a form again, with its errors."""

    def __call__(
        self,
        sent: Submission,
        errors: Sequence[FieldError],
        status: int = 422,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The page."""


Place = Callable[[Draft], tuple[str, dict[str, str]]]  # where a draft's form is: address and query


def action(visit: Visit) -> str:
    """The name of the button that was pressed, empty where a form was sent without one."""
    return "remove" if "remove" in visit.form else visit.typed("action")


async def acted(sent: Submission, show: Show, place: Place) -> Response | None:
    """The answer to a button inside the form, None where another one was pressed."""
    wanted = action(sent.visit)
    if wanted == "test":
        return await _tested(sent, show, place)
    if wanted == "group":
        return _back(sent.draft, place, "events")
    if wanted in {"add", "add-other"}:
        typed, errors = choices.added(sent.draft.typed, written=wanted == "add-other")
        return show(sent, errors) if errors else await _listed(sent, typed, place, "added")
    if wanted == "remove":
        typed = choices.removed(sent.draft.typed, sent.visit.typed("remove"))
        return await _listed(sent, typed, place, "removed")
    return None


def _back(draft: Draft, place: Place, part: str, said: str = "") -> Response:
    path, query = place(draft)
    return html.moved(path, part=part, said=said, **query)


async def _listed(sent: Submission, typed: forms.Typed, place: Place, said: str) -> Response:
    draft = await submission.kept(sent.visit, replace(sent.draft, typed=typed))
    return _back(draft, place, "events", said)


async def _tested(sent: Submission, show: Show, place: Place) -> Response:
    """Sends a test with what the form says, saved or not: only url and authentication have to be
    fine.
    """
    errors = sent.errors_of_test()
    if errors:
        return show(sent, errors)
    try:
        tested = await _sent(sent)
    except Refusal as refusal:
        problem = refusal.problem
        wait = problem.headers.get("Retry-After")
        if wait is None:
            raise
        error = FieldError("/test", f"was not sent: {problem.detail}; try again in {wait} s")
        return show(sent, [error], problem.status, problem.headers)
    draft = await submission.kept(sent.visit, replace(sent.draft, tested=tested))
    return _back(draft, place, "tested")


async def _sent(sent: Submission) -> dict[str, Any]:
    visit, fields = sent.visit, sent.given.fields
    auth, secret = change.to_test(sent.auth, sent.held, sent.url, visit.store.vault)
    target = webhooks.to_send(fields.get("name", ""), sent.url, auth, secret)
    event = next(iter(forms.subscriptions(sent.draft.typed)), api_tests.DEFAULT)
    who = f"session {submission.session_of(visit).hash.hex()}"
    return _shown(await api_tests.sent(visit.tenant, who, target, event), visit.store.clock())


def _shown(delivery: Delivery, now: float) -> dict[str, Any]:
    return {
        "verdict": delivery.verdict.value,
        "status": delivery.status_code,
        "detail": delivery.detail,
        "seconds": delivery.seconds,
        "event": delivery.event.type,
        "at": now,
    }
