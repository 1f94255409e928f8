"""A repository or an organisation as a Tenant's target: what GitHub, Gitea and Forgejo have in
common.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def make_target(organization: str) -> dict[str, Any]:
    """The JSON Schema of `spec.target`; an organisation's name must match `organization`."""
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {
            "repository": {
                "description": "A repository, such as acme/api.",
                "type": "string",
                "pattern": "^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$",
            },
            "organization": {
                "description": "An organisation, for its own webhooks; the other choice.",
                "type": "string",
                "pattern": organization,
            },
        },
    }


def find_scope(target: Mapping[str, Any]) -> str:
    """The path of the repository or organisation in the product's REST API."""
    if "repository" in target:
        return f"/repos/{target['repository']}"
    return f"/orgs/{target['organization']}"
