"""Checks manifests; asks no tenant."""

from __future__ import annotations

from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run import source
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.problems import rendered
from reconciler.core.errors import InvalidManifests
from reconciler.manifests import Manifests, find_unresolved


def read(options: ManifestOptions, *, secrets: bool) -> Manifests:
    """The manifests, for whichever tenant they are; `secrets` looks up every reference."""
    rules = options.rules._replace(lenient=True, check_each=True)
    judged = options._replace(rules=rules).with_policies("judge")
    return source.read(judged, "require" if secrets else "ignore")


def require_secrets(manifests: Manifests) -> None:
    """Raises InvalidManifests if a reference does not resolve, of a webhook or of a Tenant."""
    problems = find_unresolved(manifests, manifests.declared, tenants=True)
    if problems:
        raise InvalidManifests(problems, manifests.documents, manifests.skipped)


def show_problems(console: Console, manifests: Manifests) -> None:
    """What the manifests only warn of."""
    problems = (manifests.problems, manifests.documents, manifests.skipped)
    console.data(rendered(console.output, *problems, color=console.color))
