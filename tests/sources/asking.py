"""One webhook whose token is a reference, looked up in a folder of its own; what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.auth import BearerAuth
from reconciler.core.model.problem import Problem
from reconciler.manifests import find_unresolved, load
from tests.support.processes import webhook
from tests.support.requests import make_request

LISTS = {"vault": ["secret/payments/*"], "aws": ["payments/*"], "sops": ["*"]}


@dataclass(frozen=True)
class Found:
    """The token, or the problems that stand in its way."""

    token: object
    problems: tuple[Problem, ...]

    @property
    def problem(self) -> Problem:
        (only,) = self.problems
        return only


def write(folder: Path, reference: object, lists: Mapping[str, list[str]] | None = LISTS) -> None:
    """A Tenant with these lists (None: no `secrets` at all) and a webhook with that token."""
    (folder / "hook.yaml").write_text(
        webhook("hook", auth=f"{{type: bearer, token: {json.dumps(reference)}}}")
    )
    secrets = f", secrets: {json.dumps(lists)}" if lists is not None else ""
    head = "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: main}\n"
    (folder / "tenant.yaml").write_text(
        f"{head}spec: {{local: tenant.db, owner: payments{secrets}}}\n"
    )


def ask(
    folder: Path, reference: object, env: Mapping[str, str] | None = None, **options: object
) -> Found:
    """As `reconcile` would look it up, within 5 s."""
    lists: Mapping[str, list[str]] | None = options.pop("lists", LISTS)  # type: ignore[assignment]  # of that type
    write(folder, reference, lists)
    given = {
        "paths": (str(folder),),
        "secrets": "require",
        "timeout": 5.0,
        "env": env or {},
        **options,
    }
    try:
        manifests = load(make_request(**given))
    except InvalidManifests as error:
        return Found(None, error.problems)
    auth = manifests.declared[0].spec.auth
    assert isinstance(auth, BearerAuth)
    return Found(auth.token, manifests.problems + find_unresolved(manifests, manifests.declared))
