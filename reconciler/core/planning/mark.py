"""The differences of the mark that a webhook carries at the tenant. `repository.py` checks its
repository.
"""

from __future__ import annotations

from reconciler.core.change import FieldChange
from reconciler.core.model.webhook import Declared, Live
from reconciler.core.planning.settle import Settled
from reconciler.core.safety.run_policy import RunPolicy


def diff_marks(
    live: Live, declared: Declared | Settled, policy: RunPolicy
) -> tuple[FieldChange, ...]:
    """The parts of the tenant's mark, and of the protection, that differ. If our repository is
    unknown, it does not differ.
    """
    mark = live.managed_by
    before = (
        (None, None, (), None)
        if mark is None
        else (mark.owner, mark.key, mark.sources, mark.repository)
    )
    after = (policy.owner.name, declared.key, declared.sources, policy.owner.repository_for(mark))
    changes = [] if before == after else _diff_parts(before, after)
    if declared.protected is not None and declared.protected != live.protected:
        changes.append(FieldChange(("protected",), live.protected, declared.protected))
    return tuple(changes)


def _diff_parts(before: tuple[object, ...], after: tuple[object, ...]) -> list[FieldChange]:
    """A change per part that differs; sources have no order."""
    pairs = zip(
        ("owner", "key", "sources", "repository"), map(_sort_part, before), after, strict=True
    )
    return [FieldChange(("managed_by", name), old, new) for name, old, new in pairs if old != new]


def _sort_part(part: object) -> object:
    return tuple(sorted(part)) if isinstance(part, tuple) else part
