"""Shows the catalogue of events, and who receives which."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import NamedTuple

from reconciler import __version__
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run import source
from reconciler.cli.run.live_state import keys_switched_off
from reconciler.cli.run.target_choice import choose_target
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.signals import run
from reconciler.connect import open_provider
from reconciler.core.errors import ProviderError, ReconcilerError, StoreError
from reconciler.core.model.catalogue import ELASTIO, Catalogue
from reconciler.core.model.webhook import Declared
from reconciler.core.results.coverage import Coverage, find_coverage
from reconciler.manifests import Request, load
from reconciler.manifests.decode.catalogues import read_catalogue_file
from reconciler.rendering.commands import events
from reconciler.rendering.escape import terminal


class _Input(NamedTuple):
    """The webhooks of a Tenant by its name, None without one, and the catalogue that it names."""

    tenant: str | None
    declared: tuple[Declared, ...]
    catalogue: Catalogue | None


def show_events(
    console: Console, options: ManifestOptions, *, live: bool | None, catalog: str | None
) -> None:
    """The catalogue; with paths who receives which event. `live`: whether the tenants are asked,
    None: if a token is there. `catalog` is the file of another catalogue.
    """
    given = read_catalogue_file(catalog) if catalog is not None else None
    coverages = _coverages(console, options, given, live=live) if options.paths else ()
    catalogue = given or ELASTIO
    if console.output == "json":
        console.data(events.events_json(coverages, catalogue))
    elif console.output == "asyncapi":
        console.data(events.asyncapi_json(catalogue, __version__))
    else:
        console.data(
            events.coverage_text(coverages) if options.paths else events.catalogue_text(catalogue)
        )


def _coverages(
    console: Console, options: ManifestOptions, given: Catalogue | None, *, live: bool | None
) -> tuple[Coverage, ...]:
    """One for each Tenant manifest, of the webhooks that it selects; without one, of all."""
    return tuple(
        find_coverage(
            item.tenant,
            item.declared,
            _known(console, _for_tenant(options, item.tenant), item.declared, live=live),
            given or item.catalogue or ELASTIO,
        )
        for item in _read_inputs(options)
    )


def _for_tenant(options: ManifestOptions, name: str | None) -> ManifestOptions:
    return options._replace(tenant=options.tenant._replace(tenant=name))


def _known(
    console: Console,
    options: ManifestOptions,
    declared: tuple[Declared, ...],
    *,
    live: bool | None,
) -> tuple[str, ...] | None:
    """The keys of webhooks that are off at the tenant of the options; None if it was not asked.
    Raises only with `--live`.
    """
    tenant = options.tenant
    has_tenant = tenant.tenant is not None or not tenant.by_manifest
    if live is False or not (live or has_tenant):
        return None
    try:
        return run(_switched_off(options, declared, may_make=bool(live)))
    except ReconcilerError as error:
        if live:
            raise
        if isinstance(error, ProviderError | StoreError):  # else there is no token for it
            console.say(
                "warning: the tenant was not asked what is switched off there: "
                f"{terminal(str(error))}"
            )
        return None


def _read_inputs(options: ManifestOptions) -> list[_Input]:
    """One for each Tenant manifest, or for the one that is asked for; without one, a single one of
    all webhooks.
    """
    rules = options.rules._replace(lenient=True)
    request = source.request(options._replace(rules=rules), "ignore")
    manifests = load(request)
    if not manifests.tenants or not request.tenant.by_manifest:
        return [_Input(None, manifests.declared, None)]
    wanted = [
        tenant for tenant in manifests.tenants if options.tenant.tenant in {None, tenant.name}
    ]
    has_patches = any(tenant.patches for tenant in wanted)
    return [
        _Input(
            tenant.name,
            _load_patched(request, tenant.name)
            if has_patches
            else tuple(item for item in manifests.declared if tenant.selects(item.labels)),
            tenant.catalogue,
        )
        for tenant in wanted
    ]


def _load_patched(request: Request, name: str) -> tuple[Declared, ...]:
    """The webhooks of one Tenant, with its patches."""
    return load(replace(request, tenant=replace(request.tenant, name=name))).declared


async def _switched_off(
    options: ManifestOptions, declared: tuple[Declared, ...], *, may_make: bool
) -> tuple[str, ...] | None:
    """The keys of webhooks that are off at the tenant of the options; None for a file that does
    not exist, unless the tenant may be made there.

    Raises ReconcilerError.
    """
    tenant = options.tenant
    manifests = load(replace(source.request(options, "warn"), only_tenants=True))
    target = choose_target(tenant, manifests)
    if not may_make and target.file and not os.path.exists(target.file):  # noqa: ASYNC240, PTH110  nothing else runs here
        return None  # only a look: it makes no tenant
    async with open_provider(target, options.connection) as provider:
        spec = manifests.tenant if tenant.tenant is not None else None
        return await keys_switched_off(declared, provider, source.owner(tenant, spec))
