"""What GitLab's webhooks can hold and do.

Source: GitLab's REST API documentation, "Project webhooks API" and "Group webhooks API". Of what
it sends: "Webhook events" (header and `object_kind` per event), and in GitLab's source
`app/services/web_hook_service.rb` (headers) and `triggerable_hooks.rb` (their names per flag).
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.core.model.capabilities import Capabilities, Envelope, SecretRules
from reconciler.providers.driver.places import make_fleet_target

EVENTS: Final = (
    "push_events",
    "tag_push_events",
    "issues_events",
    "confidential_issues_events",
    "note_events",
    "confidential_note_events",
    "merge_requests_events",
    "job_events",
    "pipeline_events",
    "wiki_page_events",
    "deployment_events",
    "feature_flag_events",
    "releases_events",
    "milestone_events",
    "emoji_events",
    "resource_access_token_events",
    "vulnerability_events",
    "member_events",
    "project_events",
    "subgroup_events",
)
"""GitLab has a flag per event; the last three are those of groups only."""

OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "enable_ssl_verification": {
        "description": "Whether GitLab checks the endpoint's certificate.",
        "type": "boolean",
        "default": True,
    },
    "push_events_branch_filter": {
        "description": "Push events of matching branches only.",
        "type": "string",
        "default": "",
    },
    "branch_filter_strategy": {
        "description": "How the branch filter is read.",
        "enum": ["wildcard", "regex", "all_branches"],
        "default": "wildcard",
    },
    "custom_webhook_template": {
        "description": "The body of a delivery, in place of GitLab's own.",
        "type": "string",
        "default": "",
    },
}
RIGHTS: Final = (
    "the token needs the scope api, and the role Maintainer in the project, or Owner in the group"
)
MISSING: Final = f"there is no such project or group, or the token may not see it; {RIGHTS}"
FLEET: Final = "projects"
"""The field of a Tenant's target that means many."""

_NAMES: Final = {
    "push_events": ("Push", "push"),
    "tag_push_events": ("Tag Push", "tag_push"),
    "issues_events": ("Issue", "issue"),
    "confidential_issues_events": ("Confidential Issue", "issue"),
    "note_events": ("Note", "note"),
    "confidential_note_events": ("Confidential Note", "note"),
    "merge_requests_events": ("Merge Request", "merge_request"),
    "job_events": ("Job", "build"),
    "pipeline_events": ("Pipeline", "pipeline"),
    "wiki_page_events": ("Wiki Page", "wiki_page"),
    "deployment_events": ("Deployment", "deployment"),
    "feature_flag_events": ("Feature Flag", "feature_flag"),
    "releases_events": ("Release", "release"),
    "milestone_events": ("Milestone", "milestone"),
    "emoji_events": ("Emoji", "emoji"),
    "resource_access_token_events": ("Resource Access Token", "access_token"),
    "vulnerability_events": ("Vulnerability", "vulnerability"),
    "member_events": ("Member", ""),
    "project_events": ("Project", ""),
    "subgroup_events": ("Subgroup", ""),
}
"""The name in the header and the `object_kind` by flag; events of groups have no kind."""

_EVENT_NAMES: Final = {
    "push_events": "push",
    "tag_push_events": "tag_push",
    "resource_access_token_events": "expiring_access_token",
    "member_events": "user_add_to_group",
    "project_events": "project_create",
    "subgroup_events": "subgroup_create",
}

ENVELOPE: Final = Envelope(
    headers={
        "User-Agent": "GitLab/reconciler",
        "Idempotency-Key": "{id}",
        "X-Gitlab-Event": "{event}",
        "X-Gitlab-Event-UUID": "{id}",
        "X-Gitlab-Instance": "{instance}",
        "X-Gitlab-Webhook-UUID": "{id}",
    },
    words={
        flag: {"event": f"{name} Hook", "kind": kind, "event_name": _EVENT_NAMES.get(flag, "")}
        for flag, (name, kind) in _NAMES.items()
    },
    sample={
        "object_kind": "{kind}",
        "event_name": "{event_name}",
        "project": {"path_with_namespace": "{project}"},
    },
    credential_header="X-Gitlab-Token",
    rewritten_by=("custom_webhook_template",),
)

HEADER: Final = "custom_headers."
"""What the options of custom headers begin with; the rest is the name of the header."""
_HEADERS: Final = {
    "^custom_headers\\.[A-Za-z0-9_-]{1,80}$": {
        "title": f"{HEADER}NAME",
        "description": "The value of a header that every delivery has: a secret.",
        "type": "string",
        "x-secret": True,
    }
}
_PATH: Final = {"type": "string", "minLength": 1, "maxLength": 1024}

CAPABILITIES: Final = Capabilities(
    provider="gitlab",
    fields=frozenset({"name", "description"}),
    description_length=2048,
    auths=frozenset({"none", "token"}),
    events=EVENTS,
    mark="field",
    secrets=SecretRules(kept=True, visible=False, type_visible=False),
    usage="log",
    rewrites=frozenset({"url"}),  # PUT asks for it
    test="saved",
    parallelism=5,
    options={
        "type": "object",
        "additionalProperties": False,
        "properties": OPTIONS,
        "patternProperties": _HEADERS,
    },
    scopes=FLEET,
    target=make_fleet_target(
        "group",
        {
            "project": {**_PATH, "description": "The path of a project, such as acme/api."},
            "group": {
                **_PATH,
                "description": "The path of a group: for its own webhooks, or for those of its "
                "projects, also in its subgroups.",
            },
        },
        FLEET,
        _PATH,
    ),
    envelope=ENVELOPE,
)
