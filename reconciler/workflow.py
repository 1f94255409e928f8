"""The story, each chapter in about ten lines: validate, plan, reconcile, export, adopt.

No options, no rendering, no exit codes here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.core.change import Plan, TenantRef
from reconciler.core.errors import BadRequest, InvalidManifests, PlanRefused, StalePlan
from reconciler.core.export.adopt import Wanted, make_adoption
from reconciler.core.export.exported import Export, make_export
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared
from reconciler.core.planning.plan import make_plan
from reconciler.core.results.reports import Report
from reconciler.core.safety.evidence import removals, with_doubts
from reconciler.core.safety.run_policy import RunPolicy, Scope
from reconciler.core.saved.plan_reading import Saved
from reconciler.core.saved.resume import resume as resumed
from reconciler.core.saved.since import Base, labelled
from reconciler.execute import Execution, Options
from reconciler.manifests import Manifests, Request, load, unresolved
from reconciler.providers.base import Provider, Reader


@dataclass(frozen=True, slots=True)
class Narrow:
    """`--only`, `--exclude` and `--select`, by metadata.name and labels; empty: everything.

    `known` are names that other tenants of the run declare, so that not every one of them needs to
    have them.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    select: tuple[tuple[str, str], ...] = ()
    known: frozenset[str] = frozenset()

    def keys(self, declared: Iterable[Declared]) -> frozenset[str] | None:
        """The keys that are left, None when nothing narrows; raises BadRequest when nothing is left
        or a name is unknown.
        """
        if not (self.only or self.exclude or self.select):
            return None
        items = {item.key: item for item in declared}
        unknown = [
            name
            for name in (*self.only, *self.exclude)
            if name not in items and name not in self.known
        ]
        if unknown:
            raise BadRequest(f"no webhook has the metadata.name {', '.join(unknown)}")
        chosen = frozenset(
            key
            for key, item in items.items()
            if (not self.only or key in self.only)
            and key not in self.exclude
            and all(item.labels.get(label) == value for label, value in self.select)
        )
        if not chosen:
            raise BadRequest(
                "no declared webhook matches --only, --select and --exclude", nothing_selected=True
            )
        return chosen


def validate(request: Request) -> Manifests:
    """Reads and checks manifests; raises InvalidManifests with every problem."""
    return load(request)


def narrowed(manifests: Manifests, narrow: Narrow, policy: RunPolicy, root: str = ".") -> RunPolicy:
    """The policy with this run's scope: its paths, seen from the current folder through `root`, and
    what it was narrowed to.
    """
    scope = Scope(manifests.folders, manifests.files, narrow.keys(manifests.declared), root)
    return replace(
        policy,
        scope=scope,
        literal_urls=manifests.literal_urls,
        rules=manifests.rules,
        selection=manifests.selection,
    )


def require_secrets(
    manifests: Manifests, keys: frozenset[str] | None, *, tenants: bool = False
) -> tuple[Declared, ...]:
    """The selected webhooks; raises InvalidManifests if a reference of one of them, or with
    `tenants` of a Tenant, is lost.
    """
    selected = tuple(item for item in manifests.declared if keys is None or item.key in keys)
    problems = unresolved(manifests, selected, tenants=tenants)
    if problems:
        raise InvalidManifests(problems, manifests.documents, manifests.skipped)
    return selected


async def plan(
    manifests: Manifests,
    provider: Reader,
    policy: RunPolicy,
    tenant: TenantRef,
    fingerprint_key: Secret | None = None,
    base: Base | None = None,
) -> Plan:
    """What reconcile would do, labelled by who moved since a base where one is given; cannot write,
    by type.
    """
    live = await provider.list()
    made = make_plan(
        manifests.declared,
        live,
        policy,
        tenant=tenant,
        normalize=provider.normalize,
        fingerprint_key=fingerprint_key,
        capabilities=provider.capabilities,
    )
    made = replace(made, warnings=(*made.warnings, *provider.warnings))
    sources = removals(made, policy)
    if sources:
        from reconciler.manifests.history.evidence import doubts  # noqa: PLC0415  only a removal asks git

        made = with_doubts(made, doubts(manifests, sources), policy)
    return made if base is None else labelled(made, base, policy, provider.normalize)


async def export(
    manifests: Manifests, provider: Reader, policy: RunPolicy, adopt_from: str | None = None
) -> Export:
    """What the manifests lack of the tenant; raises PlanRefused where it is not clear which webhook
    is which.
    """
    made = make_export(
        manifests.declared,
        await provider.list(),
        policy,
        normalize=provider.normalize,
        taken=manifests.taken,
        adopt_from=adopt_from,
    )
    if made.clashes:
        raise PlanRefused(made.clashes)
    return made


async def adopt(
    manifests: Manifests, provider: Reader, policy: RunPolicy, wanted: Wanted, tenant: TenantRef
) -> Plan:
    """The plan that marks what exists as ours; raises BadRequest for a name that no manifest
    has.
    """
    known = {name for item in manifests.declared for name in (item.key, item.spec.name)}
    if unknown := sorted((wanted.names or frozenset()) - known):
        raise BadRequest(f"no manifest declares {', '.join(unknown)}")
    live = await provider.list()
    return make_adoption(
        manifests.declared, live, policy, wanted, tenant=tenant, normalize=provider.normalize
    )


async def switched_off(provider: Reader, owner: str) -> frozenset[str]:
    """The keys of our webhooks that are off at the tenant, whoever switched them off."""
    marks = [(item.managed_by, item.spec.enabled) for item in await provider.list()]
    return frozenset(
        mark.key
        for mark, enabled in marks
        if mark is not None and mark.owner == owner and enabled is False
    )


async def switched_on(
    selected: Iterable[Declared], provider: Reader, policy: RunPolicy
) -> tuple[Declared, ...]:
    """Those that the tenant sends events to: a manifest may switch one off, or leave it to the
    tenant, where somebody did.
    """
    off = await switched_off(provider, policy.owner.name)
    return tuple(item for item in selected if item.key not in off)


async def resume(
    saved: Saved,
    provider: Reader,
    declared: Iterable[Declared],
    policy: RunPolicy,
    fingerprint_key: Secret | None = None,
) -> Plan:
    """A saved plan, planned again on one listing; raises StalePlan if what it touches has moved."""
    return resumed(
        saved,
        await provider.list(),
        declared,
        policy,
        normalize=provider.normalize,
        fingerprint_key=fingerprint_key,
        capabilities=provider.capabilities,
    )


def approve(made: Plan, expect_digest: str | None, accept: str | None = None) -> None:
    """Raises StalePlan when this is not the plan that was approved or accepted, and PlanRefused for
    violations.

    `accept` is the digest of the one plan that a person has looked at and lets pass where that may
    be.
    """
    for wanted in (expect_digest, accept):
        if wanted is not None and made.digest != wanted:
            raise StalePlan(
                f"this is not the plan that was approved: its digest is {made.digest}; "
                "nothing was written"
            )
    refused = tuple(found for found in made.violations if accept is None or not found.acceptable)
    if refused:
        raise PlanRefused(refused)


def start(made: Plan, provider: Provider, policy: RunPolicy, options: Options) -> Execution:
    """An execution of an approved plan, not yet run, so that its report can be had even when it is
    interrupted.
    """
    return Execution(made, provider, policy.owner, options)


async def reconcile(
    made: Plan, provider: Provider, policy: RunPolicy, options: Options | None = None
) -> Report:
    """Carries out a plan; raises PlanRefused before the first write if it is unsafe."""
    approve(made, None)
    execution = start(made, provider, policy, options or Options())
    await execution.run()
    return execution.report()
