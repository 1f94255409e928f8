"""What `import reconciler` offers: load, open a tenant, plan, reconcile, render.

Each function is thin over `manifests`, `workflow`, `connect` and `rendering`. Messages name options
as the command line does: `--max-deletes` is `Permissions.max_deletes`. docs/python-api.md.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from reconciler import windows, workflow
from reconciler.connection import Connection
from reconciler.core.change import Plan, TenantRef
from reconciler.core.errors import BadRequest, InvalidManifests, StalePlan
from reconciler.core.model.remote import parse_repository
from reconciler.core.results.reports import Report
from reconciler.core.safety.permissions import Permissions
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.deadline import end_in
from reconciler.execute import Options
from reconciler.manifests import (
    InputFiles,
    Manifests,
    PolicyChoice,
    Request,
    SecretLookup,
    TenantChoice,
    read_fingerprint_key,
    warn_of_unresolved,
)
from reconciler.manifests import load as load_request
from reconciler.providers import registry
from reconciler.providers.base import Provider
from reconciler.rendering import forms

Form = Literal["text", "json", "markdown"]
_FORMS: Final = get_args(Form)
_SHORTEST: Final = 0.001  # seconds, as for the options of the command line


def load(
    path: str | os.PathLike[str],
    /,
    *paths: str | os.PathLike[str],
    tenant: str | None = None,
    policies: str | None = None,
    secrets_dir: str | None = None,
    allow_command: bool = False,
    connection: Connection | None = None,
) -> Manifests:
    """The manifests among files and folders, for the Tenant manifest called `tenant`, else for the
    only one.

    Secret references are looked up; one without a value is a warning of the plan, and refused by
    `reconcile`. `policies` is the folder of the organisation's rules, by default `policies` beside
    the Tenant manifest, else in the current folder. `secrets_dir` is a folder that references may
    name by absolute path; `allow_command` lets `fromCommand` run programs; `connection` is how
    secret stores are reached. Raises InvalidManifests with every problem, and BadRequest if it is
    unclear which Tenant.
    """
    reached = _check_connection(connection)
    for name, folder in (("policies", policies), ("secrets_dir", secrets_dir)):
        if folder is not None and (not folder or "\0" in folder):
            raise BadRequest(f"{name}: is no folder")
    files = InputFiles(tuple(os.fspath(each) for each in (path, *paths)))
    if files.has_stdin:
        raise BadRequest("load reads no standard input; give files and folders")
    lookup = SecretLookup(
        mode="require",
        folder=secrets_dir,
        allow_command=allow_command,
        timeout=reached.timeout,
        ca_file=reached.ca_file,
        fingerprint_key=read_fingerprint_key(os.environ),
    )
    request = Request(
        find=registry.capabilities,
        files=files,
        env=dict(os.environ),
        tenant=TenantChoice(tenant, option="tenant=NAME"),
        secrets=lookup,
        policies=PolicyChoice("read", policies),
    )
    return load_request(request)


class OpenTenant:
    """A tenant that `open_tenant` opened. It plans and reconciles its manifests."""

    def __init__(
        self,
        manifests: Manifests,
        provider: Provider,
        policy: RunPolicy,
        tenant: TenantRef,
        end: float | None,
    ) -> None:
        """`end` is the time of `time.monotonic` at which the deadline is over."""
        self._manifests, self._provider, self._policy = manifests, provider, policy
        self._tenant, self._end = tenant, end
        self._last_plan: Plan | None = None

    async def plan(self) -> Plan:
        """What `reconcile` would do; it writes nothing. `plan.violations` holds every reason to
        refuse it. Raises ProviderError.
        """
        key = read_fingerprint_key(os.environ)
        shown = warn_of_unresolved(self._manifests)
        self._last_plan = await workflow.plan(
            shown, self._provider, self._policy, self._tenant, key
        )
        return self._last_plan

    async def reconcile(self, plan: Plan, *, expect_digest: str | None = None) -> Report:
        """Executes the last plan of this tenant, once; the report has an outcome per change.

        Before the first write it raises StalePlan if `plan` is not that plan, or if its digest is
        not `expect_digest`, InvalidManifests if a secret reference has no value, and PlanRefused
        if the plan has violations, or if the Tenant is suspended or none of its windows is open. A
        change that the tenant refuses is an outcome of the report, no error.
        """
        if plan is not self._last_plan:
            raise StalePlan(
                "this is not the last plan of the open tenant, or it was executed already; plan "
                "again; nothing was written"
            )
        workflow.require_secrets(self._manifests, None)
        plan = windows.hold_plan(plan, self._manifests.tenant, datetime.now(UTC))
        workflow.approve(plan, expect_digest)
        self._last_plan = None
        return await workflow.reconcile(
            plan, self._provider, self._policy, Options(deadline=self._end)
        )


@asynccontextmanager
async def open_tenant(
    manifests: Manifests,
    *,
    permissions: Permissions | None = None,
    connection: Connection | None = None,
) -> AsyncIterator[OpenTenant]:
    """The tenant of the manifests, for `async with`: `spec.url` and `spec.token` of the Tenant
    manifest, or the embedded tenant in the file `spec.local`.

    `permissions` are those of the command line's options; without them the plan is as safe as
    there. Raises BadRequest without a Tenant manifest, InvalidManifests if its token does not
    resolve, StoreError if the file cannot be used, and ProviderError.
    """
    from reconciler.connect import make_target, open_provider  # noqa: PLC0415  load and render start no client

    reached = _check_connection(connection)
    allowed = _parse_repositories(permissions or Permissions())
    spec = manifests.tenant
    if spec is None:
        raise BadRequest(
            "which tenant? Give a Tenant manifest among the paths, with url and token, or local"
        )
    target = make_target(spec, manifests)
    policy = workflow.settle_policy(manifests, spec, spec.owner, allowed)
    ref = target.ref(policy.owner.name, policy.owner.repository)
    end = end_in(reached.deadline)
    async with open_provider(target, reached) as provider:
        yield OpenTenant(manifests, provider, policy, ref, end)


def render(
    value: Plan | Report | InvalidManifests, form: Form = "text", *, color: bool = False
) -> str:
    """A plan, a report or the problems of manifests, exactly as the command line prints them;
    `color` is for text. Raises BadRequest for an unknown form.
    """
    if form not in _FORMS:
        raise BadRequest(f"form: {form!r} is unknown; there are: {', '.join(_FORMS)}")
    if isinstance(value, InvalidManifests):
        problems = (value.problems, value.documents, value.skipped)
        return forms.render("problems", form, *problems, color=color)
    kind = "plan" if isinstance(value, Plan) else "report"
    return forms.render(kind, form, value, color=color)


def _check_connection(connection: Connection | None) -> Connection:
    """The connection, by default the usual one; raises BadRequest for a time that is too short."""
    if connection is None:
        return Connection()
    for name in ("timeout", "deadline"):
        seconds = getattr(connection, name)
        if seconds is not None and not seconds >= _SHORTEST:
            raise BadRequest(f"{name}: {seconds} is not a number of seconds from {_SHORTEST} up")
    return connection


def _parse_repositories(permissions: Permissions) -> Permissions:
    """The permissions, with former addresses as `host/path`; raises BadRequest."""
    repositories = tuple(filter(None, map(parse_repository, permissions.moved_from)))
    if len(repositories) < len(
        permissions.moved_from
    ):  # which may hold a password: it is not repeated
        raise BadRequest("moved_from: is no repository: write host/path, or the url of a remote")
    return permissions._replace(moved_from=repositories)
