"""Equal webhooks of many repositories as one, for the export of a fleet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from reconciler.core.model.scopes import remove_scope
from reconciler.core.model.webhook import Declared, Live

Group = tuple[Live, tuple[str, ...]]
"""A webhook without its scope, and the scopes that have it; none outside of fleets."""

_SCHEMES: Final = ("https://", "http://")


def group_equal(webhooks: Iterable[Live]) -> tuple[Group, ...]:
    """The webhooks, each with its scopes: those of a fleet that differ in nothing but the
    repository are one. Two equal ones of one repository stay two.
    """
    groups: list[tuple[Live, list[str]]] = []
    by_content: dict[object, list[int]] = {}
    for live in webhooks:
        bare = _take_out(live)
        if not live.scope:
            groups.append((bare, []))
            continue
        mark = bare.managed_by
        content = (
            replace(bare.spec, name="" if mark is not None else _strip_id(bare)),
            bare.protected,
            mark and (mark.owner, mark.key),
        )
        positions = by_content.setdefault(content, [])
        position = next((one for one in positions if live.scope not in groups[one][1]), None)
        if position is None:
            positions.append(len(groups))
            groups.append((replace(bare, spec=replace(bare.spec, name=_strip_id(bare))), []))
            position = positions[-1]
        groups[position][1].append(live.scope)
    return tuple((live, tuple(sorted(scopes))) for live, scopes in groups)


def _take_out(live: Live) -> Live:
    """The webhook under the name and the key that it has in its repository."""
    if not live.scope:
        return live
    mark = live.managed_by
    return replace(
        live,
        spec=replace(live.spec, name=remove_scope(live.spec.name, live.scope)),
        managed_by=None if mark is None else replace(mark, key=remove_scope(mark.key, live.scope)),
    )


def _strip_id(live: Live) -> str:
    """The name; of a webhook without one, which is shown by id and url, the url alone."""
    name = live.spec.name
    prefix = f"#{live.id.rpartition('#')[2]} "
    if not name.startswith(prefix):
        return name
    url = name.removeprefix(prefix)
    return next((url.removeprefix(scheme) for scheme in _SCHEMES if url.startswith(scheme)), url)


def warn_of_edits(pairs: Iterable[tuple[Declared, Live]]) -> Iterator[str]:
    """A warning per webhook of a fleet that differs from its manifest: the manifest serves many
    repositories, and must not get the value of one.
    """
    for declared, live in pairs:
        yield (
            f"{declared.origin}: {live.spec.name}: it differs, and this manifest is that of a "
            "fleet; reconcile, or leave the repository out by spec.scopes"
        )
