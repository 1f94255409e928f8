"""The checks of `doctor` that look at this machine, and the one that asks the tenant."""

from __future__ import annotations

import os
import platform
import stat
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler import __version__
from reconciler.cli.run import source
from reconciler.cli.run.live_state import known_switched_off
from reconciler.cli.run.target_choice import choose_target
from reconciler.connect import Target, open_client
from reconciler.core.errors import BadRequest, InvalidManifests, StoreError
from reconciler.core.planning.switched_off import OFF
from reconciler.core.results.finding import Finding
from reconciler.tenant.folder import OWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.cli.options.manifests import ManifestOptions
    from reconciler.cli.options.tenant import TenantOptions
    from reconciler.manifests import Manifests
    from reconciler.providers.base import Provider

_PARTS: Final = ("click", "httpx", "jsonschema-rs", "pyyaml", "cryptography")
_NAMED: Final = 5  # webhooks that a finding names; the rest are counted


def versions() -> Finding:
    """What runs here; failed where a part is missing."""
    present, missing = [f"reconciler {__version__}", f"Python {platform.python_version()}"], []
    for part in _PARTS:
        try:
            present.append(f"{part} {version(part)}")
        except PackageNotFoundError:
            missing.append(part)
    if missing:
        return Finding(
            "versions",
            "failed",
            f"not installed: {', '.join(missing)}",
            "install webhook-reconciler anew",
        )
    return Finding("versions", "ok", ", ".join(present))


def files(tokens: Iterable[str]) -> Iterator[Finding]:
    """Files that hold secrets and may be read by others: token files, and what stands in
    `.reconciler`.
    """
    held = sorted(path for path in Path(OWN).glob("*") if path.name != ".gitignore")
    private, open_to_others = [], 0
    for path in (*map(Path, tokens), *held):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            yield Finding(
                "files",
                "failed",
                f"{path}: {error.strerror or 'cannot be looked at'}",
                "give the right file",
            )
            continue
        if not mode & 0o077:
            private.append(str(path))
        else:
            open_to_others += 1
            yield Finding(
                "files", "failed", f"{path}: mode {mode:04o} lets others at it", f"chmod go= {path}"
            )
    if private and not open_to_others:
        yield Finding("files", "ok", f"no other user can read {', '.join(private)}")


async def tenant(options: ManifestOptions, manifests: Manifests | None) -> tuple[Finding, ...]:
    """What the tenant says, if one was named; a file of the embedded tenant must be there, none is
    made.
    """
    if options.tenant.by_manifest and (manifests is None or _none_named(options, manifests)):
        return ()
    try:
        target = choose_target(options.tenant, manifests)
        shown = _shown(target)
        if _is_new(target):
            return (Finding("tenant", "ok", f"{shown}: not there yet; the first plan makes it"),)
        return await _examine(target, options, manifests)
    except InvalidManifests as error:
        return tuple(
            Finding("token", "failed", problem.message, problem.hint) for problem in error.problems
        )
    except (BadRequest, StoreError) as error:
        return (
            Finding(
                "tenant", "failed", str(error), "reconciler plan --help says how a tenant is named"
            ),
        )


async def _examine(
    target: Target, options: ManifestOptions, manifests: Manifests | None
) -> tuple[Finding, ...]:
    """What an open tenant says of itself, and which webhooks are off there."""
    async with open_client(target, options.connection) as client:
        plugin, shown = target.plugin, _shown(target) or client.shown
        findings = await plugin.examine(client, target.place, shown, time.time)
        provider = plugin.provider(client, target.place)
        return (*findings, *await _switched_off(provider, options.tenant, manifests))


def _none_named(options: ManifestOptions, manifests: Manifests) -> bool:
    """Whether no tenant was asked for: no PATH was given, and no Tenant manifest is in the current
    folder.
    """
    return options.rules.may_be_empty and not (manifests.tenants or options.tenant.tenant)


async def _switched_off(
    provider: Provider, options: TenantOptions, manifests: Manifests | None
) -> tuple[Finding, ...]:
    """A warning where webhooks that the manifests declare as enabled, or leave open, are off at the
    tenant.
    """
    if manifests is None or not manifests.declared or (options.tenant_url and not options.owner):
        return ()
    off = await known_switched_off(
        manifests.declared, provider, source.known_owner(options, manifests)
    )
    if not off:
        return ()
    message = (
        f"{OFF}: "
        f"{', '.join(off[:_NAMED])}{f' and {len(off) - _NAMED} more' if len(off) > _NAMED else ''}"
    )
    return (
        Finding(
            "webhooks",
            "warning",
            message,
            "enabled: true in its manifest and reconcile switches one on; false keeps it off",
        ),
    )


def _shown(target: Target) -> str:
    """The file of an embedded tenant, "" for one that has a url."""
    return os.path.relpath(target.file) if target.file else ""


def _is_new(target: Target) -> bool:
    return bool(target.file) and not Path(target.file).exists()
