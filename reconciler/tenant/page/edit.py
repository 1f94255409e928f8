"""Editing a webhook: every setting in one form, which carries the revision that it was opened with.

Where somebody else saved meanwhile, both versions are shown and nothing is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from starlette.responses import Response

from reconciler.tenant.api.webhooks import check_name
from reconciler.tenant.page import actions, choices, compare, forms, html, recent, submission
from reconciler.tenant.page.actions import Show
from reconciler.tenant.page.front import Visit
from reconciler.tenant.page.recent import Past
from reconciler.tenant.page.revision import Moved, found, needed, unmoved
from reconciler.tenant.page.said import said
from reconciler.tenant.page.submission import LIST, Submission
from reconciler.tenant.problems import FieldError, Problem, Refusal
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.store.rows import drafts, webhooks
from reconciler.tenant.store.rows.drafts import Draft
from reconciler.tenant.store.rows.webhooks import Stored
from reconciler.tenant.store.vault import Unreadable

_PERIOD: Final = "period:"  # begins the value of the buttons that choose what the graph shows


async def show(visit: Visit) -> Response:
    """`GET /settings/webhooks/{id}?draft=…`: as it is stored, or as it was typed; raises 404."""
    held, wanted = await needed(visit), visit.query("draft")
    draft = await submission.draft_of(visit, wanted, held.id)
    if wanted and draft is None:
        return html.moved(f"{LIST}/{held.id}", said="forgotten")
    past = await recent.past(visit, held.id)
    if draft is None:
        return _page(
            visit,
            held,
            past,
            forms.form(None, forms.of_webhook(held), held, revision=str(held.revision)),
        )
    return _page(visit, held, past, forms.form(draft, draft.typed, held, revision=draft.revision))


async def take(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}`: test, change the events, choose a period, or save; raises 410
    for a version not kept.
    """
    held = await found(visit)
    before = await submission.draft_of(visit, visit.typed("draft"), visit.part("id"))
    if actions.action(visit) == "overwrite":
        sent = await _overwriting(visit, held, before)
    elif "events" not in visit.form:
        raise Refusal("bad-request", "the form could not be read")
    else:
        sent = await submission.taken(visit, held, before)
    if held is None:
        return visit.page("gone.html", 404, at="webhooks", draft=sent.draft.id)
    if actions.action(visit).startswith(_PERIOD):
        return await _looked(sent, held)
    shown = partial(_shown, await recent.past(visit, held.id))
    done = await actions.acted(
        sent, shown, lambda draft: (f"{LIST}/{held.id}", {"draft": draft.id})
    )
    return done if done is not None else await _saved(sent, held, shown)


async def take_again(visit: Visit, problem: Problem) -> Response:
    """The form that was refused: what was typed, to be sent again; as a new webhook where this one
    is gone.
    """
    held = await found(visit)
    form = submission.refused(visit, held, problem)
    if held is None:
        form = replace(
            form,
            refused=f"{form.refused} Somebody has deleted the webhook since: sent again, this "
            "makes a new one.",
        )
        return visit.page(
            "create.html", problem.status, at="webhooks", form=form, headers=problem.headers
        )
    return _page(
        visit, held, await recent.past(visit, held.id), form, problem.status, problem.headers
    )


async def _looked(sent: Submission, held: Stored) -> Response:
    """The period that was chosen; what was typed is kept, if anything was."""
    where = partial(
        html.moved,
        f"{LIST}/{held.id}",
        part="invocations",
        period=actions.action(sent.visit).removeprefix(_PERIOD),
    )
    if forms.changed(sent.draft, held):
        return where(draft=sent.draft.id)
    await sent.visit.store.write(lambda c: drafts.discard(c, sent.draft))
    return where()


def _readable(visit: Visit, held: Stored) -> bool:
    try:
        webhooks.opened(held.id, held.auth, visit.store.vault)
    except Unreadable:
        return False
    return True


def _page(
    visit: Visit,
    held: Stored,
    past: Past,
    form: forms.Form,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    form = replace(form, unreadable=not _readable(visit, held))
    values = {
        "held": held,
        "past": past,
        "form": form,
        "offered": choices.OFFERED,
        "said": said(visit.query("said")),
    }
    return visit.page("edit.html", status, at="webhooks", headers=headers, **values)


def _shown(
    past: Past,
    sent: Submission,
    errors: Sequence[FieldError],
    status: int = 422,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The form again with its errors."""
    if sent.held is None:  # `take` has answered such a one
        raise Refusal("not-found")
    form = forms.form(sent.draft, sent.draft.typed, sent.held, errors, sent.draft.revision)
    return _page(sent.visit, sent.held, past, form, status, headers)


async def _overwriting(visit: Visit, held: Stored | None, before: Draft | None) -> Submission:
    """The draft again, for the revision that was shown beside it."""
    if before is None:
        raise Refusal("draft", "what was typed was kept for 30 minutes; nothing was saved")
    draft = replace(
        before, revision=visit.typed("revision"), webhook=None if held is None else held.id
    )
    return submission.checked(visit, held, await submission.kept(visit, draft))


async def _saved(sent: Submission, held: Stored, shown: Show) -> Response:
    visit, store = sent.visit, sent.visit.store
    errors = [*sent.errors(), *forms.unadded(sent.draft.typed)]
    if errors:
        return shown(sent, errors)
    fields, now = sent.fields_for(held.id), store.clock()

    def run(connection: sqlite3.Connection) -> bool:
        there = unmoved(connection, held.id, sent.draft.revision, now)
        check_name(connection, sent.given, held.id)
        after = change.patched(there, fields, store.vault, now)
        drafts.discard(connection, sent.draft)
        if after is not there:
            webhooks.save(connection, after, new=False)
        return after is not there

    try:
        changed = await store.write(run)
    except Refusal as refusal:
        return shown(sent, submission.errors_of(refusal))
    except Moved as moved:
        return _conflict(sent, moved.held)
    visit.tenant.wake(held.id)  # it may have been enabled
    return html.moved(f"{LIST}/{held.id}", said="saved" if changed else "unchanged")


def _conflict(sent: Submission, held: Stored) -> Response:
    """Both versions, and what can be done about it."""
    rows = compare.rows(sent.draft, held)
    return sent.visit.page(
        "conflict.html", 409, at="webhooks", held=held, rows=rows, draft=sent.draft
    )
