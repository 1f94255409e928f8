"""Which live webhook is which declared one: by our owner and key, then by name, then by
`previously`. Never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.core.change import Violation
from reconciler.core.model.capabilities import TENANT, Capabilities
from reconciler.core.model.webhook import Declared, Live, Webhook
from reconciler.core.safety.run_policy import RunPolicy


@dataclass(frozen=True, slots=True)
class Match:
    """Each declared webhook with its live one (None: there is none yet), the live ones nobody
    wants, and the clashes.

    `ours` counts the live webhooks that are ours, rule 4.
    """

    pairs: tuple[tuple[Declared, Live | None], ...]
    unmatched: tuple[Live, ...]
    clashes: tuple[Violation, ...]
    ours: int


def _ambiguous(name: str, candidates: Sequence[Live]) -> Violation:
    ids = ", ".join(sorted(live.id for live in candidates))
    message = (
        f"{name}: {len(candidates)} live webhooks could be it (ids {ids}); rename or delete "
        "all but one of them at the tenant"
    )
    return Violation("ambiguous-name", message, (name,))


class _Index:
    """Live webhooks by a text. Nearly every text has one: only those that have more pay for a
    list.
    """

    def __init__(self) -> None:
        self._first: dict[str, Live] = {}
        self._more: dict[str, list[Live]] = {}

    def add(self, text: str, live: Live) -> None:
        if self._first.setdefault(text, live) is not live:
            self._more.setdefault(text, []).append(live)

    def get(self, text: str) -> tuple[Live, ...]:
        first = self._first.get(text)
        return () if first is None else (first, *self._more.get(text, ()))

    def pop(self, text: str) -> tuple[Live, ...]:
        """The same, which are then no longer in the index."""
        first = self._first.pop(text, None)
        return () if first is None else (first, *self._more.pop(text, ()))


def _id(live: Live) -> str:
    return live.id


class _Matcher:
    """The state of one matching: what is taken, and the indexes. Lives as long as one call of
    `match`.
    """

    def __init__(
        self,
        live: Sequence[Live],
        policy: RunPolicy,
        normalize: Callable[[Webhook], Webhook],
        capabilities: Capabilities,
    ) -> None:
        self.live = live
        self.policy = policy
        self.normalize = normalize
        self.taken: set[str] = set()  # live ids
        self.clashes: list[Violation] = []
        self.by_key = _Index()
        self._by_name: _Index | None = None
        self._by_url = capabilities.identity == "url"
        self.ours = 0
        for item in live:  # the one walk over all of them: it counts too
            mark = item.managed_by
            if mark is None:
                self.ours += policy.ownership == "all"
            elif mark.owner == policy.owner.name:
                self.ours += 1
                self.by_key.add(mark.key, item)

    def by_name(self, name: str) -> tuple[Live, ...]:
        """Every live webhook of that name; indexed at the first question, which a tenant without
        changes never asks.
        """
        if self._by_name is None:
            self._by_name = _Index()
            for item in self.live:
                self._by_name.add(item.spec.name, item)
        return self._by_name.get(name)

    def by_identity(self, declared: Declared) -> Sequence[Live]:
        """The live webhooks that could be a declared one by what identifies them at the product."""
        spec = self.normalize(declared.spec)
        if not self._by_url:
            return self.by_name(spec.name)
        return [item for item in self.live if item.spec.url == spec.url]

    def take_by_key(self, declared: Declared) -> Live | None:
        """The live webhook of our owner and that key.

        It is not in `taken`, which the usual run never needs: `match` adds it.
        """
        candidates = self.by_key.pop(declared.key)
        return candidates[0] if len(candidates) == 1 else self.take(declared, candidates)

    def take(self, declared: Declared, candidates: Sequence[Live]) -> Live | None:
        """The one free candidate; several are a clash, unless this run does not look at that
        webhook, and none is free then.
        """
        taken = self.taken
        free = candidates if len(candidates) == 1 else sorted(candidates, key=_id)
        free = [live for live in free if live.id not in taken]
        if not free:
            return None
        if len(free) > 1:
            if self.policy.scope.selects(declared.key):
                self.clashes.append(_ambiguous(self.normalize(declared.spec).name, free))
            self.taken.update(
                live.id for live in free
            )  # none of them may be deleted as undeclared either
        self.taken.add(free[0].id)
        return free[0]

    def earlier(self, declared: Declared, wanted: frozenset[str]) -> list[Live]:
        """Candidates by `previously`: ours only, wanted by nobody else."""
        found: dict[str, Live] = {}
        for former in declared.previously:
            for live in (*self.by_key.get(former), *self.by_name(former)):
                mark = live.managed_by
                ours = (
                    mark.owner == self.policy.owner.name if mark else self.policy.ownership == "all"
                )
                if ours and not (mark and mark.key in wanted):
                    found[live.id] = live
        return list(found.values())


def match(
    declared: Sequence[Declared],
    live: Sequence[Live],
    policy: RunPolicy,
    normalize: Callable[[Webhook], Webhook],
    capabilities: Capabilities = TENANT,
) -> Match:
    """Pairs declared with live webhooks; a live one matches once. docs/plan-rules.md, rule 1."""
    matcher = _Matcher(live, policy, normalize, capabilities)
    held = [matcher.take_by_key(item) for item in declared]
    if (
        len(held) == len(live) and None not in held
    ):  # a tenant without changes, where each further walk costs a good part
        return Match(
            tuple(zip(declared, held, strict=True)), (), tuple(matcher.clashes), matcher.ours
        )
    matcher.taken.update(found.id for found in held if found is not None)
    left = [at for at, found in enumerate(held) if found is None]
    if left:
        keys = (
            frozenset(item.key for item in declared)
            if any(item.previously for item in declared)
            else frozenset()
        )
        passes: tuple[Callable[[Declared], Sequence[Live]], ...] = (
            matcher.by_identity,
            lambda item: matcher.earlier(item, keys),
        )
        for candidates in passes:
            for at in left:
                held[at] = matcher.take(declared[at], candidates(declared[at]))
            left = [at for at in left if held[at] is None]
    pairs = tuple(zip(declared, held, strict=True))
    unmatched = tuple(item for item in live if item.id not in matcher.taken)
    looked_at = {
        normalize(item.spec).name: found for item, found in pairs if policy.scope.selects(item.key)
    }
    return Match(
        pairs, unmatched, (*matcher.clashes, *_held_names(looked_at, unmatched)), matcher.ours
    )


def _held_names(wanted: dict[str, Live | None], unmatched: Sequence[Live]) -> list[Violation]:
    """A wanted name that a live webhook holds which nobody declares, beside the one that was
    matched: two for one name.
    """
    holders: dict[str, list[Live]] = {}
    for live in unmatched:
        if wanted.get(live.spec.name) is not None:
            holders.setdefault(live.spec.name, []).append(live)
    return [
        _ambiguous(name, [*filter(None, [wanted[name]]), *holders[name]])
        for name in sorted(holders)
    ]
