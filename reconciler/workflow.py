"""The story, each chapter in about ten lines: validate, plan, reconcile, export, adopt.

No options, no rendering, no exit codes here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from reconciler.core.change import Plan, TenantRef
from reconciler.core.errors import BadRequest, InvalidManifests, PlanRefused, StalePlan
from reconciler.core.export.adopt import AdoptionRequest, make_adoption
from reconciler.core.export.exported import Export, make_export
from reconciler.core.model.problem import Problem
from reconciler.core.model.scopes import ScopeFailure
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Owner
from reconciler.core.planning.fleet import place
from reconciler.core.planning.plan import make_plan
from reconciler.core.planning.settle import UnresolvedWarning
from reconciler.core.results.reports import Report
from reconciler.core.safety.evidence import add_doubts, find_removals
from reconciler.core.safety.holds import accept_listed, warn_of_suspension
from reconciler.core.safety.permissions import Permissions
from reconciler.core.safety.run_policy import Limits, RunPolicy, Scope
from reconciler.core.safety.use import find_unknown_use
from reconciler.core.saved.plan_reading import Saved
from reconciler.core.saved.resume import check_scopes
from reconciler.core.saved.resume import resume as resumed
from reconciler.core.saved.since import Base, labelled
from reconciler.execute import Execution, Options
from reconciler.manifests import Manifests, Request, TenantSpec, find_unresolved, load
from reconciler.manifests.decode.secrets import UNRESOLVED
from reconciler.manifests.files.trees import Snapshot
from reconciler.manifests.history.repository import find_repository_of_run
from reconciler.providers.base import Provider, Reader, find_scopes


@dataclass(frozen=True, slots=True)
class Narrow:
    """`--only`, `--exclude` and `--select`, by metadata.name and labels; empty for all webhooks.

    `known_names` are names that other tenants of the run declare: not every tenant needs to have
    them.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    select: tuple[tuple[str, str], ...] = ()
    known_names: frozenset[str] = frozenset()

    def keys(self, declared: Iterable[Declared]) -> frozenset[str] | None:
        """The selected keys, None if no option selects. Raises BadRequest if none is left or a name
        is unknown.
        """
        if not (self.only or self.exclude or self.select):
            return None
        items = {item.key: item for item in declared}
        unknown_names = [
            name
            for name in (*self.only, *self.exclude)
            if name not in items and name not in self.known_names
        ]
        if unknown_names:
            raise BadRequest(f"no webhook has the metadata.name {', '.join(unknown_names)}")
        selected = frozenset(
            key
            for key, item in items.items()
            if (not self.only or key in self.only)
            and key not in self.exclude
            and all(item.labels.get(label) == value for label, value in self.select)
        )
        if not selected:
            raise BadRequest(
                "no declared webhook matches --only, --select and --exclude", nothing_selected=True
            )
        return selected


def validate(request: Request) -> Manifests:
    """Reads and checks manifests; raises InvalidManifests with every problem."""
    return load(request)


def settle_policy(
    manifests: Manifests,
    spec: TenantSpec | None,
    owner: str,
    permissions: Permissions,
    narrow: Narrow | None = None,
) -> RunPolicy:
    """What a run may do: the permissions over what the Tenant manifest `spec` says, in the part of
    the manifests that is selected. `owner` is the owner that webhooks are marked with.
    """
    repository = find_repository_of_run(manifests, spec)
    prune = spec.prune if spec is not None else True
    policy = RunPolicy(
        owner=Owner(owner, permissions.revision, repository),
        ownership=spec.ownership if spec is not None else "marked",
        prune=prune if permissions.prune is None else permissions.prune,
        adopt=permissions.adopt,
        resend_credentials=permissions.resend_credentials,
        accept_in_use=permissions.accept_in_use,
        limits=_make_limits(spec, permissions),
        moved_from=frozenset(permissions.moved_from),
    )
    root = manifests.tree.show_path(manifests.root)
    return narrow_policy(manifests, narrow or Narrow(), policy, root)


def _make_limits(spec: TenantSpec | None, permissions: Permissions) -> Limits:
    limits = Limits(max_deletes=permissions.max_deletes, max_updates=permissions.max_updates)
    if spec is None:
        return limits
    return replace(
        limits,
        delete_share=spec.delete_share,
        update_share=spec.update_share,
        update_from=spec.update_from,
    )


