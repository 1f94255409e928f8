"""What manifests lack of a live tenant: webhooks that nobody declares yet, and fields that differ.

The plan, read the other way.

Pure; the text of a manifest is `manifest.py`'s, writing files is `manifests/edit/write.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.core.change import FieldChange, Violation
from reconciler.core.export.manifest import key_for, stem_for
from reconciler.core.model import limits
from reconciler.core.model.auth import BasicAuth, credential
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Live, ManagedBy, Origin, Webhook
from reconciler.core.planning.diff import diff
from reconciler.core.planning.match import match
from reconciler.core.planning.settle import NOT_COMPARED, settle
from reconciler.core.safety.repository import export_warning, is_foreign
from reconciler.core.safety.run_policy import RunPolicy

NAMELESS = "webhook"  # the key of a webhook whose name has no letter or digit for one
_VARIABLE = "fromEnv: WEBHOOK_"


@dataclass(frozen=True, slots=True)
class Fresh:
    """A live webhook that no manifest declares: the key it gets, and what its variables are named
    after.
    """

    live: Live
    key: str
    stem: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A declared webhook and the fields in which the live one differs from it; `after` of a field
    is the declared value.

    `stem` is what new variables of it are named after.
    """

    declared: Declared
    live: Live
    fields: tuple[FieldChange, ...]
    stem: str


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written: `fresh` and `edits`, by name; the rest is counted or named.

    `absent` are declared webhooks that the tenant does not have, which an export leaves as they
    are; `others` is how many live webhooks are another owner's.
    """

    fresh: tuple[Fresh, ...] = ()
    edits: tuple[Edit, ...] = ()
    unchanged: int = 0
    absent: tuple[Declared, ...] = ()
    others: int = 0
    clashes: tuple[Violation, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What is written of one webhook: into the file at `path`, shown as `file`, which then has
    `text`.

    A file without `fields` is new; else those are what of the webhook changes in it, at `line`.
    `variables` are the references of a new one; `mark` is the live webhook's.
    """

    path: str
    file: str
    text: str
    key: str
    name: str
    id: str
    line: int = 1
    fields: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    mark: ManagedBy | None = None


def may_take(live: Live, owner: str, adopt_from: str | None) -> bool:
    """Whether a webhook is ours, nobody's, or of the owner that it is taken over from."""
    return live.managed_by is None or live.managed_by.owner in {owner, adopt_from}


def make_export(
    declared: Iterable[Declared],
    live: Iterable[Live],
    policy: RunPolicy,
    *,
    normalize: Callable[[Webhook], Webhook],
    taken: Collection[str] = (),
    adopt_from: str | None = None,
) -> Export:
    """What to write so that `declared` says what `live` is, in any order; `taken` are keys that no
    new webhook may get.
    """
    wanted = tuple(sorted(declared, key=lambda item: item.key))
    held = tuple(live)
    mine = [item for item in held if may_take(item, policy.owner.name, adopt_from)]
    found = match(wanted, mine, policy, normalize)
    stems = _Stems(wanted)
    edits: list[Edit] = []
    warnings: list[str] = []
    for item, counterpart in found.pairs:
        if counterpart is not None:
            open_as_true = _switched(item)
            settled = settle(open_as_true, counterpart, policy, normalize)
            warnings += [text for text in settled.warnings if text != NOT_COMPARED]
            differing = _fields(settled.of(open_as_true), counterpart)
            if fields := tuple(field for field in differing if _patch(item, field) is None):
                edits.append(Edit(item, counterpart, fields, stems.of(item.key)))
            warnings += _patched(item, differing)
    pairs = [counterpart for _, counterpart in found.pairs if counterpart is not None]
    fresh, said = _fresh(found.unmatched, policy, taken, stems, adopt_from)
    said += tuple(
        export_warning(item.live) for item in fresh if is_foreign(item.live.managed_by, policy)
    )
    return Export(
        fresh=fresh,
        edits=tuple(edits),
        unchanged=len(pairs) - len(edits),
        absent=tuple(item for item, counterpart in found.pairs if counterpart is None),
        others=len(held) - len(mine),
        clashes=found.clashes,
        warnings=(*dict.fromkeys(warnings), *said),
    )


