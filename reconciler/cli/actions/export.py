"""Writes live webhooks as manifests."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from reconciler import workflow
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run import source
from reconciler.cli.run.fresh_files import write_fresh
from reconciler.cli.run.prepare import Prepared, listing, prepare
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.cli.terminal.progress import waiting
from reconciler.cli.terminal.signals import run
from reconciler.connect import open_provider
from reconciler.core.change import TenantRef
from reconciler.core.errors import BadRequest
from reconciler.core.export.exported import Export, Written
from reconciler.core.export.terraform import make_hcl
from reconciler.core.model.webhook import Live
from reconciler.core.safety.permissions import Permissions
from reconciler.core.wire.webhooks import make_literal
from reconciler.manifests import Manifests, TenantSpec
from reconciler.manifests.edit import edits, new_files
from reconciler.rendering.commands import export as render_export
from reconciler.rendering.counts import show_count
from reconciler.rendering.document import to_json

_CONFIGURATION: Final = "webhooks.tf"


@dataclass(frozen=True, slots=True)
class Destination:
    """The absolute path of a folder, and what is written there."""

    folder: str
    hide_urls: bool
    dry_run: bool


def export(
    console: Console, options: ManifestOptions, destination: Destination, adopt_from: str | None
) -> int:
    """Exports into the folder; the exit code."""
    prepared = prepare(options, Permissions(), "warn")
    return run(_export(console, options, prepared, destination, adopt_from))


def export_terraform(console: Console, options: ManifestOptions, destination: Destination) -> int:
    """Writes Terraform's configuration of the tenant's webhooks into a new file, without those of
    other owners; the exit code.
    """
    prepared = prepare(
        options._replace(rules=options.rules._replace(may_be_empty=True)), Permissions(), "warn"
    )
    return run(_export_terraform(console, prepared, destination))


async def _export_terraform(console: Console, prepared: Prepared, destination: Destination) -> int:
    target = prepared.target
    if target.plugin.capabilities.scopes in target.place:
        raise BadRequest("--as terraform: this Tenant is a fleet; export one repository at a time")
    async with (
        open_provider(target, prepared.connection) as provider,
        waiting(console, *listing(provider)),
    ):
        own = _list_own(await provider.list(), prepared.policy.owner.name)
    try:
        text = make_hcl(
            target.provider, target.place, [(item.id, make_literal(item.spec)) for item in own]
        )
    except ValueError as error:
        raise BadRequest(f"--as terraform: {error}") from None
    if destination.dry_run:
        console.data(text)
        return Exit.DONE
    write_fresh(destination.folder, {_CONFIGURATION: text})
    file, total = f"{destination.folder}/{_CONFIGURATION}", show_count(len(own), "webhook")
    console.data(
        f"{file}: {total}; terraform plan imports them, and asks for the credentials as variables\n"
    )
    return Exit.DONE


def _list_own(live: Iterable[Live], owner: str) -> list[Live]:
    """The webhooks without an owner and those of this one, by name."""
    return sorted(
        (item for item in live if item.managed_by is None or item.managed_by.owner == owner),
        key=lambda item: (item.spec.name, item.id),
    )


def read_too(options: ManifestOptions, folder: str) -> tuple[ManifestOptions, str]:
    """The options, with the manifests of the folder if it exists, and its absolute path."""
    full = os.path.abspath(folder)  # noqa: PTH100  as the layer that it is for
    read = [path for path in (folder,) if os.path.isdir(full)]  # noqa: PTH112  as that layer
    rules = options.rules._replace(may_be_empty=True)
    return options._replace(paths=(*read, *options.paths), rules=rules), full


async def _export(
    console: Console,
    options: ManifestOptions,
    prepared: Prepared,
    destination: Destination,
    adopt_from: str | None,
) -> int:
    manifests = prepared.manifests
    async with (
        open_provider(prepared.target, prepared.connection) as provider,
        waiting(console, *listing(provider)),
    ):
        export = await workflow.export(manifests, provider, prepared.policy, adopt_from)
    in_use = manifests.tenant if options.tenant.by_manifest else None
    style = new_files.Style(
        in_use.select if in_use is not None else {},
        destination.hide_urls,
        "name" in provider.capabilities.fields,
    )
    export, files = _files(export, manifests, in_use, destination.folder, style)
    if not destination.dry_run:
        new_files.write_files(files, destination.folder)
    _show(console, prepared.tenant, export, files)
    if files and not destination.dry_run:
        _read_back(options, destination.folder)
    return Exit.DONE


def _files(
    export: Export,
    manifests: Manifests,
    in_use: TenantSpec | None,
    folder: str,
    style: new_files.Style,
) -> tuple[Export, tuple[Written, ...]]:
    """The files to write, and the export with warnings of what remains to be done by hand."""
    changed, by_hand = edits.make_edits(export, manifests.event_subscriptions, folder)
    export = replace(export, warnings=export.warnings + by_hand + _of_patches(in_use, export))
    return export, (*new_files.make_new_files(export, folder, style), *changed)


def _of_patches(in_use: TenantSpec | None, export: Export) -> tuple[str, ...]:
    """What a new manifest does not say, where the Tenant has patches."""
    if in_use is None or not in_use.patches or not export.fresh:
        return ()
    what = (
        "new manifests say what this tenant holds; a patch that matches one of them still "
        "applies, so plan before you commit"
    )
    return (f"Tenant {in_use.name} has patches: {what}",)


def _show(console: Console, tenant: TenantRef, export: Export, files: tuple[Written, ...]) -> None:
    if console.output == "json":
        console.data(to_json(render_export.export_document(tenant, export, files)))
    else:
        console.data(render_export.export_text(export, files, color=console.color))
    for remark in render_export.remarks(export, files):
        console.say(remark)


def _read_back(options: ManifestOptions, folder: str) -> None:
    """Reads everything once more; raises InvalidManifests where what a tenant holds is not allowed
    in a manifest.
    """
    source.read(options._replace(paths=(folder, *options.paths)), "ignore")