def narrow_policy(
    manifests: Manifests, narrow: Narrow, policy: RunPolicy, root: str = "."
) -> RunPolicy:
    """The policy with this run's scope: its paths, relative to the current folder through `root`,
    and the selected keys.
    """
    scope = Scope(manifests.folders, manifests.files, narrow.keys(manifests.declared), root)
    return replace(
        policy,
        scope=scope,
        literal_urls=manifests.literal_urls,
        rules=manifests.rules,
        selection=manifests.selection,
        has_removals=isinstance(manifests.tree, Snapshot) and manifests.tree.has_removals,
    )


def require_secrets(
    manifests: Manifests, keys: frozenset[str] | None, *, tenants: bool = False
) -> tuple[Declared, ...]:
    """The selected webhooks. Raises InvalidManifests if a reference of one of them that is not
    suspended, or with `tenants` of a Tenant, does not resolve.
    """
    webhooks = tuple(item for item in manifests.declared if keys is None or item.key in keys)
    needed = (item for item in webhooks if not item.suspended)
    problems = find_unresolved(manifests, needed, tenants=tenants)
    if problems:
        raise InvalidManifests(problems, manifests.documents, manifests.skipped)
    return webhooks


def _go_on() -> None:
    """Nobody is told."""


async def plan(
    manifests: Manifests,
    provider: Reader,
    policy: RunPolicy,
    tenant: TenantRef,
    fingerprint_key: Secret | None = None,
    base: Base | None = None,
    listed: Callable[[], object] = _go_on,
) -> Plan:
    """What reconcile would do, with the warnings of the manifests; with `base`, labelled with the
    side that changed since. It cannot write, by type. `listed` is called after the listing.
    """
    live = await provider.list()
    listed()
    result = make_plan(
        manifests.declared,
        live,
        policy,
        tenant=replace(tenant, scopes=find_scopes(provider)),
        normalize=provider.normalize,
        fingerprint_key=fingerprint_key,
        capabilities=provider.capabilities,
    )
    result = replace(result, warnings=(*result.warnings, *provider.warnings))
    sources = find_removals(result, policy)
    if sources:
        from reconciler.manifests.history.evidence import find_doubts  # noqa: PLC0415  only a removal asks git

        result = add_doubts(result, find_doubts(manifests, sources), policy)
    result = await _observe(result, provider, policy)
    result = result if base is None else labelled(result, base, policy, provider.normalize)
    result = accept_in_git(result, manifests.tenant)
    return replace(
        result,
        warnings=(
            *_warn_of_suspension(manifests.tenant),
            *map(_make_warning, manifests.problems),
            *result.warnings,
        ),
    )


def _warn_of_suspension(spec: TenantSpec | None) -> tuple[str, ...]:
    return () if spec is None else warn_of_suspension(spec.schedule, spec.schedule_places)


def accept_in_git(result: Plan, spec: TenantSpec | None) -> Plan:
    """The plan with the violations as accepted that the Tenant manifest accepts."""
    return result if spec is None else accept_listed(result, spec.schedule)


async def _observe(result: Plan, provider: Reader, policy: RunPolicy) -> Plan:
    """The plan with the recent deliveries of what it removes, if the tenant has to be asked."""
    if provider.capabilities.usage != "log" or not find_unknown_use(result):
        return result
    from reconciler.observe import observe  # noqa: PLC0415  only a removal asks

    return await observe(result, provider, policy)


def _make_warning(problem: Problem) -> str:
    """A warning of the manifests in one line, with its fix."""
    fix = f"; {problem.hint}" if problem.hint else ""
    text = f"{problem.origin}: {problem.message} [{problem.rule}]{fix}"
    return (
        UnresolvedWarning(text, problem.message.partition(" does not resolve")[0])
        if problem.rule == UNRESOLVED
        else text
    )


