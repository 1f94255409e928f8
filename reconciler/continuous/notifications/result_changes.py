"""Which notices a run gives rise to: the result before it and the result after it -> notices. Pure.

- drift: once, until it changes;
- refused: once per digest of the plan, until the plan is no longer refused;
- failed: once, until a run succeeds, whatever the reason;
- recovered: once, when a run succeeds after a failed one, or Git and the tenant agree again;
- applied: per run that changed something;
- endpoint-disabled: once per endpoint, until the product enables it.

After a restart nothing is known from before, so what is still wrong is told again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from reconciler.continuous.notifications.notice import Notice, Result, State, make_notice

_RECOVERED: Final[Mapping[State, str]] = {
    "ok": "Git and the tenant agree",
    "drift": "the run works again; the tenant differs from Git",
    "refused": "the run works again; its plan is refused",
}
_Found = Iterator[tuple[str, tuple[str, ...]]]


def find_notices(before: Result | None, after: Result) -> tuple[Notice, ...]:
    """The notices of a run of one Tenant. `before` is what `remember` kept of the runs until then,
    None if there was none.
    """
    known = before or Result(after.tenant, "ok", after.time)
    return tuple(make_notice(kind, after, lines) for kind, lines in _find(known, after))


def remember(before: Result | None, after: Result) -> Result:
    """What the next call of `find_notices` has to know. A failed run saw nothing, so what was known
    before it stays.
    """
    if after.state != "failed":
        return replace(
            after,
            drift=after.drift if after.state == "drift" else (),
            violations=after.violations if after.state == "refused" else (),
        )
    if before is None:
        return after
    return replace(
        after,
        digest=before.digest,
        drift=before.drift,
        violations=before.violations,
        disabled=before.disabled,
    )


def _find(before: Result, after: Result) -> _Found:
    """Kind and lines of each notice."""
    if after.applied:
        yield "applied", after.applied
    if after.state == "failed":
        if before.state != "failed":
            yield "failed", after.problems
        return
    if before.state == "failed" or (before.state != "ok" and after.state == "ok"):
        yield "recovered", (_RECOVERED[after.state],)
    if after.state == "drift" and after.drift != before.drift:
        yield "drift", after.drift
    is_same_refusal = bool(before.violations) and before.digest == after.digest
    if after.state == "refused" and not is_same_refusal:
        yield "refused", after.violations
    known = {endpoint.webhook for endpoint in before.disabled}
    disabled = tuple(str(item) for item in after.disabled if item.webhook not in known)
    if disabled:
        yield "endpoint-disabled", disabled
