"""Matches declared with live webhooks: by our owner and key, then by name, then by `previously`. It
never guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reconciler.core.change import Violation
from reconciler.core.model.capabilities import TENANT, Capabilities
from reconciler.core.model.scopes import split_key
from reconciler.core.model.webhook import Declared, Live, Webhook
from reconciler.core.planning.unmarked import Pairs, mark_matches
from reconciler.core.safety.run_policy import RunPolicy


@dataclass(frozen=True, slots=True)
class Match:
    """Each declared webhook with its live one (None: it does not exist yet), the unmatched live
    ones, and the clashes.

    `own_count` counts the live webhooks that are ours, rule 4.
    """

    pairs: tuple[tuple[Declared, Live | None], ...]
    unmatched_webhooks: tuple[Live, ...]
    clashes: tuple[Violation, ...]
    own_count: int


def _ambiguous_violation(name: str, candidates: Sequence[Live]) -> Violation:
    ids = ", ".join(sorted(live.id for live in candidates))
    message = (
        f"{name}: {len(candidates)} live webhooks could be it (ids {ids}); rename or delete "
        "all but one of them at the tenant"
    )
    return Violation("ambiguous-name", message, (name,))


class _Index:
    """Live webhooks by a text. Nearly every text has one webhook: only texts with more need
    a list.
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
        """Removes the webhooks of a text from the index and returns them."""
        first = self._first.pop(text, None)
        return () if first is None else (first, *self._more.pop(text, ()))


def _id(live: Live) -> str:
    return live.id


