"""What each tenant gets: the Webhooks with its patches merged in, decoded and joined with their
subscriptions.

One document alone is `webhooks.py`'s business, the patches are `patches.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from reconciler.core.model.capabilities import TENANT
from reconciler.core.model.problem import Problem
from reconciler.manifests.decode import fit, join, patches, tenants
from reconciler.manifests.decode.documents import Reading
from reconciler.manifests.decode.loaded import TenantSpec
from reconciler.manifests.decode.refused import Refused
from reconciler.manifests.decode.request import Request
from reconciler.manifests.decode.secrets import Resolver, access_of
from reconciler.manifests.decode.webhooks import Draft, allowed, webhook
from reconciler.manifests.decode.webhooks import kinds as kinds_of
from reconciler.manifests.secret_sources.file import login_places, private_places
from reconciler.manifests.yaml.places import Document

# webhooks of all Tenants that one run makes by patches; each costs about 2 KiB
_CHECKED: Final = 50_000


def resolver(request: Request, reading: Reading, *, read: bool) -> Resolver:
    """Looks up what the manifests of a run reference; with `read` of false it holds them against
    the rules only.
    """
    access, warn = access_of(request), request.secrets.mode == "warn"
    resolver = Resolver(
        access,
        read,
        warn,
        request.secrets.fingerprint_key,
        reading.problems,
        request.secrets.once,
        lost=reading.lost,
    )
    own = private_places(request.secrets.private) | login_places(request.env)
    reading.tokens = tenants.token_places(reading.kinds["Tenant"], resolver) | own
    return replace(resolver, access=access_of(request, reading.tokens), tokens=reading.tokens)


def drafts(
    request: Request, reading: Reading, specs: tuple[TenantSpec, ...], chosen: TenantSpec | None
) -> list[Draft]:
    """The webhooks of the tenant in use; where each is to be checked and none is in use, those of
    each that has patches too.
    """
    reads = resolver(request, reading, read=request.secrets.mode != "ignore")
    patching = (
        [spec for spec in specs if spec.patches]
        if request.tenant.check_each and chosen is None
        else []
    )
    most = _CHECKED // max(1, len(reading.kinds["Webhook"]))
    if len(patching) > most:
        of = document_of(patching[most], specs, reading)
        message = (
            f"the patches of {len(patching) - most:,} Tenants are not checked: those of all "
            f"make over {_CHECKED:,} webhooks"
        )
        path, mend = ("spec", "patches"), "plan checks them, with --tenant NAME"
        reading.problems.append(
            of.problem(path, "patch/limit", message, mend, severity="warning", key=True)
        )
        patching = patching[:most]
    if not patching:
        return _webhooks(request, reading, specs, chosen, reads)
    plain = _alike(spec for spec in specs if not spec.patches)
    found = [
        draft
        for draft in _webhooks(
            request, reading, specs, None, reads
        )  # without patches is what no tenant gets that has some
        if any(spec.selects(draft.labels) for spec in plain)
        or not any(spec.selects(draft.labels) for spec in patching)
    ]
    return found + [
        draft for spec in patching for draft in _webhooks(request, reading, specs, spec, reads)
    ]


def _webhooks(
    request: Request,
    reading: Reading,
    specs: tuple[TenantSpec, ...],
    chosen: TenantSpec | None,
    reads: Resolver,
) -> list[Draft]:
    """Every webhook patched, decoded and joined; those that the tenant in use selects."""
    documents, problems, refused = reading.kinds["Webhook"], reading.problems, reading.refused
    if chosen is not None and chosen.patches:
        explain = patches.EXPLAINED - reading.explained
        merged = patches.apply(
            documents,
            chosen,
            document_of(chosen, specs, reading),
            problems,
            refused,
            explain=explain,
        )
        reading.explained += len(merged.refused)
        documents, refused = merged.documents, replace(refused, keys=refused.keys | merged.refused)
    unpatched = tuple(
        spec for spec in specs if not (request.tenant.by_manifest and spec.patches)
    )  # of others this is not what they get
    every, plain = unpatched == specs, _alike(unpatched)
    applying = (chosen,) if chosen is not None else plain
    quiet = replace(reads, read=False, warn=False)
    drafts = []
    for document in documents:
        labels = document.value["metadata"].get("labels", {})
        mine = (
            chosen.selects(labels)
            if chosen is not None
            else every or any(spec.selects(labels) for spec in plain)
        )
        drafts.append(webhook(document, reads if mine else quiet, applying, request.find))
    problems += join.unique(
        reading.refused.with_refused(documents, "Webhook"), "webhook/duplicate", "Webhook"
    )
    others = reading.refused.with_refused(reading.kinds["EventSubscription"], "EventSubscription")
    problems += join.unique(others, "subscription/duplicate", "EventSubscription")
    _join(drafts, applying, request, reading, refused)
    naming = (chosen,) if chosen is not None and chosen.patches else plain
    if naming or not (request.tenant.by_manifest and (specs or refused.may_have_tenant())):
        selecting = naming if request.tenant.by_manifest else ()
        join.names(drafts, selecting, problems, request.find)
    join.silent(drafts, refused, problems)
    return [draft for draft in drafts if chosen is None or chosen.selects(draft.labels)]


def _join(
    drafts: list[Draft],
    specs: tuple[TenantSpec, ...],
    request: Request,
    reading: Reading,
    refused: Refused,
) -> None:
    """Joins EventSubscriptions to their webhooks, and checks that all fits the providers."""
    kinds = kinds_of(specs, request.find)
    others = reading.kinds["EventSubscription"]
    reading.joined = join.join(drafts, others, refused, reading.problems, kinds)
    foreign = any(kind is not TENANT for kind in kinds)
    if foreign or any("options" in draft.document.value["spec"] for draft in drafts):
        _check_fit(drafts, specs, request, reading.problems)


def _check_fit(
    drafts: Iterable[Draft],
    specs: tuple[TenantSpec, ...],
    request: Request,
    problems: list[Problem],
) -> None:
    """Checks every webhook against the providers of the Tenants that select it."""
    for draft in drafts:
        selecting = allowed(draft.labels, specs)
        for kind in kinds_of(selecting, request.find) if selecting or not specs else ():
            problems += fit.webhook(draft, kind)


def _alike(specs: Iterable[TenantSpec]) -> tuple[TenantSpec, ...]:
    """One of all Tenants that select and list the same: the rest ask no more of a webhook."""
    found: dict[Any, TenantSpec] = {}
    for spec in specs:
        found.setdefault(
            (
                frozenset(spec.select.items()),
                frozenset(spec.secrets.items()),
                spec.vault,
                spec.provider,
            ),
            spec,
        )
    return tuple(found.values())


def document_of(spec: TenantSpec, specs: tuple[TenantSpec, ...], reading: Reading) -> Document:
    """The document of a Tenant."""
    return reading.kinds["Tenant"][
        next(number for number, item in enumerate(specs) if item is spec)
    ]


def replaced(drafts: list[Draft]) -> Iterator[Any]:
    """The urls of manifests that a patch may have replaced: they stand in a manifest all the
    same.
    """
    return (
        draft.document.patched.written.value["spec"]["url"]
        for draft in drafts
        if draft.document.patched is not None
    )
