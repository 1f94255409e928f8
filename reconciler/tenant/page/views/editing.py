"""Editing a webhook: every setting in one form, which carries the revision that it was opened with.

If somebody else saved since, both versions are shown and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from starlette.responses import Response

from reconciler.tenant.page.forms import buttons, submission
from reconciler.tenant.page.forms.buttons import ShowForm
from reconciler.tenant.page.forms.comparison import compare_versions
from reconciler.tenant.page.forms.event_choices import OFFERED
from reconciler.tenant.page.forms.form import Form, is_changed, make_form
from reconciler.tenant.page.forms.revision import (
    Moved,
    check_revision,
    find_webhook,
    require_webhook,
)
from reconciler.tenant.page.forms.submission import LIST, Submission
from reconciler.tenant.page.forms.typed_texts import list_unadded, read_webhook
from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.rendering.messages import read_message
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.page.views.deliveries import WebhookPast, read_past
from reconciler.tenant.problems import FieldError, Problem, Refusal
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.store.values.draft import Draft
from reconciler.tenant.store.values.webhook import StoredWebhook, open_secret
from reconciler.tenant.store.values.write import Change
from reconciler.tenant.store.vault import Unreadable

_PERIOD: Final = "period:"  # begins the value of the buttons that choose what the graph shows


async def show_form(visit: Visit) -> Response:
    """`GET /settings/webhooks/{id}?draft=…`: as it is stored, or as it was typed; raises 404."""
    held, wanted = await require_webhook(visit), visit.read_query("draft")
    draft = await submission.find_draft(visit, wanted, held.id)
    if wanted and draft is None:
        return html.redirect(f"{LIST}/{held.id}", said="forgotten")
    past = await read_past(visit, held.id)
    if draft is None:
        return _render(
            visit,
            held,
            past,
            make_form(None, read_webhook(held), held, revision=str(held.revision)),
        )
    return _render(visit, held, past, make_form(draft, draft.typed, held, revision=draft.revision))


async def press_button(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}`: test, change the events, choose a period, or save; raises 410
    for a version not kept.
    """
    held = await find_webhook(visit)
    before = await submission.find_draft(visit, visit.read_field("draft"), visit.read_part("id"))
    if buttons.read_action(visit) == "overwrite":
        sent = await _read_overwrite(visit, held, before)
    elif "events" not in visit.form:
        raise Refusal("bad-request", "the form could not be read")
    else:
        sent = await submission.take_form(visit, held, before)
    if held is None:
        return visit.render("gone.html", 404, at="webhooks", draft=sent.draft.id)
    if buttons.read_action(visit).startswith(_PERIOD):
        return await _show_period(sent, held)
    show = partial(_show_errors, await read_past(visit, held.id))
    done = await buttons.press_button(
        sent, show, lambda draft: (f"{LIST}/{held.id}", {"draft": draft.id})
    )
    return done if done is not None else await _save(sent, held, show)


async def show_refused_form(visit: Visit, problem: Problem) -> Response:
    """The form that was refused: what was typed, to be sent again; as a new webhook where this one
    is gone.
    """
    held = await find_webhook(visit)
    form = submission.make_refused(visit, held, problem)
    if held is None:
        form = replace(
            form,
            refused=f"{form.refused} Somebody has deleted the webhook since: sent again, this "
            "makes a new one.",
        )
        return visit.render(
            "create.html", problem.status, at="webhooks", form=form, headers=problem.headers
        )
    return _render(
        visit, held, await read_past(visit, held.id), form, problem.status, problem.headers
    )


async def _show_period(sent: Submission, held: StoredWebhook) -> Response:
    """The period that was chosen; what was typed is kept, if anything was."""
    where = partial(
        html.redirect,
        f"{LIST}/{held.id}",
        part="invocations",
        period=buttons.read_action(sent.visit).removeprefix(_PERIOD),
    )
    if is_changed(sent.draft, held):
        return where(draft=sent.draft.id)
    await sent.visit.store.drafts.discard(sent.draft)
    return where()


def _is_readable(visit: Visit, held: StoredWebhook) -> bool:
    try:
        open_secret(held.id, held.auth, visit.store.vault)
    except Unreadable:
        return False
    return True


def _render(
    visit: Visit,
    held: StoredWebhook,
    past: WebhookPast,
    form: Form,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    form = replace(form, unreadable=not _is_readable(visit, held))
    values = {
        "held": held,
        "past": past,
        "form": form,
        "offered": OFFERED,
        "message": read_message(visit.read_query("said")),
    }
    return visit.render("edit.html", status, at="webhooks", headers=headers, **values)


def _show_errors(
    past: WebhookPast,
    sent: Submission,
    errors: Sequence[FieldError],
    status: int = 422,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The form again with its errors."""
    if sent.held is None:  # `press_button` has answered that
        raise Refusal("not-found")
    form = make_form(sent.draft, sent.draft.typed, sent.held, errors, sent.draft.revision)
    return _render(sent.visit, sent.held, past, form, status, headers)


async def _read_overwrite(
    visit: Visit, held: StoredWebhook | None, before: Draft | None
) -> Submission:
    """The draft again, for the revision that was shown beside it."""
    if before is None:
        raise Refusal("draft", "what was typed was kept for 30 minutes; nothing was saved")
    draft = replace(
        before, revision=visit.read_field("revision"), webhook=None if held is None else held.id
    )
    return submission.check_form(visit, held, await submission.save_draft(visit, draft))


async def _save(sent: Submission, held: StoredWebhook, show: ShowForm) -> Response:
    visit, store = sent.visit, sent.visit.store
    errors = [*sent.list_errors(), *list_unadded(sent.draft.typed)]
    if errors:
        return show(sent, errors)
    fields, now = sent.make_fields(held.id), store.clock()
    wanted = Change(
        partial(check_revision, sent.draft.revision),
        lambda there: change.patch_webhook(there, fields, store.vault, now),
        name=sent.given.fields.get("name"),
        draft=sent.draft,
    )
    try:
        after = await store.webhooks.change(held.id, wanted)
    except Refusal as refusal:
        return show(sent, submission.read_errors(refusal))
    except Moved as moved:
        return _show_conflict(sent, moved.held)
    visit.tenant.wake(held.id)  # it may have been enabled
    same = str(after.revision) == sent.draft.revision
    return html.redirect(f"{LIST}/{held.id}", said="unchanged" if same else "saved")


def _show_conflict(sent: Submission, held: StoredWebhook) -> Response:
    """Both versions, and what can be done about it."""
    rows = compare_versions(sent.draft, held)
    return sent.visit.render(
        "conflict.html", 409, at="webhooks", held=held, rows=rows, draft=sent.draft
    )