class _Matcher:
    """The state of one matching: the used webhooks, and the indexes. Lives as long as one call of
    `match_webhooks`.
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
        self.used_ids: set[str] = set()  # live ids
        self.clashes: list[Violation] = []
        self.by_key = _Index()
        self._by_name: _Index | None = None
        self._by_url = capabilities.identity == "url"
        self.own_count = 0
        self._by_scope: dict[str, list[Live]] = {}
        for item in live:  # the one walk over all of them: it counts too
            mark = item.managed_by
            if mark is None:
                self.own_count += policy.ownership == "all"
            elif mark.owner == policy.owner.name:
                self.own_count += 1
                self.by_key.add(mark.key, item)

    def own(self, pairs: Pairs) -> Pairs:
        """Counts what matched as ours, for a product without a mark; the pairs with the mark that
        they would have.
        """
        if self.policy.ownership != "all":  # then each is counted already
            self.own_count += sum(live is not None for _, live in pairs)
        return mark_matches(pairs, self.policy)

    def find_by_name(self, name: str) -> tuple[Live, ...]:
        """Every live webhook of that name. The index is made on the first call: a tenant without
        changes needs none.
        """
        if self._by_name is None:
            self._by_name = _Index()
            for item in self.live:
                self._by_name.add(item.spec.name, item)
        return self._by_name.get(name)

    def find_by_identity(self, declared: Declared) -> Sequence[Live]:
        """The live webhooks that could be a declared one by what identifies them at the product."""
        spec = self.normalize(declared.spec)
        if not self._by_url:
            return self.find_by_name(spec.name)
        scope = split_key(declared.key)[1]
        return [item for item in self._find_by_scope(scope) if item.spec.url == spec.url]

    def _find_by_scope(self, scope: str) -> Sequence[Live]:
        if not self._by_scope:
            for item in self.live:
                self._by_scope.setdefault(item.scope, []).append(item)
        return self._by_scope.get(scope, ())

    def take_by_key(self, declared: Declared) -> Live | None:
        """The live webhook of our owner and that key.

        It does not add it to `used_ids`, which the usual run never needs: `match_webhooks` does.
        """
        candidates = self.by_key.pop(declared.key)
        return candidates[0] if len(candidates) == 1 else self.take(declared, candidates)

    def take(self, declared: Declared, candidates: Sequence[Live]) -> Live | None:
        """The one free candidate. Several are a clash, if this run includes that webhook, and none
        of them stays free.
        """
        used_ids = self.used_ids
        free = candidates if len(candidates) == 1 else sorted(candidates, key=_id)
        free = [live for live in free if live.id not in used_ids]
        if not free:
            return None
        if len(free) > 1:
            if self.policy.scope.selects(declared.key):
                self.clashes.append(_ambiguous_violation(self.normalize(declared.spec).name, free))
            self.used_ids.update(
                live.id for live in free
            )  # none of them may be deleted as undeclared either
        self.used_ids.add(free[0].id)
        return free[0]

    def find_earlier(self, declared: Declared, declared_keys: frozenset[str]) -> list[Live]:
        """Candidates by `previously`: ours only, and of no declared key."""
        candidates_by_id: dict[str, Live] = {}
        for former in declared.previously:
            for live in (*self.by_key.get(former), *self.find_by_name(former)):
                mark = live.managed_by
                is_own = (
                    mark.owner == self.policy.owner.name if mark else self.policy.ownership == "all"
                )
                if is_own and not (mark and mark.key in declared_keys):
                    candidates_by_id[live.id] = live
        return list(candidates_by_id.values())


def match_webhooks(
    declared: Sequence[Declared],
    live: Sequence[Live],
    policy: RunPolicy,
    normalize: Callable[[Webhook], Webhook],
    capabilities: Capabilities = TENANT,
) -> Match:
    """Pairs declared with live webhooks; a live one matches once. docs/plan-rules.md, rule 1."""
    matcher = _Matcher(live, policy, normalize, capabilities)
    matches = [matcher.take_by_key(item) for item in declared]
    if len(matches) == len(live) and None not in matches:
        # a tenant without changes, where each further walk costs a good part
        pairs = tuple(zip(declared, matches, strict=True))
        return Match(pairs, (), tuple(matcher.clashes), matcher.own_count)
    _fill(matcher, declared, matches)
    has_names = "name" in capabilities.fields
    if not has_names:
        matches = list(map(_with_name, declared, matches))
    pairs = tuple(zip(declared, matches, strict=True))
    if capabilities.mark == "none":
        pairs = matcher.own(pairs)
    unmatched_webhooks = tuple(item for item in live if item.id not in matcher.used_ids)
    clashes = matcher.clashes
    if has_names and capabilities.identity == "name":
        live_by_name = _index_by_name(pairs, policy, normalize)
        clashes += _check_unmatched_names(live_by_name, unmatched_webhooks)
    return Match(pairs, unmatched_webhooks, tuple(clashes), matcher.own_count)


def _fill(matcher: _Matcher, declared: Sequence[Declared], matches: list[Live | None]) -> None:
    """Fills what no key matched; `used_ids` has every match then."""
    matcher.used_ids.update(live.id for live in matches if live is not None)
    open_positions = [position for position, live in enumerate(matches) if live is None]
    if open_positions:
        _match_by_identity(matcher, declared, matches, open_positions)


def _with_name(declared: Declared, live: Live | None) -> Live | None:
    """A webhook of a product without names, under the name that the manifest gives it."""
    return live and replace(live, spec=replace(live.spec, name=declared.spec.name))


def _match_by_identity(
    matcher: _Matcher,
    declared: Sequence[Declared],
    matches: list[Live | None],
    open_positions: list[int],
) -> None:
    """Fills the open positions of `matches`: by identity, then by `previously`."""
    keys = (
        frozenset(item.key for item in declared)
        if any(item.previously for item in declared)
        else frozenset()
    )
    passes: tuple[Callable[[Declared], Sequence[Live]], ...] = (
        matcher.find_by_identity,
        lambda item: matcher.find_earlier(item, keys),
    )
    for find_candidates in passes:
        for position in open_positions:
            item = declared[position]
            matches[position] = matcher.take(item, find_candidates(item))
        open_positions = [position for position in open_positions if matches[position] is None]


def _index_by_name(
    pairs: Sequence[tuple[Declared, Live | None]],
    policy: RunPolicy,
    normalize: Callable[[Webhook], Webhook],
) -> dict[str, Live | None]:
    """The live webhook of every declared name that this run includes; None if it does not exist."""
    return {
        normalize(item.spec).name: live for item, live in pairs if policy.scope.selects(item.key)
    }


def _check_unmatched_names(
    live_by_name: dict[str, Live | None], unmatched_webhooks: Sequence[Live]
) -> list[Violation]:
    """A clash per declared name that an unmatched live webhook has too: two webhooks with
    one name.
    """
    holders: dict[str, list[Live]] = {}
    for live in unmatched_webhooks:
        if live_by_name.get(live.spec.name) is not None:
            holders.setdefault(live.spec.name, []).append(live)
    return [
        _ambiguous_violation(name, [*filter(None, [live_by_name[name]]), *holders[name]])
        for name in sorted(holders)
    ]
