"""Products without room for a mark of ownership: the webhook that identifies itself as a declared
one counts as ours. docs/plan-rules.md, rule 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.webhook import Declared, Live, ManagedBy
from reconciler.core.safety.run_policy import RunPolicy

Pairs = tuple[tuple[Declared, Live | None], ...]


def mark_matches(pairs: Iterable[tuple[Declared, Live | None]], policy: RunPolicy) -> Pairs:
    """The pairs, each live webhook with the mark that it would have."""
    return tuple((item, live and _with_mark(item, live, policy)) for item, live in pairs)


def _with_mark(declared: Declared, live: Live, policy: RunPolicy) -> Live:
    mark = ManagedBy(
        policy.owner.name, declared.key, declared.sources, repository=policy.owner.repository
    )
    return replace(live, managed_by=mark)


def warn_of_no_mark(capabilities: Capabilities, policy: RunPolicy) -> tuple[str, ...]:
    """What a plan says of a product without a mark; nothing of the others."""
    if capabilities.mark != "none":
        return ()
    rest = (
        "what no manifest declares is deleted (ownership: all)"
        if policy.ownership == "all"
        else "nothing is deleted: delete at the product what no manifest declares any more"
    )
    text = (
        f"{capabilities.provider} keeps no mark of ownership here: a webhook with a declared "
        f"{capabilities.identity} counts as ours, also one that was made by hand; "
        f"credentials are not compared; {rest}"
    )
    return (text,)
