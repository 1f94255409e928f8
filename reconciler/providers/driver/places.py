"""What a Tenant of a forge may mean: a repository, an organisation, or a fleet of repositories.

For GitHub, GitLab, Gitea and Forgejo.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.core.errors import BadAnswer
from reconciler.core.model.scopes import make_selector

_STEP: Final = re.compile(r"[\w.+-]+")
_DOTS: Final = frozenset({".", ".."})
_PATTERNS: Final = {
    "type": ["string", "array"],
    "minLength": 1,
    "maxLength": 255,
    "items": {"type": "string", "minLength": 1, "maxLength": 255},
}


def make_target(organization: str) -> dict[str, Any]:
    """The JSON Schema of `spec.target`; an organisation's name must match `organization`."""
    repository = {"type": "string", "pattern": "^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$"}
    return make_fleet_target(
        "organization",
        {
            "repository": {**repository, "description": "A repository, such as acme/api."},
            "organization": {
                "description": "An organisation: for its own webhooks, or for those of its "
                "repositories.",
                "type": "string",
                "pattern": organization,
            },
        },
        "repositories",
        repository,
    )


def make_fleet_target(
    parent: str, single: Mapping[str, Any], fleet: str, member: Mapping[str, Any]
) -> dict[str, Any]:
    """The JSON Schema of a target that is one of `single`, or a fleet: a list of members, or a rule
    for those of `parent`.
    """
    rule = {
        "match": {**_PATTERNS, "description": "Patterns of names, such as `svc-*`."},
        "topics": {
            "description": "Topics, all of which it has.",
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 255},
        },
        "exclude": {**_PATTERNS, "description": "Patterns of names that are left out."},
        "archived": {"description": "Whether archived ones count too.", "type": "boolean"},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            **single,
            fleet: {
                "description": f"Many {fleet}: a list, or `match`, `topics`, `exclude` and "
                f"`archived` for those of `{parent}`.",
                "type": ["array", "object"],
                "minItems": 1,
                "maxItems": 20_000,
                "items": member,
                "additionalProperties": False,
                "properties": rule,
            },
        },
        "if": {"properties": {fleet: {"type": "object"}}, "required": [fleet]},
        "then": {"required": [parent], "maxProperties": 2},
        "else": {"maxProperties": 1, "properties": dict.fromkeys([*single, fleet], True)},
    }


def find_scope(target: Mapping[str, Any]) -> str:
    """The path of the repository or organisation in the product's REST API."""
    if "repository" in target:
        return f"/repos/{target['repository']}"
    return f"/orgs/{target['organization']}"


@dataclass(frozen=True, slots=True)
class Member:
    """A repository or project that could be in a fleet; `topics` is None if the product does not
    tell them.
    """

    name: str
    topics: frozenset[str] | None
    is_archived: bool


async def find_members(
    chosen: Any, field: str, open_pages: Callable[[], AsyncIterator[list[dict[str, Any]]]]
) -> Sequence[str]:
    """The names of a fleet's members. `chosen` is a list of them, or a rule for those that the
    product lists; `field` has the full name there. Raises ProviderError.
    """
    if isinstance(chosen, list | tuple):
        return tuple(chosen)
    members = [_read_member(item, field) async for page in open_pages() for item in page]
    return _select_members(members, chosen)


def _select_members(members: Iterable[Member], rule: Mapping[str, Any]) -> list[str]:
    """The names of those that a rule means. Raises BadAnswer for a rule about topics that the
    product does not tell.
    """
    selector = make_selector(rule)
    topics = frozenset(rule.get("topics", ()))
    names = []
    for member in members:
        if not selector.includes(member.name) or (
            member.is_archived and not rule.get("archived", False)
        ):
            continue
        if topics and member.topics is None:
            raise BadAnswer(f"{member.name}: the product does not tell its topics")
        if topics <= (member.topics or frozenset()):
            names.append(member.name)
    return names


def _is_name(text: str) -> bool:
    """Whether a text is a path of names: nothing in it leads to another place of the product."""
    steps = text.split("/")
    return len(steps) > 1 and all(map(_STEP.fullmatch, steps)) and not _DOTS.intersection(steps)


def _read_member(value: Mapping[str, Any], name: str) -> Member:
    """A member out of a product's listing; `name` is the field of its full name. Raises
    BadAnswer.
    """
    topics = value.get("topics")
    if not isinstance(value.get(name), str):
        raise BadAnswer(f"the product lists something without {name}")
    if not _is_name(value[name]):
        raise BadAnswer(f"the product lists {value[name][:100]!r}, which is no {name}")
    return Member(
        value[name],
        frozenset(map(str, topics)) if isinstance(topics, list) else None,
        value.get("archived") is True,
    )
