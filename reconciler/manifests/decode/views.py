"""What each tenant gets: the Webhooks with its patches applied, decoded and joined with their
subscriptions.

One document is decoded in `webhooks.py`, patches are applied in `patches.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.core.model.auth import SignatureAuth, TokenAuth
from reconciler.core.model.capabilities import TENANT
from reconciler.manifests.decode import catalogues, fit, join, patches, tenants
from reconciler.manifests.decode.documents import Reading
from reconciler.manifests.decode.load_types import TenantSpec
from reconciler.manifests.decode.refused_documents import RefusedDocuments
from reconciler.manifests.decode.request import Request
from reconciler.manifests.decode.secrets import Resolver, make_access
from reconciler.manifests.decode.selection import TenantIndex, read_labels
from reconciler.manifests.decode.webhooks import Draft, decode_webhook, find_allowing_tenants
from reconciler.manifests.decode.webhooks import kinds as kinds_of
from reconciler.manifests.secret_sources.file import list_login_places, list_private_places
from reconciler.manifests.yaml.document import Document

# webhooks that one run makes by the patches of all Tenants; each costs about 2 KiB
_MAX_CHECKED: Final = 50_000


def make_resolver(request: Request, reading: Reading, *, read: bool) -> Resolver:
    """Resolves what the manifests of a run reference. If `read` is false, then it only checks the
    references.
    """
    access, warn = make_access(request), request.secrets.mode == "warn"
    resolver = Resolver(
        access,
        read,
        warn,
        request.secrets.fingerprint_key,
        reading.problems,
        request.secrets.once,
        unresolved_references=reading.unresolved_references,
    )
    own = list_private_places(request.secrets.private) | list_login_places(request.env)
    reading.tokens = tenants.find_token_places(reading.kinds["Tenant"], resolver) | own
    return replace(resolver, access=make_access(request, reading.tokens), tokens=reading.tokens)


def make_drafts(
    request: Request,
    reading: Reading,
    specs: tuple[TenantSpec, ...],
    tenant_in_use: TenantSpec | None,
) -> list[Draft]:
    """The webhooks of the tenant in use; none if the run asks for Tenants only.

    If no tenant is in use and every Tenant is checked, then the webhooks that Tenants make by
    patches are there too.
    """
    if request.only_tenants:
        return []
    resolver = make_resolver(request, reading, read=request.secrets.mode != "ignore")
    views = _Views(request, reading, specs, resolver)
    checks_each = request.tenant.check_each and tenant_in_use is None
    patched_specs = views.list_patched() if checks_each else []
    if not patched_specs:
        return views.make_webhooks(tenant_in_use)
    plain_specs = _distinct_tenants(spec for spec in specs if not spec.patches)
    # a webhook as its manifest has it, unless every tenant that gets it patches it
    unpatched_drafts = [
        draft
        for draft in views.make_webhooks(None)
        if any(spec.selects(draft.labels) for spec in plain_specs)
        or not any(spec.selects(draft.labels) for spec in patched_specs)
    ]
    return unpatched_drafts + [
        draft for spec in patched_specs for draft in views.make_webhooks(spec)
    ]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Views:
    """Makes the webhooks that a Tenant gets out of what was read."""

    request: Request
    reading: Reading
    specs: tuple[TenantSpec, ...]
    resolver: Resolver

    def list_patched(self) -> list[TenantSpec]:
        """The Tenants with patches, as many as one run checks; a warning says how many are left."""
        patched_specs = [spec for spec in self.specs if spec.patches]
        max_tenants = _MAX_CHECKED // max(1, len(self.reading.kinds["Webhook"]))
        if len(patched_specs) > max_tenants:
            document = find_document(patched_specs[max_tenants], self.specs, self.reading)
            message = (
                f"the patches of {len(patched_specs) - max_tenants:,} Tenants are not checked: "
                f"those of all make over {_MAX_CHECKED:,} webhooks"
            )
            path, fix = ("spec", "patches"), "plan checks them, with --tenant NAME"
            self.reading.problems.append(
                document.make_problem(
                    path, "patch/limit", message, fix, severity="warning", key=True
                )
            )
        return patched_specs[:max_tenants]

    def make_webhooks(self, tenant: TenantSpec | None) -> list[Draft]:
        """Every webhook patched, decoded and joined; those that the tenant selects."""
        documents, refused_documents = self._patch(tenant)
        # the webhooks of a Tenant with patches are not what the manifest says: they are left out
        by_manifest = self.request.tenant.by_manifest
        unpatched_specs = tuple(spec for spec in self.specs if not (by_manifest and spec.patches))
        plain_specs = _distinct_tenants(unpatched_specs)
        selects_all = tenant is None and unpatched_specs == self.specs
        selecting = (tenant,) if tenant is not None else plain_specs
        drafts = self._decode(documents, selecting, selects_all=selects_all)
        self._join(drafts, documents, selecting, refused_documents)
        naming_tenants = (tenant,) if tenant is not None and tenant.patches else plain_specs
        if naming_tenants or not (
            by_manifest and (self.specs or refused_documents.may_have_tenant())
        ):
            names_of = naming_tenants if by_manifest else ()
            join.check_names(drafts, names_of, self.reading.problems, self.request.find)
        join.warn_of_silent(drafts, refused_documents, self.reading.problems)
        return [draft for draft in drafts if tenant is None or tenant.selects(draft.labels)]

    def _patch(self, tenant: TenantSpec | None) -> tuple[list[Document], RefusedDocuments]:
        """The Webhook documents with the patches of the tenant, and what was refused."""
        documents, refused_documents = self.reading.kinds["Webhook"], self.reading.refused_documents
        if tenant is None or not tenant.patches:
            return documents, refused_documents
        result = patches.apply_patches(
            documents,
            tenant,
            find_document(tenant, self.specs, self.reading),
            self.reading.problems,
            refused_documents,
            max_explained=patches.MAX_EXPLAINED - self.reading.explained_count,
        )
        self.reading.explained_count += len(result.refused_keys)
        return result.documents, replace(
            refused_documents, keys=refused_documents.keys | result.refused_keys
        )

    def _decode(
        self, documents: list[Document], selecting: tuple[TenantSpec, ...], *, selects_all: bool
    ) -> list[Draft]:
        """The values of each document; references count only if one of the Tenants selects it."""
        quiet_resolver = replace(self.resolver, read_values=False, warn=False)
        drafts, all_tenants = [], TenantIndex(self.specs)
        for document in documents:
            labels = read_labels(document)
            is_selected = selects_all or any(spec.selects(labels) for spec in selecting)
            resolver = self.resolver if is_selected else quiet_resolver
            find = self.request.find
            others = all_tenants.find(labels)
            drafts.append(decode_webhook(document, resolver, selecting, find, others))
        return drafts

    def _join(
        self,
        drafts: list[Draft],
        documents: list[Document],
        selecting: tuple[TenantSpec, ...],
        refused_documents: RefusedDocuments,
    ) -> None:
        """Gives the webhooks their subscriptions, after the names of both kinds were checked, and
        checks that all fits the providers of the Tenants that may select them.
        """
        problems, kind = self.reading.problems, "EventSubscription"
        webhooks = self.reading.refused_documents.include_refused(documents, "Webhook")
        problems += join.check_unique(webhooks, "webhook/duplicate", "Webhook")
        event_subscriptions = self.reading.kinds[kind]
        all_subscriptions = self.reading.refused_documents.include_refused(
            event_subscriptions, kind
        )
        problems += join.check_unique(all_subscriptions, "subscription/duplicate", kind)
        kinds = kinds_of(selecting, self.request.find)
        if event_subscriptions:  # without one there is no need to index the labels
            self.reading.event_subscriptions = join.join_subscriptions(
                drafts, event_subscriptions, refused_documents, problems, kinds
            )
        is_foreign = any(kind is not TENANT for kind in kinds)
        if is_foreign or any(map(_may_not_fit, drafts)):
            self._check_fit(drafts, selecting)

    def _check_fit(self, drafts: Iterable[Draft], specs: tuple[TenantSpec, ...]) -> None:
        """Checks every webhook against the providers of the Tenants that select it."""
        for draft in drafts:
            selecting = find_allowing_tenants(draft.labels, specs)
            for kind in kinds_of(selecting, self.request.find) if selecting or not specs else ():
                self.reading.problems += fit.webhook(draft, kind)
            self.reading.problems += fit.scopes(draft, selecting, self.request.find)
            for spec in selecting:
                problems = self.reading.problems
                problems += catalogues.check_events(draft, spec, len(problems))


def _may_not_fit(draft: Draft) -> bool:
    """Whether a webhook has what this project's own tenant may not hold."""
    is_unusual = isinstance(draft.auth, TokenAuth | SignatureAuth)
    spec = draft.document.value["spec"]
    return is_unusual or "options" in spec or "scopes" in spec


def _distinct_tenants(specs: Iterable[TenantSpec]) -> tuple[TenantSpec, ...]:
    """One Tenant out of all that select and list the same: the others ask no more of a webhook."""
    tenants: dict[Any, TenantSpec] = {}
    for spec in specs:
        tenants.setdefault(
            (
                frozenset(spec.select.items()),
                frozenset(spec.secrets.items()),
                spec.vault,
                spec.provider,
                spec.product,
                spec.catalogue,
                spec.has_ledger,
            ),
            spec,
        )
    return tuple(tenants.values())


def find_document(spec: TenantSpec, specs: tuple[TenantSpec, ...], reading: Reading) -> Document:
    """The document of a Tenant."""
    return reading.kinds["Tenant"][
        next(number for number, item in enumerate(specs) if item is spec)
    ]


def find_replaced_urls(drafts: list[Draft]) -> Iterator[Any]:
    """The urls of manifests that a patch may have replaced: they still stand in a manifest."""
    return (
        draft.document.patch_trace.original.value["spec"].get("url")
        for draft in drafts
        if draft.document.patch_trace is not None
    )
