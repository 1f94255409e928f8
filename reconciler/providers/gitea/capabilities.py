"""What the webhooks of Gitea and Forgejo can hold and do.

Source: the source of go-gitea/gitea 1.22 to 1.26, `modules/structs/hook.go` and
`routers/api/v1/utils/hook.go` (what a create and an edit do), `models/webhook/webhook.go` (which
events are listed), `modules/webhook/type.go` (their names, and the name that a delivery has),
`services/webhook/deliver.go` (headers and signatures of a delivery: what is signed is the JSON,
also where it is sent as a form).
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.core.model.capabilities import Capabilities, Envelope, SecretRules, Signature
from reconciler.providers.driver.places import make_target

GROUPS: Final = {
    "issues": ("issue_assign", "issue_label", "issue_milestone", "issue_comment"),
    "pull_request": (
        "pull_request_assign",
        "pull_request_label",
        "pull_request_milestone",
        "pull_request_comment",
        "pull_request_review",
        "pull_request_review_request",
        "pull_request_sync",
    ),
}
"""What Gitea makes of one event; `issues_only` and `pull_request_only` are that event alone."""

_OTHERS: Final = """
create delete fork push wiki repository release package status workflow_run workflow_job
"""
EVENTS: Final = (
    *_OTHERS.split(),
    *(name for group in GROUPS for name in (group, f"{group}_only", *GROUPS[group])),
)

RIGHTS: Final = (
    "the token needs the scope write:repository (write:organization for an organisation), and its "
    "user must own the repository or organisation"
)
MISSING: Final = (
    f"there is no such repository or organisation, or the token may not see it; {RIGHTS}"
)

OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "content_type": {
        "description": "How Gitea writes the body.",
        "enum": ["json", "form"],
        "default": "json",
    },
    "branch_filter": {
        "description": "Events of matching branches only, as a glob.",
        "type": "string",
        "default": "",
    },
}

FLEET: Final = "repositories"
"""The field of a Tenant's target that means many."""

_SENT_AS: Final = {
    "issues": ("issue_assign", "issue_label", "issue_milestone", "issues_only"),
    "issue_comment": ("pull_request_comment",),
    "pull_request": (
        "pull_request_assign",
        "pull_request_label",
        "pull_request_milestone",
        "pull_request_review_request",
        "pull_request_sync",
        "pull_request_only",
    ),
    "pull_request_approved": ("pull_request_review",),
}
"""The name that a delivery has, and the events that are sent under it, if it is not their own."""

_TYPES: Final = {
    "issues_only": "issues",
    "pull_request_only": "pull_request",
    "pull_request_review": "pull_request_review_approved",
}

ENVELOPE: Final = Envelope(
    headers={
        f"X-{name}-{part}": text
        for name in ("Gitea", "Gogs", "GitHub")
        for part, text in (("Delivery", "{id}"), ("Event", "{event}"), ("Event-Type", "{type}"))
    },
    words={
        item: {"event": name, "type": _TYPES.get(item, item)}
        for name, items in _SENT_AS.items()
        for item in items
    },
    sample={
        "repository": {"full_name": "{repository}"},
        "organization": {"username": "{organization}"},
        "sender": {"login": "reconciler"},
    },
    form="content_type",
    signatures=(
        Signature("X-Gitea-Signature", signed="payload"),
        Signature("X-Gogs-Signature", signed="payload"),
        Signature("X-Hub-Signature", "sha1=", algorithm="sha1", signed="payload"),
        Signature("X-Hub-Signature-256", "sha256=", signed="payload"),
    ),
)

CAPABILITIES: Final = Capabilities(
    provider="gitea",
    fields=frozenset({"enabled"}),
    auths=frozenset({"none", "signature"}),
    schemes=("product",),
    events=EVENTS,
    needs_events=True,
    implied=GROUPS,
    identity="url",
    mark="ledger",
    secrets=SecretRules(kept=True, visible=False, type_visible=False, rotatable=False),
    rewrites=frozenset({"url", "enabled", "events", "options"}),  # what is not sent is reset
    test="saved",
    scopes=FLEET,
    parallelism=5,
    options={"type": "object", "additionalProperties": False, "properties": OPTIONS},
    target=make_target("^[A-Za-z0-9._-]+$"),
    envelope=ENVELOPE,
)