async def export(
    manifests: Manifests, provider: Reader, policy: RunPolicy, adopt_from: str | None = None
) -> Export:
    """What the manifests lack of the tenant; raises PlanRefused if the matching is ambiguous."""
    live, scopes = await provider.list(), find_scopes(provider)
    result = make_export(
        place(manifests.declared, scopes),
        live,
        policy,
        normalize=provider.normalize,
        reserved_names=manifests.reserved_names,
        capabilities=provider.capabilities,
        adopt_from=adopt_from,
    )
    if result.clashes:
        raise PlanRefused(result.clashes)
    return result


async def adopt(
    manifests: Manifests,
    provider: Reader,
    policy: RunPolicy,
    request: AdoptionRequest,
    tenant: TenantRef,
) -> Plan:
    """The plan that marks existing webhooks as ours; raises BadRequest for a name that no manifest
    has.
    """
    known_names = {name for item in manifests.declared for name in (item.key, item.spec.name)}
    if unknown_names := sorted((request.names or frozenset()) - known_names):
        raise BadRequest(f"no manifest declares {', '.join(unknown_names)}")
    live = await provider.list()
    return make_adoption(
        manifests.declared,
        live,
        policy,
        request,
        tenant=replace(tenant, scopes=find_scopes(provider)),
        normalize=provider.normalize,
        capabilities=provider.capabilities,
    )


async def find_places(
    webhooks: Iterable[Declared], provider: Reader | None
) -> tuple[tuple[Declared, ...], tuple[ScopeFailure, ...]]:
    """The webhooks in each scope of a fleet that they go to, and the scopes that could not be read;
    the same webhooks for any other provider, which is not asked.
    """
    if provider is None or find_scopes(provider) is None:
        return tuple(webhooks), ()
    await provider.list()
    scopes = find_scopes(provider)
    return place(webhooks, scopes), scopes.failures if scopes is not None else ()


async def find_switched_off(provider: Reader, owner: str) -> frozenset[str]:
    """The keys of our webhooks that are switched off at the tenant."""
    marks = [(item.managed_by, item.spec.enabled) for item in await provider.list()]
    return frozenset(
        mark.key
        for mark, enabled in marks
        if mark is not None and mark.owner == owner and enabled is False
    )


async def filter_switched_on(
    webhooks: Iterable[Declared], provider: Reader, policy: RunPolicy
) -> tuple[Declared, ...]:
    """The webhooks that receive events: those that the tenant has switched off are left out, and
    suspended ones, which a run does not touch.
    """
    off = await find_switched_off(provider, policy.owner.name)
    return tuple(item for item in webhooks if item.key not in off and not item.suspended)


async def resume(
    saved: Saved,
    provider: Reader,
    declared: Iterable[Declared],
    policy: RunPolicy,
    fingerprint_key: Secret | None = None,
) -> Plan:
    """A saved plan, planned again on one listing; raises StalePlan if what it touches has moved."""
    live = await provider.list()
    result = resumed(
        check_scopes(saved, find_scopes(provider)),
        live,
        declared,
        policy,
        normalize=provider.normalize,
        fingerprint_key=fingerprint_key,
        capabilities=provider.capabilities,
    )
    return await _observe(result, provider, policy)


def approve(approved_plan: Plan, expect_digest: str | None, accept: str | None = None) -> None:
    """Raises StalePlan if the plan is not the approved or accepted one, and PlanRefused for
    violations.

    `accept` is the digest of the one plan whose acceptable violations a person accepted.
    """
    for digest in (expect_digest, accept):
        if digest is not None and approved_plan.digest != digest:
            raise StalePlan(
                f"this is not the plan that was approved: its digest is {approved_plan.digest}; "
                "nothing was written"
            )
    violations = tuple(
        violation
        for violation in approved_plan.refusals
        if accept is None or not violation.is_acceptable
    )
    if violations:
        raise PlanRefused(violations)


def start(
    approved_plan: Plan, provider: Provider, policy: RunPolicy, options: Options
) -> Execution:
    """An execution of an approved plan, not started yet, so that its report exists even after an
    interruption.
    """
    return Execution(approved_plan, provider, policy.owner, options)


async def reconcile(
    approved_plan: Plan, provider: Provider, policy: RunPolicy, options: Options | None = None
) -> Report:
    """Executes a plan; raises PlanRefused before the first write if it is unsafe."""
    approve(approved_plan, None)
    execution = start(approved_plan, provider, policy, options or Options())
    await execution.run()
    return execution.report()
