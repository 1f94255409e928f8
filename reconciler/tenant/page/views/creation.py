"""Creating a webhook in two steps: what it is and where it posts to, then its events. Between them
the draft is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from starlette.responses import Response

from reconciler.tenant.page.forms import buttons, submission
from reconciler.tenant.page.forms.event_choices import OFFERED
from reconciler.tenant.page.forms.form import Form, make_form
from reconciler.tenant.page.forms.submission import LIST, Submission
from reconciler.tenant.page.forms.typed_texts import (
    EMPTY,
    SELECTED,
    STEP_1,
    WRITTEN,
    list_unadded,
)
from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.rendering.messages import read_message
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import FieldError, Problem, Refusal
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.store.values.draft import Draft
from reconciler.tenant.store.values.write import Creation

NEW: Final = f"{LIST}/new"
_TEMPLATES: Final = {1: "create.html", 2: "create_events.html"}
_OF_STEP_2: Final = frozenset({"events", *SELECTED, *WRITTEN})


def _render(
    visit: Visit,
    step: int,
    form: Form,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    values = {
        "offered": OFFERED,
        "carried": STEP_1,
        "message": read_message(visit.read_query("said")),
    }
    return visit.render(
        _TEMPLATES[step], status, at="webhooks", form=form, headers=headers, **values
    )


async def show_empty_form(visit: Visit) -> Response:
    """`GET /settings/webhooks/new`: step 1, empty."""
    return _render(visit, 1, make_form(None, EMPTY, None))


async def show_step_1(visit: Visit) -> Response:
    """`GET /settings/webhooks/new/{draft}`: step 1 as it was left; raises 410."""
    return await _show_draft(visit, 1)


async def show_step_2(visit: Visit) -> Response:
    """`GET /settings/webhooks/new/{draft}/events`: step 2; raises 410."""
    return await _show_draft(visit, 2)


async def _show_draft(visit: Visit, step: int) -> Response:
    draft = await submission.find_draft(visit, visit.read_part("draft"), None)
    if draft is None:
        raise Refusal(
            "draft",
            "a form that is not sent within 30 minutes is forgotten, and so is what was "
            "typed into it",
        )
    return _render(visit, step, make_form(draft, draft.typed, None))


async def press_button_1(visit: Visit) -> Response:
    """`POST /settings/webhooks/new` and `…/new/{draft}`: test, or go on to step 2."""
    sent = await submission.take_form(visit, None, await _find_draft(visit))
    done = await buttons.press_button(
        sent, partial(_show_errors, step=1), lambda draft: (f"{NEW}/{draft.id}", {})
    )
    if done is not None:
        return done
    errors = [*sent.list_errors(), *await submission.find_name_errors(sent)]
    return (
        _show_errors(sent, errors, step=1)
        if errors
        else html.redirect(f"{NEW}/{sent.draft.id}/events")
    )


async def press_button_2(visit: Visit) -> Response:
    """`POST /settings/webhooks/new/{draft}/events`: test, add or remove an event, go back, or add
    the webhook.
    """
    sent = await submission.take_form(visit, None, await _find_draft(visit))
    done = await buttons.press_button(
        sent, partial(_show_errors, step=2), lambda draft: (f"{NEW}/{draft.id}/events", {})
    )
    if done is not None:
        return done
    return (
        html.redirect(f"{NEW}/{sent.draft.id}")
        if buttons.read_action(visit) == "back"
        else await _create(sent)
    )


async def show_refused_step_1(visit: Visit, problem: Problem) -> Response:
    """Step 1 that was refused: what was typed, to be sent again."""
    return _render(
        visit, 1, submission.make_refused(visit, None, problem), problem.status, problem.headers
    )


async def show_refused_step_2(visit: Visit, problem: Problem) -> Response:
    """Step 2 that was refused, under the id of a draft that does not exist yet: what is sent to it
    begins anew.
    """
    form = replace(submission.make_refused(visit, None, problem), draft=visit.store.new_id())
    return _render(visit, 2, form, problem.status, problem.headers)


async def _find_draft(visit: Visit) -> Draft | None:
    """The draft that the form goes on from; None at first, and where it is no longer kept: what was
    sent begins anew.
    """
    return await submission.find_draft(visit, str(visit.request.path_params.get("draft", "")), None)


def _show_errors(
    sent: Submission,
    errors: Sequence[FieldError],
    status: int = 422,
    headers: Mapping[str, str] | None = None,
    *,
    step: int,
) -> Response:
    """The step again with its errors: step 1 where one of its fields is at fault."""
    form = make_form(sent.draft, sent.draft.typed, None, errors)
    ours = all(name in _OF_STEP_2 or name == "test" for name in form.errors)
    return _render(sent.visit, step if ours else 1, form, status, headers)


async def _create(sent: Submission) -> Response:
    errors = [*sent.list_errors(), *list_unadded(sent.draft.typed)]
    if errors:
        return _show_errors(sent, errors, step=2)
    store = sent.visit.store
    webhook_id = store.new_id()
    fields = sent.make_fields(webhook_id)
    creation = Creation(
        sent.given.fields.get("name"),
        partial(change.make_webhook, webhook_id, fields, store.vault, store.clock()),
        draft=sent.draft,
    )
    try:
        await store.webhooks.create(creation)
    except Refusal as refusal:
        return _show_errors(sent, submission.read_errors(refusal), step=2)
    return html.redirect(LIST, said="created")