def _switched(declared: Declared) -> Declared:
    """The webhook with `enabled` left out as true, so that one that is off at the tenant gets the
    field, and no other does.
    """
    return (
        declared
        if declared.spec.enabled is not None
        else replace(declared, spec=replace(declared.spec, enabled=True))
    )


def _fields(settled: Declared, live: Live) -> tuple[FieldChange, ...]:
    fields = diff(live.spec, settled.spec)
    if settled.protected != live.protected:
        fields += (FieldChange(("protected",), live.protected, settled.protected),)
    return fields


def _patch(declared: Declared, field: FieldChange) -> Origin | None:
    """Where a Tenant's patch sets a field; an authentication is one thing, whatever of it the patch
    sets.
    """
    return declared.patch_of(field.path[:1])


def _patched(declared: Declared, fields: Iterable[FieldChange]) -> Iterator[str]:
    """A warning for each field that a Tenant's patch sets: the manifest is every tenant's, and must
    not get this one's value.
    """
    for field in fields:
        patch = _patch(declared, field)
        if patch is not None:
            yield (
                f"{patch}: {declared.spec.name}: {field.dotted} differs, and this patch sets "
                "it; edit the patch, or reconcile"
            )


def _fresh(
    unmatched: Iterable[Live],
    policy: RunPolicy,
    taken: Collection[str],
    stems: _Stems,
    adopt_from: str | None,
) -> tuple[tuple[Fresh, ...], tuple[str, ...]]:
    """A key for each, once: the one in its mark, else made from its name; and a warning for what
    cannot be declared again.
    """
    ordered = sorted(unmatched, key=lambda item: (item.spec.name, item.id))
    marked = _marked(ordered, policy.owner.name, adopt_from)
    keys, made, warnings = (
        {*taken, *marked.values()},
        [],
        [],
    )  # who has a key keeps it, whatever the order of names
    for item in ordered:
        key = marked.get(item.id)
        if key in taken:
            warnings.append(
                f"{item.spec.name}: not exported: a manifest declares {key}, which this "
                "tenant does not select"
            )
            continue
        if key is None:
            key = _unique(key_for(item.spec.name, NAMELESS), keys, "-")
        keys.add(key)
        made.append(Fresh(item, key, stems.of(key)))
    return tuple(made), tuple(warnings)


def _marked(ordered: Iterable[Live], owner: str, adopt_from: str | None) -> dict[str, str]:
    """The keys that marks give, by id: of two of one key ours keeps it."""
    holders: dict[str, Live] = {}
    for item in ordered:
        mark = item.managed_by
        if (
            mark is not None
            and mark.owner in {owner, adopt_from}
            and limits.KEY.fullmatch(mark.key)
        ):
            before = holders.setdefault(mark.key, item)
            if before is not item and mark.owner == owner:
                holders[mark.key] = item
    return {item.id: key for key, item in holders.items()}


def _unique(text: str, taken: Collection[str], sign: str) -> str:
    """The text, with a number where it is taken."""
    found, number = text, 1
    while found in taken:
        number += 1
        found = f"{text}{sign}{number}"
    return found


class _Stems:
    """What variables of our naming are named after, so that no two webhooks share a credential
    unseen.
    """

    def __init__(self, declared: Iterable[Declared]) -> None:
        self._owners: dict[str, str] = {}
        for item in declared:
            auth = item.spec.auth
            for secret in (
                item.spec.url,
                auth.username if isinstance(auth, BasicAuth) else None,
                credential(auth),
            ):
                if isinstance(secret, Secret) and secret.reference.startswith(_VARIABLE):
                    self._owners[secret.reference.removeprefix(_VARIABLE).rpartition("_")[0]] = (
                        item.key
                    )

    def of(self, key: str) -> str:
        """The stem of a webhook: its key's own, with a number where another webhook has that."""
        stem = stem_for(key)
        if self._owners.get(stem, key) != key:
            stem = _unique(stem, self._owners, "_")
        self._owners[stem] = key
        return stem
