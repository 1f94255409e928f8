"""A saved plan out of its document.

Raises InvalidPlanFile with a JSON pointer for what does not fit, and never quotes it.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from reconciler.core.change import (
    Action,
    Change,
    Counts,
    FieldChange,
    Label,
    Plan,
    TenantRef,
    Violation,
)
from reconciler.core.errors import InvalidPlanFile
from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth, auth_type
from reconciler.core.model.fields import Field, attributes, make_spec
from reconciler.core.model.json_reading import At
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Declared, Live, Origin, Owner, Subscription, Use, Webhook
from reconciler.core.planning.plan import policy_text
from reconciler.core.safety.evidence import unclear_of
from reconciler.core.safety.run_policy import Limits, Ownership, RunPolicy
from reconciler.core.saved.plan_file import Json, Saved
from reconciler.core.wire import webhooks as codec

_COUNTS: Final = ("create", "update", "delete", "keep", "unmanaged", "out_of_scope")


def saved(document: Json) -> Saved:
    """The plan of a document; raises InvalidPlanFile."""
    try:
        return _saved(At(document))
    except ValueError as error:
        raise InvalidPlanFile(f"is not a plan that this program saves: {error}") from None


def _saved(at: At) -> Saved:
    apply, tenant = at.get("apply"), at.get("tenant")
    repository = apply.get("repository").maybe_text()
    ref = TenantRef(
        tenant.get("name").text(), tenant.get("url").text(), tenant.get("owner").text(), repository
    )
    shown, kept = at.get("changes").items(), apply.get("changes").items()
    if len(shown) != len(kept):
        raise ValueError("/apply/changes: not one for each change")
    changes = [_change(*pair) for pair in zip(shown, kept, strict=True)]
    literals = frozenset(url for change in changes for url in _literal_urls(change))
    policy = _policy(apply, ref, literals)
    summary = at.get("summary")
    violations = tuple(_violation(item) for item in at.get("violations").items())
    plan = Plan(
        ref,
        _stages(apply.get("stages"), changes),
        Counts(**{name: summary.get(name).count() for name in _COUNTS}),
        base=apply.get("base").count(),
        declared=apply.get("declared").count(),
        judged=tuple(found for found in violations if found.in_digest),
        unclear=unclear_of(apply.get("unclear")),
        violations=violations,
        warnings=tuple(item.text() for item in at.get("warnings").items()),
        policy=policy_text(policy),
        since=_since(at.get("since")),
        digest=at.get("digest").text(),
    )
    lives = [item.get("live") for item in kept if item.get("live").value is not None]
    known = {live.get("id").text(): _fingerprints(live) for live in lives}
    return Saved(plan, policy, at.get("program").text(), known)


def _since(at: At) -> tuple[str, str] | None:
    return None if at.value is None else (at.get("rev").text(), at.get("commit").text())


def _stages(at: At, changes: list[Change]) -> tuple[tuple[Change, ...], ...]:
    left, sizes = iter(changes), [item.count() for item in at.items()]
    if sum(sizes) != len(changes):
        raise ValueError(f"{at.pointer}: not all changes")
    return tuple(tuple(islice(left, size)) for size in sizes)


def _policy(apply: At, ref: TenantRef, literals: frozenset[str]) -> RunPolicy:
    at = apply.get("policy")
    limits, ownership = at.get("limits"), at.get("ownership").text()
    words: dict[str, Ownership] = {"marked": "marked", "all": "all"}
    if ownership not in words:
        raise ValueError("/apply/policy/ownership: unknown")
    return RunPolicy(
        Owner(ref.owner, apply.get("revision").maybe_text(), ref.repository),
        words[ownership],
        prune=at.get("prune").flag(),
        adopt=at.get("adopt").flag(),
        resend_credentials=at.get("resend_credentials").flag(),
        accept_in_use=at.get("accept_in_use").flag(),
        limits=Limits(
            delete_share=_share(limits.get("delete_share")),
            update_share=_share(limits.get("update_share")),
            update_from=limits.get("update_from").count(),
            max_deletes=_maybe_count(limits.get("max_deletes")),
            max_updates=_maybe_count(limits.get("max_updates")),
        ),
        literal_urls=literals,
        moved_from=frozenset(item.text() for item in at.get("moved_from").items()),
    )


def _share(at: At) -> float:
    if (
        not isinstance(at.value, int | float)
        or isinstance(at.value, bool)
        or not 0 <= at.value <= 1
    ):
        raise ValueError(f"{at.pointer}: not a share")
    return float(at.value)


def _maybe_count(at: At) -> int | None:
    return None if at.value is None else at.count()


def _violation(at: At) -> Violation:
    names = tuple(name.text() for name in at.get("names").items())
    file = at.get("file").maybe_text()
    origin = (
        None if file is None else Origin(file, at.get("line").count(), at.get("column").count())
    )
    return Violation(at.get("rule").text(), at.get("message").text(), names, origin)


def _change(shown: At, kept: At) -> Change:
    try:
        action = Action(shown.get("action").text())
    except ValueError:
        raise ValueError(f"{shown.pointer}/action: unknown") from None
    live = _live(kept.get("live")) if kept.get("live").value is not None else None
    declared = (
        _declared(kept.get("declared"), shown) if kept.get("declared").value is not None else None
    )
    sides = {
        Action.CREATE: (False, True),
        Action.UPDATE: (True, True),
        Action.DELETE: (True, False),
    }
    if sides.get(action) != (live is not None, declared is not None):
        raise ValueError(f"{kept.pointer}: not the sides of its action")
    fields = tuple(_field(item) for item in shown.get("fields").items())
    recorded = shown.get("file").maybe_text() if action is Action.DELETE else None
    name, reason, moved = shown.get("name").text(), shown.get("reason").text(), shown.get("moved")
    fields_moved = tuple(item.text() for item in moved.items()) if moved.value is not None else ()
    return Change(
        action, name, live, declared, fields, reason, recorded, _label(shown), fields_moved
    )


def _literal_urls(change: Change) -> set[str]:
    """The urls of a change that outputs of that run showed in full (and some that they did not,
    which equal no url).
    """
    sides = [side.spec.url for side in (change.live, change.declared) if side is not None]
    told = [
        text
        for field in change.fields
        if field.path == ("url",)
        for text in (field.before, field.after)
    ]
    return {url for url in (*sides, *told) if isinstance(url, str)}


def _field(at: At) -> FieldChange:
    path = tuple(step.text() for step in at.get("path").items())
    if not path:
        raise ValueError(f"{at.pointer}/path: empty")
    if path == ("events",):
        added, removed = (
            tuple(_event(item) for item in at.get(which).items()) for which in ("added", "removed")
        )
        base = _events_before(at) if at.get("label").value is not None else None
        return FieldChange(path, added=added, removed=removed, label=_label(at), base=base)
    secret = at.get("secret").value is True
    return FieldChange(
        path,
        _told(at.get("before")),
        _told(at.get("after")),
        secret,
        label=_label(at),
        base=_told(at.get("base")),
    )


def _label(at: At) -> Label | None:
    """Who moved, in a plan that was made with `--since`."""
    told = at.get("label").maybe_text()
    if told is not None and told not in list(Label):
        raise ValueError(f"{at.pointer}/label: unknown")
    return None if told is None else Label(told)


def _events_before(at: At) -> frozenset[Subscription]:
    """Of the events that differ those that Git had: the tenant lost what is added again, and Git
    what is removed.
    """
    sides = (("added", Label.DRIFT), ("removed", Label.PENDING))
    return frozenset(
        _event(item)
        for which, moved in sides
        for item in at.get(which).items()
        if _label(item) is moved
    )


def _told(at: At) -> Any:
    """A value as outputs show it: text, flag, nothing, or several texts."""
    if at.value is None or isinstance(at.value, str | bool | int | float):
        return at.value
    return tuple(item.text() for item in at.items())


def _event(at: At) -> Subscription:
    return Subscription(
        at.get("type").text(), at.get("version").maybe_text(), at.get("severity").maybe_text()
    )


def _origins(shown: At) -> dict[Subscription, Origin]:
    """Where the added events stand, as the document's fields say."""
    changes = [field.get("added") for field in shown.get("fields").items()]
    added = [item for events in changes if events.value is not None for item in events.items()]
    placed = [item for item in added if item.get("file").value is not None]
    return {
        _event(item): Origin(item.get("file").text(), item.get("line").count()) for item in placed
    }


