"""What differs in the mark that a webhook carries at the tenant. Whose repository it names is
judged in `repository.py`.
"""

from __future__ import annotations

from reconciler.core.change import FieldChange
from reconciler.core.model.webhook import Declared, Live
from reconciler.core.planning.settle import Settled
from reconciler.core.safety.run_policy import RunPolicy


def mark_changes(
    live: Live, declared: Declared | Settled, policy: RunPolicy
) -> tuple[FieldChange, ...]:
    """The parts of the tenant's mark, and of the protection beside it, that differ. An unknown
    repository of ours does not.
    """
    mark = live.managed_by
    before = (
        (None, None, (), None)
        if mark is None
        else (mark.owner, mark.key, mark.sources, mark.repository)
    )
    after = (policy.owner.name, declared.key, declared.sources, policy.owner.repository_for(mark))
    changes = [] if before == after else _differing(before, after)
    if declared.protected is not None and declared.protected != live.protected:
        changes.append(FieldChange(("protected",), live.protected, declared.protected))
    return tuple(changes)


def _differing(before: tuple[object, ...], after: tuple[object, ...]) -> list[FieldChange]:
    """A change for each part that differs; the order of the sources is none."""
    pairs = zip(
        ("owner", "key", "sources", "repository"), map(_ordered, before), after, strict=True
    )
    return [FieldChange(("managed_by", name), old, new) for name, old, new in pairs if old != new]


def _ordered(part: object) -> object:
    return tuple(sorted(part)) if isinstance(part, tuple) else part
