"""The bodies of GitHub's answers, with every field that its OpenAPI description requires."""

from __future__ import annotations

from typing import Any

MASK = "********"
BEGINNING = "2026-01-01T00:00:00Z"
UNUSED = {"code": None, "status": "unused", "message": None}
DOCUMENTATION = "https://docs.github.com/rest/repos/webhooks"


def show_hook(hook: dict[str, Any], address: str) -> dict[str, Any]:
    """A hook at its address, without its key. An organisation's has no test and no last answer."""
    config = dict(hook["config"])
    if config.get("secret"):
        config["secret"] = MASK
    else:
        config.pop("secret", None)
    shown = {
        "type": "Repository",
        "url": address,
        "test_url": f"{address}/test",
        "ping_url": f"{address}/pings",
        "deliveries_url": f"{address}/deliveries",
        "last_response": UNUSED,
        **{name: hook[name] for name in hook if name != "deliveries"},
        "config": config,
    }
    if "/orgs/" in address:
        del shown["test_url"], shown["last_response"]
        shown["type"] = "Organization"
    return shown


def show_delivery(item: dict[str, Any]) -> dict[str, Any]:
    """A delivery of the log."""
    code = item["status_code"]
    return {
        "guid": f"00000000-0000-0000-0000-{item['id']:012}",
        "delivered_at": BEGINNING,
        "redelivery": False,
        "duration": 0.03,
        "status": "OK" if 200 <= code < 300 else "Invalid HTTP Response" if code else "timed out",
        "action": None,
        "installation_id": None,
        "repository_id": None,
        "throttled_at": None,
        **item,
    }


def show_variable(variable: dict[str, Any], address: str) -> dict[str, Any]:
    """A variable; an organisation's says who may read it."""
    shown = {"created_at": BEGINNING, "updated_at": BEGINNING, **variable}
    if "/orgs/" in address and shown.get("visibility") == "selected":
        shown["selected_repositories_url"] = f"{address}/repositories"
    return shown


def show_status(number: int, status: dict[str, Any], address: str, time: str) -> dict[str, Any]:
    """The status of a commit."""
    return {
        "url": address,
        "avatar_url": None,
        "id": number,
        "node_id": f"SC_{number}",
        "state": status["state"],
        "description": status.get("description"),
        "target_url": status.get("target_url"),
        "context": status.get("context", "default"),
        "created_at": time,
        "updated_at": time,
        "creator": None,
    }


def make_status_refusal(field: str, message: str) -> dict[str, Any]:
    """The body of a 422 for a status."""
    error = {"resource": "Status", "code": "custom", "field": field, "message": message}
    return {
        "message": "Validation Failed",
        "errors": [error],
        "documentation_url": "https://docs.github.com/rest/commits/statuses#create-a-commit-status",
    }


def make_refusal(message: str) -> dict[str, Any]:
    """The body of a 422 for a hook."""
    error = {"resource": "Hook", "code": "custom", "message": message}
    return {
        "message": "Validation Failed",
        "errors": [error],
        "documentation_url": DOCUMENTATION,
    }
