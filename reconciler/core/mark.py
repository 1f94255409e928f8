"""What differs in the mark that a webhook carries at the tenant. Whose repository it names is judged in `repository.py`."""

from __future__ import annotations

from reconciler.core.diff import FieldChange
from reconciler.core.model import Declared, Live
from reconciler.core.policy import Policy


def mark_changes(live: Live, declared: Declared, policy: Policy) -> tuple[FieldChange, ...]:
    """The parts of the tenant's mark, and of the protection beside it, that differ. An unknown repository of ours does not."""
    mark = live.managed_by
    before = (None, None, (), None) if mark is None else (mark.owner, mark.key, tuple(sorted(mark.sources)), mark.repository)
    after = (policy.owner.name, declared.key, declared.sources, policy.owner.repository_for(mark))
    names = ("owner", "key", "sources", "repository")
    changes = [
        FieldChange(("managed_by", name), old, new) for name, old, new in zip(names, before, after, strict=True) if old != new
    ]
    if declared.protected is not None and declared.protected != live.protected:
        changes.append(FieldChange(("protected",), live.protected, declared.protected))
    return tuple(changes)
