"""Creating a webhook in two steps: what it is and where it posts to, then its events. Between them
the draft is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from starlette.responses import Response

from reconciler.tenant.api.webhooks import check_name
from reconciler.tenant.page import actions, choices, forms, html, submission
from reconciler.tenant.page.front import Visit
from reconciler.tenant.page.said import said
from reconciler.tenant.page.submission import LIST, Submission
from reconciler.tenant.problems import FieldError, Problem, Refusal
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.store.rows import drafts, webhooks
from reconciler.tenant.store.rows.drafts import Draft

NEW: Final = f"{LIST}/new"
_TEMPLATES: Final = {1: "create.html", 2: "create_events.html"}
_OF_STEP_2: Final = frozenset({"events", *forms.SELECTED, *forms.WRITTEN})


def _page(
    visit: Visit,
    step: int,
    form: forms.Form,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    values = {
        "offered": choices.OFFERED,
        "carried": forms.STEP_1,
        "said": said(visit.query("said")),
    }
    return visit.page(_TEMPLATES[step], status, at="webhooks", form=form, headers=headers, **values)


async def begin(visit: Visit) -> Response:
    """`GET /settings/webhooks/new`: step 1, empty."""
    return _page(visit, 1, forms.form(None, forms.EMPTY, None))


async def again(visit: Visit) -> Response:
    """`GET /settings/webhooks/new/{draft}`: step 1 as it was left; raises 410."""
    return await _resumed(visit, 1)


async def choose(visit: Visit) -> Response:
    """`GET /settings/webhooks/new/{draft}/events`: step 2; raises 410."""
    return await _resumed(visit, 2)


async def _resumed(visit: Visit, step: int) -> Response:
    draft = await submission.draft_of(visit, visit.part("draft"), None)
    if draft is None:
        raise Refusal(
            "draft",
            "a form that is not sent within 30 minutes is forgotten, and so is what was "
            "typed into it",
        )
    return _page(visit, step, forms.form(draft, draft.typed, None))


async def first(visit: Visit) -> Response:
    """`POST /settings/webhooks/new` and `…/new/{draft}`: test, or go on to step 2."""
    sent = await submission.taken(visit, None, await _before(visit))
    done = await actions.acted(
        sent, partial(_shown, step=1), lambda draft: (f"{NEW}/{draft.id}", {})
    )
    if done is not None:
        return done
    errors = [*sent.errors(), *await submission.name_errors(sent)]
    return _shown(sent, errors, step=1) if errors else html.moved(f"{NEW}/{sent.draft.id}/events")


async def second(visit: Visit) -> Response:
    """`POST /settings/webhooks/new/{draft}/events`: test, add or remove an event, go back, or add
    the webhook.
    """
    sent = await submission.taken(visit, None, await _before(visit))
    done = await actions.acted(
        sent, partial(_shown, step=2), lambda draft: (f"{NEW}/{draft.id}/events", {})
    )
    if done is not None:
        return done
    return (
        html.moved(f"{NEW}/{sent.draft.id}")
        if actions.action(visit) == "back"
        else await _added(sent)
    )


async def first_again(visit: Visit, problem: Problem) -> Response:
    """Step 1 that was refused: what was typed, to be sent again."""
    return _page(
        visit, 1, submission.refused(visit, None, problem), problem.status, problem.headers
    )


async def second_again(visit: Visit, problem: Problem) -> Response:
    """Step 2 likewise, under the id of a draft that does not exist yet: what is sent to it begins
    anew.
    """
    form = replace(submission.refused(visit, None, problem), draft=visit.store.new_id())
    return _page(visit, 2, form, problem.status, problem.headers)


async def _before(visit: Visit) -> Draft | None:
    """The draft that the form goes on from; None at first, and where it is no longer kept: what was
    sent begins anew.
    """
    return await submission.draft_of(visit, str(visit.request.path_params.get("draft", "")), None)


def _shown(
    sent: Submission,
    errors: Sequence[FieldError],
    status: int = 422,
    headers: Mapping[str, str] | None = None,
    *,
    step: int,
) -> Response:
    """The step again with its errors: step 1 where one of its fields is at fault."""
    form = forms.form(sent.draft, sent.draft.typed, None, errors)
    ours = all(name in _OF_STEP_2 or name == "test" for name in form.errors)
    return _page(sent.visit, step if ours else 1, form, status, headers)


async def _added(sent: Submission) -> Response:
    errors = [*sent.errors(), *forms.unadded(sent.draft.typed)]
    if errors:
        return _shown(sent, errors, step=2)
    store = sent.visit.store
    webhook_id, now = store.new_id(), store.clock()
    fields = sent.fields_for(webhook_id)

    def run(connection: sqlite3.Connection) -> None:
        check_name(connection, sent.given, "")
        webhooks.save(connection, change.created(webhook_id, fields, store.vault, now), new=True)
        drafts.discard(connection, sent.draft)

    try:
        await store.write(run)
    except Refusal as refusal:
        return _shown(sent, submission.errors_of(refusal), step=2)
    return html.moved(LIST, said="created")
