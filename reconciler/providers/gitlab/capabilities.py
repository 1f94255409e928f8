"""What GitLab's webhooks can hold and do.

Source: GitLab's REST API documentation, "Project webhooks API" and "Group webhooks API".
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.core.model.capabilities import Capabilities, SecretRules
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
FLEET: Final = "projects"
"""The field of a Tenant's target that means many."""
_PATH: Final = {"type": "string", "minLength": 1, "maxLength": 1024}

CAPABILITIES: Final = Capabilities(
    provider="gitlab",
    fields=frozenset({"name", "description"}),
    description_length=2048,
    auths=frozenset({"none", "token"}),
    events=EVENTS,
    mark="field",
    secrets=SecretRules(kept=True, visible=False, type_visible=False),
    test="saved",
    parallelism=5,
    options={"type": "object", "additionalProperties": False, "properties": OPTIONS},
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
)
