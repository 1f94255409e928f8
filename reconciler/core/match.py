"""Which live webhook is which declared one: by our owner and key, then by name, then by `previously`. Never a guess."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.core.guard import Violation
from reconciler.core.model import Declared, Live, Webhook
from reconciler.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Match:
    """Each declared webhook with its live one (None: there is none yet), the live ones nobody wants, and the clashes."""

    pairs: tuple[tuple[Declared, Live | None], ...]
    unmatched: tuple[Live, ...]
    clashes: tuple[Violation, ...]


def _ambiguous(name: str, candidates: Sequence[Live]) -> Violation:
    ids = ", ".join(sorted(live.id for live in candidates))
    return Violation("ambiguous-name", f"{name}: {len(candidates)} live webhooks could be it (ids {ids})", (name,))


class _Matcher:
    """The state of one matching: what is taken, and the indexes. Lives as long as one call of `match`."""

    def __init__(self, live: Sequence[Live], policy: Policy) -> None:
        self.policy = policy
        self.taken: dict[str, str] = {}  # live id -> declared key
        self.clashes: list[Violation] = []
        self.by_key: dict[str, list[Live]] = defaultdict(list)
        self.by_name: dict[str, list[Live]] = defaultdict(list)
        for item in live:
            self.by_name[item.spec.name].append(item)
            if item.managed_by is not None and item.managed_by.owner == policy.owner.name:
                self.by_key[item.managed_by.key].append(item)

    def take(self, declared: Declared, name: str, candidates: Sequence[Live]) -> Live | None:
        """The one free candidate; several are a clash and none is taken."""
        free = [live for live in candidates if live.id not in self.taken]
        if not free:
            return None
        if len(free) > 1:
            self.clashes.append(_ambiguous(name, free))
            for live in free:  # none of them may be deleted as undeclared either
                self.taken[live.id] = declared.key
        self.taken[free[0].id] = declared.key
        return free[0]

    def earlier(self, declared: Declared, wanted: frozenset[str]) -> list[Live]:
        """Candidates by `previously`: ours only, wanted by nobody else."""
        found: dict[str, Live] = {}
        for former in declared.previously:
            for live in (*self.by_key.get(former, ()), *self.by_name.get(former, ())):
                mark = live.managed_by
                ours = mark.owner == self.policy.owner.name if mark else self.policy.ownership == "all"
                if ours and not (mark and mark.key in wanted):
                    found[live.id] = live
        return list(found.values())


def match(declared: Sequence[Declared], live: Sequence[Live], policy: Policy, normalize: Callable[[Webhook], Webhook]) -> Match:
    """Pairs declared with live webhooks; a live one matches once. Design §5, rule 1."""
    matcher = _Matcher(live, policy)
    names = {item.key: normalize(item.spec).name for item in declared}
    keys = frozenset(names)
    pairs: dict[str, Live] = {}
    passes: tuple[Callable[[Declared], Sequence[Live]], ...] = (
        lambda item: matcher.by_key.get(item.key, ()),
        lambda item: matcher.by_name.get(names[item.key], ()),
        lambda item: matcher.earlier(item, keys),
    )
    for candidates in passes:
        for item in declared:
            if item.key not in pairs:
                found = matcher.take(item, names[item.key], candidates(item))
                if found is not None:
                    pairs[item.key] = found
    matcher.clashes += _held_names(names, pairs, matcher)
    return Match(
        tuple((item, pairs.get(item.key)) for item in declared),
        tuple(item for item in live if item.id not in matcher.taken),
        tuple(matcher.clashes),
    )


def _held_names(names: dict[str, str], pairs: dict[str, Live], matcher: _Matcher) -> list[Violation]:
    """A webhook that is to get a name which a live webhook that nobody declares holds: two live ones for one wanted name."""
    clashes = []
    for key, live in pairs.items():
        if live.spec.name != names[key]:
            holders = [other for other in matcher.by_name.get(names[key], ()) if other.id not in matcher.taken]
            if holders:
                clashes.append(_ambiguous(names[key], (live, *holders)))
    return clashes