def _declared(at: At, shown: At) -> Declared:
    labels = at.get("labels")
    if not isinstance(labels.value, dict):
        raise ValueError(f"{labels.pointer}: not an object")  # noqa: TRY004  one error type for what does not decode
    return Declared(
        _spec(at.get("spec")),
        at.get("key").text(),
        _origin(at.get("origin")),
        labels={name: labels.get(name).text() for name in labels.value},
        protected=_maybe_flag(at.get("protected")),
        sources=tuple(item.text() for item in at.get("sources").items()),
        subscription_origins=_origins(shown),
        field_origins={
            tuple(step.text() for step in item.get("path").items()): _origin(item)
            for item in at.get("patched").items()
        },
    )


def _origin(at: At) -> Origin:
    return Origin(at.get("file").text(), at.get("line").count(), at.get("column").count())


def _maybe_flag(at: At) -> bool | None:
    return None if at.value is None else at.flag()


def _live(at: At) -> Live:
    use = at.get("use")
    return Live(
        _spec(at.get("spec")),
        at.get("id").text(),
        at.get("revision").text(),
        codec.mark_from_json(at.get("managed_by")),
        at.get("protected").flag(),
        Use(use.get("succeeded").count(), use.get("failed").count()),
    )


def _fingerprints(at: At) -> dict[str, str | None]:
    known = at.get("fingerprint")
    if not isinstance(known.value, dict):
        raise ValueError(f"{known.pointer}: not an object")  # noqa: TRY004  as above
    return {field: known.get(field).maybe_text() for field in known.value}


def _spec(at: At) -> Webhook:
    values = {row.name: _plain(row, at.get(row.name)) for row in attributes()}
    return make_spec(
        values,
        _value(at.get("url")),
        _auth(at.get("auth")),
        frozenset(_event(item) for item in at.get("events").items()),
    )


def _plain(row: Field, at: At) -> Any:
    if at.value is None and row.default is None and row.created is not None:
        return None
    if type(at.value) not in row.types:
        raise ValueError(f"{at.pointer}: not {' or '.join(kind.__name__ for kind in row.types)}")
    return at.value


def _value(at: At) -> str | Secret:
    return (
        at.value
        if isinstance(at.value, str)
        else Secret(None, at.get("reference").text(), at.get("shown").text())
    )


def _auth(at: At) -> Auth:
    kind = at.get("type").text()
    if kind == auth_type(NoAuth()):
        return NoAuth()
    held = at.get("credential")
    reference, version = held.get("reference").maybe_text(), held.get("version").maybe_text()
    secret = Withheld(version) if reference is None else Secret(None, reference, version=version)
    match kind:
        case "basic":
            return BasicAuth(_value(at.get("username")), secret)
        case "bearer":
            return BearerAuth(secret)
        case "apiKey":
            return ApiKeyAuth(at.get("header").text(), secret)
    raise ValueError(f"{at.pointer}/type: unknown")
