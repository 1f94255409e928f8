"""A saved plan out of its file: what was shown, and the inputs of planning it again.

The body has kept the JSON Schemas of a saved plan and of a plan already. What was shown is read for
printing and comparing only: no webhook is written from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.core.change import (
    Action,
    Change,
    Counts,
    FieldChange,
    Label,
    Plan,
    TenantRef,
    Unclear,
    Violation,
)
from reconciler.core.errors import InvalidPlanFile
from reconciler.core.model.json_reading import JsonValue
from reconciler.core.model.scopes import ScopeFailure, Scopes, get_git_key
from reconciler.core.model.webhook import Declared, Live, Origin, Owner, Subscription, Use, Webhook
from reconciler.core.safety.run_policy import Limits, RunPolicy, Scope
from reconciler.core.saved.live_values import Values
from reconciler.core.saved.plan_file import FLAGS, Json
from reconciler.core.wire import webhooks as codec

_COUNTS: Final = ("create", "update", "delete", "keep", "unmanaged", "out_of_scope")
_EVENTS: Final = ("events",)


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved plan: `shown` is fit to be printed, the rest to plan it again.

    `policy` is the one of the run that made it; `base`, `bases`, `declared` and `unclear` are the
    plan's; `live` holds by id what the touched live webhooks were, `manifests` the declared ones as
    they were saved, `unread` by key the fields whose references the plan does not need; `program`
    is the version that saved it.
    """

    shown: Plan
    policy: RunPolicy
    base: int
    bases: Mapping[str, int]
    declared: int
    unclear: tuple[Unclear, ...]
    live: Mapping[str, Values]
    manifests: tuple[Json, ...]
    unread: Mapping[str, frozenset[str]]
    program: str


def read_plan(body: Json) -> Saved:
    """The saved plan of a body; raises InvalidPlanFile where its parts do not fit each other."""
    document, kept = body["plan"], body["live"]
    names = [item["value"]["metadata"]["name"] for item in body["manifests"]]
    changes = document["changes"]
    keys = (get_git_key(item["key"]) for item in changes if item["action"] != Action.DELETE)
    if names != list(dict.fromkeys(keys)):
        raise InvalidPlanFile("is not a plan that this program saves: /manifests: of other changes")
    if [item["id"] for item in kept] != [item["id"] for item in changes if item["id"] is not None]:
        raise InvalidPlanFile("is not a plan that this program saves: /live: of other changes")
    ref = _tenant(document)
    return Saved(
        _shown(document, ref, {item["id"]: item for item in kept}),
        _policy(body["policy"], ref.owner),
        body["base"],
        body.get("bases", {}),
        body["declared"],
        tuple(Unclear(**{**item, "names": tuple(item["names"])}) for item in body["unclear"]),
        {item["id"]: item["values"] for item in kept},
        tuple(body["manifests"]),
        {
            name: frozenset(map(".".join, item["unread"]))
            for name, item in zip(names, body["manifests"], strict=True)
        },
        body["program"],
    )


def _tenant(document: Json) -> TenantRef:
    tenant, scopes = document["tenant"], _scopes(document.get("scopes"))
    names = (tenant["name"], tenant["url"], tenant["owner"])
    return TenantRef(*names, document.get("repository"), scopes)


def _scopes(body: Json | None) -> Scopes | None:
    if body is None:
        return None
    failures = tuple(
        ScopeFailure(item["scope"], item["kind"], item["message"]) for item in body["failed"]
    )
    return Scopes(body["noun"], tuple(body["found"]), failures)


def _policy(body: Json, owner: str) -> RunPolicy:
    scope, selected = body["scope"], body["scope"]["selected"]
    return RunPolicy(
        Owner(owner, body["revision"], body["repository"]),
        **{name: body[name] for name in FLAGS},
        limits=Limits(**body["limits"]),
        scope=Scope(
            tuple(scope["folders"]),
            tuple(scope["files"]),
            frozenset(selected) if selected is not None else None,
            scope["root"],
        ),
        literal_urls=frozenset(body["literal_urls"]),
        moved_from=frozenset(body["moved_from"]),
    )


def _shown(document: Json, ref: TenantRef, kept: Mapping[str, Json]) -> Plan:
    since = document.get("since")
    return Plan(
        ref,
        (tuple(_change(item, kept.get(item["id"])) for item in document["changes"]),),
        Counts(**{name: document["summary"][name] for name in _COUNTS}),
        violations=tuple(map(_violation, document["violations"])),
        warnings=tuple(document["warnings"]),
        since=None if since is None else (since["rev"], since["commit"]),
        digest=document["digest"],
    )


def _violation(item: Json) -> Violation:
    place = Origin(item["file"], item["line"], item["column"]) if "file" in item else None
    accepted = item.get("accepted", False)
    return Violation(item["rule"], item["message"], tuple(item["names"]), place, accepted)


def _change(item: Json, kept: Json | None) -> Change:
    action, fields = Action(item["action"]), tuple(map(_field, item["fields"]))
    live = _live(item, kept) if kept is not None else None
    deletes = action is Action.DELETE
    return Change(
        action,
        item["name"],
        live,
        None if deletes else _declared(item, fields, live),
        fields,
        item["reason"],
        item["file"] if deletes else None,
        _label(item),
        tuple(item.get("moved", ())),
    )


def _live(item: Json, kept: Json) -> Live:
    """What printing, and deleting what is deleted already, need of a live webhook."""
    values = kept["values"]
    spec = Webhook(values["name"], "", subscriptions=frozenset(map(_event, values["events"])))
    mark, counts = codec.mark_from_json(JsonValue(values["managed_by"])), item.get("use", {})
    use = Use(**counts) if counts is not None else None
    scope = item.get("scope", "")
    return Live(spec, kept["id"], kept["revision"], mark, values["protected"], use, scope)


def _declared(item: Json, fields: tuple[FieldChange, ...], live: Live | None) -> Declared:
    """What printing needs of a declared webhook: its places, and whether it has an event."""
    events = set(live.spec.subscriptions if live is not None else ())
    for field in fields:
        events = (events - {*field.removed}) | {*field.added}
    added = (event for field in item["fields"] for event in field.get("added", ()))
    return Declared(
        Webhook(item["name"], "", subscriptions=frozenset(events)),
        item["key"] or "",
        Origin(item["file"], item["line"]),
        subscription_origins={_event(event): _place(event) for event in added if "file" in event},
        field_origins={
            tuple(field["path"]): _place(field) for field in item["fields"] if "file" in field
        },
    )


def _place(item: Json) -> Origin:
    return Origin(item["file"], item["line"])


def _field(item: Json) -> FieldChange:
    path, label = tuple(item["path"]), _label(item)
    if path != _EVENTS:
        before, after, base = (_value(item.get(side)) for side in ("before", "after", "base"))
        return FieldChange(path, before, after, item.get("secret", False), label=label, base=base)
    added, removed = (tuple(map(_event, item[side])) for side in ("added", "removed"))
    base = None if label is None else _events_of_base(item)
    return FieldChange(path, added=added, removed=removed, label=label, base=base)


def _events_of_base(item: Json) -> frozenset[Subscription]:
    """Of the events that differ those that Git had: the tenant lost what is added again, and Git
    what is removed.
    """
    sides = (("added", Label.DRIFT), ("removed", Label.PENDING))
    return frozenset(
        _event(event) for side, moved in sides for event in item[side] if _label(event) is moved
    )


def _label(item: Json) -> Label | None:
    return Label(item["label"]) if "label" in item else None


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _event(item: Json) -> Subscription:
    return Subscription(item["type"], item["version"], item["severity"])
