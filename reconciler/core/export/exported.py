"""What manifests lack of a live tenant: webhooks that no manifest declares, and fields that differ.

It is the reverse of a plan.

Pure; `manifest.py` makes the text of a manifest, `manifests/edit/new_files.py` writes files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.core.change import FieldChange, Violation
from reconciler.core.export.fleet import group_equal, warn_of_edits
from reconciler.core.export.manifest import make_key, make_stem
from reconciler.core.model import limits
from reconciler.core.model.auth import get_credential, get_username
from reconciler.core.model.capabilities import TENANT, Capabilities
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Live, ManagedBy, Origin, Webhook
from reconciler.core.planning.diff import diff
from reconciler.core.planning.match import Match, match_webhooks
from reconciler.core.planning.settle import NOT_COMPARED, OPTIONS_NOT_COMPARED, settle
from reconciler.core.safety.repository import is_foreign, make_export_warning
from reconciler.core.safety.run_policy import RunPolicy

NAMELESS = "webhook"  # the key of a webhook whose name has no letter or digit for one
_VARIABLE = "fromEnv: WEBHOOK_"
_NO_NEWS = frozenset({NOT_COMPARED, OPTIONS_NOT_COMPARED})


@dataclass(frozen=True, slots=True)
class Fresh:
    """A live webhook that no manifest declares: the key that it gets, and the middle part of its
    variables' names. Of a fleet it stands for an equal one in each of its `scopes`.
    """

    live: Live
    key: str
    stem: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """A declared webhook that differs from the live one, and the fields that differ.

    `stem` is the middle part of the names of its new variables.
    """

    declared: Declared
    live: Live
    fields: tuple[FieldChange, ...]
    stem: str


@dataclass(frozen=True, slots=True)
class Export:
    """The result of an export: `fresh` and `edits`, sorted by name; counts of the rest.

    `absent` are declared webhooks that the tenant does not have; an export leaves them unchanged.
    `other_owners` counts live webhooks of other owners.
    """

    fresh: tuple[Fresh, ...] = ()
    edits: tuple[Edit, ...] = ()
    unchanged: int = 0
    absent: tuple[Declared, ...] = ()
    other_owners: int = 0
    clashes: tuple[Violation, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """The output for one webhook: `text` is the new content of the file at `path`, which outputs
    print as `file`.

    A file without `fields` is new; else these fields change in it, at `line`. `variables` are the
    references of a new file; `mark` is the live webhook's.
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
    """Whether a webhook is ours, unowned, or of the owner `adopt_from`."""
    return live.managed_by is None or live.managed_by.owner in {owner, adopt_from}


def make_export(
    declared: Iterable[Declared],
    live: Iterable[Live],
    policy: RunPolicy,
    *,
    normalize: Callable[[Webhook], Webhook],
    reserved_names: Collection[str] = (),
    adopt_from: str | None = None,
    capabilities: Capabilities = TENANT,
) -> Export:
    """The output that makes `declared` equal to `live`, in any order; `reserved_names` are keys
    that no new webhook may get.
    """
    declared_webhooks = tuple(sorted(declared, key=lambda item: item.key))
    live_webhooks = tuple(live)
    own_webhooks = [item for item in live_webhooks if may_take(item, policy.owner.name, adopt_from)]
    matches = match_webhooks(declared_webhooks, own_webhooks, policy, normalize, capabilities)
    stems = _Stems(declared_webhooks)
    pairs = _list_pairs(matches, capabilities)
    edits, edit_warnings = _find_edits(pairs, policy, normalize, stems)
    fresh, fresh_warnings = _fresh(
        matches.unmatched_webhooks, policy, reserved_names, stems, adopt_from
    )
    return Export(
        fresh=fresh,
        edits=edits,
        unchanged=len(pairs) - len(edits),
        absent=tuple(item for item, counterpart in matches.pairs if counterpart is None),
        other_owners=len(live_webhooks) - len(own_webhooks),
        clashes=matches.clashes,
        warnings=(*edit_warnings, *fresh_warnings, *_warn_of_foreign(fresh, policy)),
    )


def _list_pairs(matches: Match, capabilities: Capabilities) -> list[tuple[Declared, Live]]:
    """The declared webhooks that the tenant has. If a product keeps no mark, the mark of a match is
    not the product's.
    """
    pairs = [(item, live) for item, live in matches.pairs if live is not None]
    if capabilities.mark != "none":
        return pairs
    return [(item, replace(live, managed_by=None)) for item, live in pairs]


