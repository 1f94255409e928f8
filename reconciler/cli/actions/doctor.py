"""Looks for what is wrong: every check that the options allow."""

from __future__ import annotations

from os import environ
from os.path import realpath, relpath
from pathlib import Path

from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run import checks, source
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.cli.terminal.signals import run
from reconciler.core.errors import InvalidManifests
from reconciler.core.results.finding import Finding
from reconciler.manifests import Manifests
from reconciler.manifests.secret_sources.file import FROM_FILE, list_login_places
from reconciler.rendering.commands import doctor
from reconciler.rendering.counts import show_count

_REQUESTS = 3  # how long all of them may take, in the time of a single one


def examine(console: Console, options: ManifestOptions) -> int:
    """Shows what was found; the exit code."""
    findings = run(_examined(options.within(options.connection.timeout * _REQUESTS)))
    console.data(
        doctor.doctor_json(findings) if console.output == "json" else doctor.doctor_text(findings)
    )
    return Exit.ERROR if any(finding.status == "failed" for finding in findings) else Exit.DONE


def accept_nothing(options: ManifestOptions) -> ManifestOptions:
    """The same options, for paths that need not hold a manifest."""
    return options._replace(rules=options.rules._replace(may_be_empty=True))


async def _examined(options: ManifestOptions) -> tuple[Finding, ...]:
    """Every check that the options allow; each goes on where another fails."""
    manifests, read = _manifests(options)
    return (
        checks.versions(),
        *read,
        *checks.files(_token_files(options, manifests)),
        *await checks.tenant(options, manifests),
    )


def _token_files(options: ManifestOptions, manifests: Manifests | None) -> list[str]:
    """The files that hold tokens of tenants, as options and Tenant manifests name them; relative to
    the current folder.
    """
    files = (
        {realpath(options.tenant.tenant_token_file)} if options.tenant.tenant_token_file else set()
    )
    places = manifests.tokens - list_login_places(environ) if manifests is not None else frozenset()
    files |= {place.item[0] for place in places if place.source == FROM_FILE}
    return sorted(map(relpath, files - _list_future_keys(manifests)))


def _list_future_keys(manifests: Manifests | None) -> set[str]:
    """The key files of embedded tenants that need none yet: the first plan makes a file and its
    key, unless a variable holds the key.
    """
    tenants = manifests.tenants if manifests is not None else ()
    files = {realpath(f"{spec.local}.key"): spec.local for spec in tenants if spec.local}
    has_key = "RECONCILER_TENANT_KEY" in environ
    return {
        key
        for key, file in files.items()
        if not Path(key).exists() and (has_key or not Path(file).exists())
    }


def _manifests(options: ManifestOptions) -> tuple[Manifests | None, tuple[Finding, ...]]:
    """What the paths hold, with what is to be said of it."""
    try:
        manifests = source.read(options, "warn")
    except InvalidManifests as error:
        return None, (Finding("manifests", "failed", str(error), "reconciler validate says which"),)
    counts = [show_count(number, kind) for kind, number in manifests.kinds.items()]
    what = f"{', '.join(counts) or 'no manifests'} in {' '.join(options.paths)}"
    if manifests.problems:
        message = f"{show_count(len(manifests.problems), 'warning')}; {what}"
        return manifests, (
            Finding("manifests", "warning", message, "reconciler validate and plan say which"),
        )
    return manifests if counts else None, (Finding("manifests", "ok", what),)
