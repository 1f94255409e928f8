"""A webhook's form that was sent: kept as a draft, its fields checked by the rules of the API, its
secret never a text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from reconciler.core.model.auth import CREDENTIAL_FIELDS
from reconciler.tenant.page.forms.form import Form, make_form
from reconciler.tenant.page.forms.typed_texts import make_value, read_posted, read_secret
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import STATUS, FieldError, Problem, Refusal
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.requests.body import Details, GivenAuth, read_details
from reconciler.tenant.store.values.draft import Draft
from reconciler.tenant.store.values.session import Session
from reconciler.tenant.store.values.webhook import StoredWebhook
from reconciler.tenant.store.vault import Unreadable, Vault

LIST: Final = "/settings/webhooks"
_WHY: Final = {
    "csrf": "This form was opened in an earlier session",
    "draft": "This form was kept for 30 minutes, which are over",
}


@dataclass(frozen=True, slots=True)
class Submission:
    """A draft and what its fields say; `held` is the webhook that is edited, None for a new one."""

    visit: Visit
    held: StoredWebhook | None
    draft: Draft
    given: Details
    misplaced: tuple[FieldError, ...] = ()

    @property
    def auth(self) -> GivenAuth | None:
        """The authentication, its secret from the draft; None where it is at fault."""
        auth: GivenAuth | None = self.given.fields.get("auth")
        return auth

    @property
    def url(self) -> str:
        """The url; where it is at fault the stored one, so that a secret is not asked for because
        of it.
        """
        return str(self.given.fields.get("url", "" if self.held is None else self.held.url))

    def list_errors(self) -> list[FieldError]:
        """Every field at fault for saving, a secret that must be given again among them."""
        return self._list_errors(change.merge_auth)

    def list_test_errors(self) -> list[FieldError]:
        """Every field at fault for a test: url and authentication alone, and the secret has to be
        readable.
        """
        return [
            error
            for error in self._list_errors(change.prepare_test)
            if error.pointer.split("/")[1] in {"url", "auth"}
        ]

    def _list_errors(
        self, check: Callable[[GivenAuth, StoredWebhook | None, str, Vault], object]
    ) -> list[FieldError]:
        errors = [*self.misplaced, *self.given.errors]
        known = {error.pointer for error in errors}
        if self.auth is not None:
            try:
                check(self.auth, self.held, self.url, self.visit.store.vault)
            except Refusal as refusal:
                errors += [error for error in refusal.problem.errors if error.pointer not in known]
            except Unreadable:
                errors.append(
                    FieldError(
                        f"/auth/{CREDENTIAL_FIELDS[self.auth.type]}",
                        "cannot be read any more: type it again",
                    )
                )
        return errors

    def make_fields(self, webhook_id: str) -> Mapping[str, Any]:
        """The fields to write, the draft's secret bound to the webhook."""
        auth, draft = self.auth, self.draft
        if auth is None or auth.sealed is None or draft.sealed is None:
            return self.given.fields
        sealed = self.visit.store.vault.reseal(
            draft.id, webhook_id, CREDENTIAL_FIELDS[auth.type], draft.sealed
        )
        return {**self.given.fields, "auth": replace(auth, sealed=sealed)}


def require_session(visit: Visit) -> Session:
    """Who sent the form; raises 401."""
    if visit.session is None:
        raise Refusal("signed-out")
    return visit.session


async def find_draft(visit: Visit, draft_id: str, webhook_id: str | None) -> Draft | None:
    """The session's own draft for this webhook, or for a new one; None where there is none."""
    session = require_session(visit)
    draft = await visit.store.drafts.find(draft_id, session) if draft_id else None
    return draft if draft is not None and draft.webhook == webhook_id else None


async def save_draft(visit: Visit, draft: Draft) -> Draft:
    """The draft, written."""
    await visit.store.drafts.save(draft, require_session(visit))
    return draft


async def take_form(visit: Visit, held: StoredWebhook | None, before: Draft | None) -> Submission:
    """What was just sent, kept as a draft.

    A secret that was typed earlier into this form stays with it, also beside another url: the same
    person typed both, and a mistyped url must not cost the secret. What is stored at a webhook is
    bound to its url, type and header by `webhook_change.py`.
    """
    typed = read_posted(visit.form)
    secret = read_secret(visit.form, CREDENTIAL_FIELDS.get(typed["auth"]))
    stays = before is not None and before.typed["auth"] == typed["auth"] and not secret
    draft = Draft(
        visit.store.new_id() if before is None else before.id,
        typed,
        None if held is None else held.id,
        visit.read_field("revision"),
        before.sealed if before is not None and stays else None,
    )
    submission = check_form(visit, held, draft, secret)
    await save_draft(visit, submission.draft)
    return replace(submission, misplaced=_find_misplaced(visit, typed["auth"]))


def make_refused(visit: Visit, held: StoredWebhook | None, problem: Problem) -> Form:
    """What was sent as a form to show again: nothing of it is taken, kept or checked, and its
    secret is gone; raises 400.
    """
    why = f"{_WHY.get(problem.type, STATUS[problem.type][1])}."
    draft = Draft(
        "", read_posted(visit.form), None if held is None else held.id, visit.read_field("revision")
    )
    return replace(make_form(draft, draft.typed, held, revision=draft.revision), refused=why)


def check_form(
    visit: Visit, held: StoredWebhook | None, draft: Draft, secret: str = ""
) -> Submission:
    """A draft's fields, checked; `secret` is what was typed just now, and is in the draft from here
    on.
    """
    vault = visit.store.vault
    value = make_value(draft.typed, held, secret, replaced=draft.sealed is not None)
    details = read_details(value, partial(vault.seal, draft.id), required=("name", "url"))
    auth: GivenAuth | None = details.fields.get("auth")
    if auth is not None and auth.sealed is not None:
        draft = replace(draft, sealed=auth.sealed)
    elif auth is not None and auth.type in CREDENTIAL_FIELDS and draft.sealed is not None:
        opened = vault.open(draft.id, CREDENTIAL_FIELDS[auth.type], draft.sealed)
        auth = replace(auth, secret=opened, sealed=draft.sealed)
        details = Details({**details.fields, "auth": auth}, details.errors)
    return Submission(visit, held, draft, details)


def _find_misplaced(visit: Visit, kind: str) -> tuple[FieldError, ...]:
    """Secrets typed for another authentication than the chosen one: they are not kept, and the
    form reports it.
    """
    why = (
        "belongs to an authentication that is not chosen: choose that one and type it again, "
        "or leave this as it is now"
    )
    chosen = CREDENTIAL_FIELDS.get(kind)
    others = (name for name in dict.fromkeys(CREDENTIAL_FIELDS.values()) if name != chosen)
    return tuple(
        FieldError(f"/auth/{name}", why) for name in others if read_secret(visit.form, name)
    )


async def find_name_errors(sent: Submission) -> list[FieldError]:
    """The name at fault for being taken, before anything is written."""
    name, except_id = sent.given.fields.get("name"), "" if sent.held is None else sent.held.id
    if name is None:
        return []
    return [TAKEN] if await sent.visit.store.webhooks.is_name_taken(name, except_id) else []


TAKEN: Final = FieldError("/name", "is taken: another webhook has it")


def read_errors(refusal: Refusal) -> list[FieldError]:
    """The fields at fault of a refused write; raises it again where it is not about a field."""
    if refusal.problem.type == "name-taken":
        return [TAKEN]
    if not refusal.problem.errors:
        raise refusal
    return list(refusal.problem.errors)
