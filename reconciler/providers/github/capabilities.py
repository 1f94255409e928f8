"""What GitHub's webhooks can hold and do.

Source: GitHub's REST API documentation of repository webhooks, organisation webhooks and Actions
variables, and "Webhook events and payloads": its delivery headers, and the members that every
payload has. What is signed is the body of the request, as "Validating webhook deliveries" says.
"""

from __future__ import annotations

from typing import Final

from reconciler.core.model.capabilities import Capabilities, Envelope, SecretRules, Signature
from reconciler.providers.driver.places import make_target

_EVENTS: Final = """
* branch_protection_configuration branch_protection_rule check_run check_suite code_scanning_alert
commit_comment create custom_property custom_property_values delete dependabot_alert deploy_key
deployment deployment_protection_rule deployment_review deployment_status discussion
discussion_comment fork gollum issue_comment issues label member membership merge_group meta
milestone org_block organization package page_build personal_access_token_request ping project
project_card project_column projects_v2 projects_v2_item projects_v2_status_update public
pull_request pull_request_review pull_request_review_comment pull_request_review_thread push
registry_package release repository repository_advisory repository_dispatch repository_import
repository_ruleset repository_vulnerability_alert secret_scanning_alert
secret_scanning_alert_location secret_scanning_scan security_and_analysis sponsorship star status
sub_issues team team_add watch workflow_dispatch workflow_job workflow_run
"""
EVENTS: Final = tuple(_EVENTS.split())
"""`*` stands for all of them, also those to come."""

PERMISSIONS: Final = "the token needs the permissions Webhooks and Variables (read and write)"
RIGHTS: Final = (
    "there is no such repository or organisation, or the token lacks the permissions Webhooks and "
    "Variables (read and write)"
)

ORGANIZATION: Final = (
    "there is no such organisation, or the token may not see it; the repositories of a person are "
    "given as a list"
)
FLEET: Final = "repositories"
"""The field of a Tenant's target that means many."""

ENVELOPE: Final = Envelope(
    headers={
        "User-Agent": "GitHub-Hookshot/reconciler",  # GitHub promises the prefix
        "X-GitHub-Delivery": "{id}",
        "X-GitHub-Event": "{event}",
        "X-GitHub-Hook-ID": "0",  # no hook of GitHub has it
    },
    words={"*": {"event": "ping"}},
    sample={
        "repository": {"full_name": "{repository}"},
        "organization": {"login": "{organization}"},
        "sender": {"login": "ghost", "type": "User"},  # GitHub's user for an event of no user
    },
    samples={name: {"zen": "A test of the reconciler.", "hook_id": 0} for name in ("*", "ping")},
    form="content_type",
    signatures=(
        Signature("X-Hub-Signature", "sha1=", algorithm="sha1"),
        Signature("X-Hub-Signature-256", "sha256="),
    ),
)

CAPABILITIES: Final = Capabilities(
    provider="github",
    fields=frozenset({"enabled"}),
    auths=frozenset({"none", "signature"}),
    schemes=("product",),
    events=EVENTS,
    needs_events=True,
    identity="url",
    mark="ledger",
    secrets=SecretRules(kept=True, visible=True),
    usage="log",
    test="saved",
    scopes=FLEET,
    parallelism=5,
    options={
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "content_type": {
                "description": "How GitHub writes the body.",
                "enum": ["form", "json"],
                "default": "form",
            },
            "insecure_ssl": {
                "description": 'Whether GitHub delivers without checking the certificate ("1").',
                "enum": ["0", "1"],
                "default": "0",
            },
        },
    },
    target=make_target("^[A-Za-z0-9-]+$"),
    envelope=ENVELOPE,
)