def _find_edits(
    pairs: Iterable[tuple[Declared, Live]],
    policy: RunPolicy,
    normalize: Callable[[Webhook], Webhook],
    stems: _Stems,
) -> tuple[tuple[Edit, ...], tuple[str, ...]]:
    """The edits of the declared webhooks that differ, and each warning once."""
    edits: list[Edit] = []
    warnings: list[str] = []
    for item, live in pairs:
        open_as_true = _switched(item)
        settled_webhook = settle(open_as_true, live, policy, normalize)
        warnings += [text for text in settled_webhook.warnings if text not in _NO_NEWS]
        differing_fields = _fields(settled_webhook.apply_to(open_as_true), live)
        if live.scope:
            warnings += warn_of_edits([(item, live)] if differing_fields else [])
            continue
        if fields := tuple(field for field in differing_fields if _patch(item, field) is None):
            edits.append(Edit(item, live, fields, stems.find(item.key)))
        warnings += _make_patch_warnings(item, differing_fields)
    return tuple(edits), tuple(dict.fromkeys(warnings))


def _warn_of_foreign(fresh: Iterable[Fresh], policy: RunPolicy) -> Iterator[str]:
    """A warning per new manifest whose webhook belongs to a different repository."""
    for item in fresh:
        if is_foreign(item.live.managed_by, policy):
            yield make_export_warning(item.live)


def _switched(declared: Declared) -> Declared:
    """The webhook with a missing `enabled` as true, so that only a webhook that is off at the
    tenant gets the field.
    """
    return (
        declared
        if declared.spec.enabled is not None
        else replace(declared, spec=replace(declared.spec, enabled=True))
    )


def _fields(settled_webhook: Declared, live: Live) -> tuple[FieldChange, ...]:
    fields = diff(live.spec, settled_webhook.spec)
    if settled_webhook.protected != live.protected:
        fields += (FieldChange(("protected",), live.protected, settled_webhook.protected),)
    return fields


def _patch(declared: Declared, field: FieldChange) -> Origin | None:
    """The position at which a Tenant's patch sets a field. An authentication counts as one
    field.
    """
    return declared.patch_of(field.path[:1])


def _make_patch_warnings(declared: Declared, fields: Iterable[FieldChange]) -> Iterator[str]:
    """A warning per field that a Tenant's patch sets: the manifest serves all tenants, and must not
    get the value of one.
    """
    for field in fields:
        patch = _patch(declared, field)
        if patch is not None:
            yield (
                f"{patch}: {declared.spec.name}: {field.dotted} differs, and this patch sets "
                "it; edit the patch, or reconcile"
            )


def _fresh(
    unmatched_webhooks: Iterable[Live],
    policy: RunPolicy,
    used_keys: Collection[str],
    stems: _Stems,
    adopt_from: str | None,
) -> tuple[tuple[Fresh, ...], tuple[str, ...]]:
    """A unique key per webhook: that of its mark, else one made from its name; and a warning per
    webhook that cannot be declared.
    """
    groups = sorted(
        group_equal(unmatched_webhooks), key=lambda group: (group[0].spec.name, group[0].id)
    )
    sorted_webhooks = [live for live, _ in groups]
    marked_keys = _find_marked_keys(sorted_webhooks, policy.owner.name, adopt_from)
    keys, new_webhooks, warnings = (
        {*used_keys, *marked_keys.values()},
        [],
        [],
    )  # a webhook with a key keeps it, in any order of names
    for item, scopes in groups:
        key = marked_keys.get(item.id)
        if key in used_keys:
            warnings.append(
                f"{item.spec.name}: not exported: a manifest declares {key}, which this "
                "tenant does not select"
            )
            continue
        if key is None:
            key = _unique(make_key(item.spec.name, NAMELESS), keys, "-")
        keys.add(key)
        new_webhooks.append(Fresh(item, key, stems.find(key), scopes))
    return tuple(new_webhooks), tuple(warnings)


def _find_marked_keys(
    sorted_webhooks: Iterable[Live], owner: str, adopt_from: str | None
) -> dict[str, str]:
    """The keys of marks, by id. If two webhooks have one key, then ours keeps it."""
    holders: dict[str, Live] = {}
    for item in sorted_webhooks:
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


def _unique(text: str, used_keys: Collection[str], sign: str) -> str:
    """The text, with a number if it is used already."""
    candidate, number = text, 1
    while candidate in used_keys:
        number += 1
        candidate = f"{text}{sign}{number}"
    return candidate


class _Stems:
    """The middle parts of variables' names, unique, so that two webhooks never share a credential
    by accident.
    """

    def __init__(self, declared: Iterable[Declared]) -> None:
        self._owners: dict[str, str] = {}
        for item in declared:
            auth = item.spec.auth
            for secret in (
                item.spec.url,
                get_username(auth),
                get_credential(auth),
                *item.spec.options.values(),
            ):
                if isinstance(secret, Secret) and secret.reference.startswith(_VARIABLE):
                    self._owners[secret.reference.removeprefix(_VARIABLE).rpartition("_")[0]] = (
                        item.key
                    )

    def find(self, key: str) -> str:
        """The stem of a webhook: from its key, with a number if it is used already."""
        stem = make_stem(key)
        if self._owners.get(stem, key) != key:
            stem = _unique(stem, self._owners, "_")
        self._owners[stem] = key
        return stem
