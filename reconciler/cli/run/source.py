"""From the paths and options of a command to manifests, and to what decides a plan. No tenant is
spoken to here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from reconciler.core.errors import BadRequest
from reconciler.core.model.secret import Secret
from reconciler.manifests import (
    InputFiles,
    Manifests,
    PolicyChoice,
    Request,
    SecretLookup,
    TenantChoice,
    TenantSpec,
    load,
)
from reconciler.manifests.yaml.read import SIZE

if TYPE_CHECKING:
    from reconciler.core.safety.run_policy import Ownership, RunPolicy
    from reconciler.core.saved.since import Base

Secrets = Literal["ignore", "warn", "require"]
LOCAL_OWNER = "local"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one command line, by their names; what a command does not have is None."""

    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        """The value of an option."""
        return self.values.get(name)

    def but(self, **values: Any) -> Options:
        """The same with those values."""
        return Options({**self.values, **values})

    @property
    def is_local(self) -> bool:
        """Whether the embedded tenant was asked for."""
        return bool(self.local or self.local_file)


def fingerprint_key() -> Secret | None:
    """The key of credential fingerprints, from RECONCILER_FINGERPRINT_KEY."""
    value = os.environ.get("RECONCILER_FINGERPRINT_KEY")
    return Secret(value, "RECONCILER_FINGERPRINT_KEY") if value else None


def _standard_input() -> bytes | None:
    """All that a manifest may have and one byte more, so that an endless stream ends; None where
    there is nothing to read.
    """
    try:
        return sys.stdin.buffer.read(SIZE + 1) if sys.stdin is not None else None
    except OSError:
        return None


def _private(options: Options) -> tuple[str, ...]:
    """Files of this run that no manifest may send anywhere: our token, the key of the embedded
    tenant.
    """
    tokens = [options.tenant_token_file] if options.tenant_token_file else []
    return (
        *tokens,
        *([f"{os.path.realpath(options.local_file)}.key"] if options.local_file else []),
    )


def request(options: Options, secrets: Secrets) -> Request:
    """What to read and how."""
    paths: tuple[str, ...] = options.paths
    files = InputFiles(
        paths=paths,
        stdin=(options.stdin if options.stdin is not None else _standard_input())
        if "-" in paths
        else None,
        may_be_empty=bool(options.may_be_empty),
        keep=options.since is not None,
        keep_values=options.out is not None,
    )
    return Request(
        files=files,
        env=dict(os.environ),
        tenant=TenantChoice(
            name=options.tenant,
            by_manifest=not (options.is_local or options.tenant_url),
            lenient=bool(options.any_tenant)
            or options.via == "probe",  # a probe asks no tenant, so none is chosen
            check_each=bool(options.each_tenant),
        ),
        secrets=_lookup(options, secrets),
        policies=PolicyChoice(
            options.judge or ("read" if "policies" in options.values else "ignore"),
            options.policies,
            options.policies_at,
        ),
        strict=bool(options.strict),
        narrowed=bool(options.only or options.select or options.exclude),
    )


def _lookup(options: Options, mode: Secrets) -> SecretLookup:
    return SecretLookup(
        mode=mode,
        folder=options.secrets_dir,
        allow_command=bool(options.allow_command),
        timeout=options.timeout or 30.0,
        ca_file=options.ca_file,
        fingerprint_key=fingerprint_key(),
        private=_private(options),
        **({"once": options.once} if options.once is not None else {}),
    )


def read(options: Options, secrets: Secrets) -> Manifests:
    """The manifests among the paths; raises InvalidManifests, BadRequest."""
    return load(request(options, secrets))


def base(options: Options, manifests: Manifests) -> Base | None:
    """What they declared as of `--since`, None without it; raises BadRequest, GitFailed,
    InvalidManifests of then.
    """
    if options.since is None:
        return None
    from reconciler.manifests.history import since  # noqa: PLC0415  only `--since` asks git

    return since.base(options.since, manifests, request(options, "ignore"))


def owner(options: Options, spec: TenantSpec | None) -> str:
    """Who we are at the tenant; `spec` is the Tenant manifest in use. Raises BadRequest where that
    is not clear.
    """
    if spec is not None and options.owner not in {None, spec.owner}:
        raise BadRequest(
            f"--owner {options.owner}: the Tenant manifest {spec.name} says that we are "
            f"{spec.owner}"
        )
    name = options.owner or (
        spec.owner if spec is not None else LOCAL_OWNER if options.is_local else None
    )
    if not name:
        raise BadRequest("--tenant-url needs --owner NAME: who we are there")
    return str(name)


def known_owner(options: Options, manifests: Manifests) -> str:
    """The same for a command that can do without: "" where `--tenant-url` came without
    `--owner`.
    """
    if options.tenant_url and not options.owner:
        return ""
    return owner(options, None if options.is_local or options.tenant_url else manifests.tenant)


def policy(options: Options, manifests: Manifests) -> RunPolicy:
    """What the options allow, over what the Tenant manifest says."""
    from reconciler.core.model.webhook import Owner  # noqa: PLC0415  `validate` has no policy
    from reconciler.core.safety.run_policy import Limits, RunPolicy  # noqa: PLC0415  likewise
    from reconciler.manifests.history.repository import repository_of_run  # noqa: PLC0415  likewise

    spec = None if options.is_local or options.tenant_url else manifests.tenant
    ownership: Ownership = "all" if spec is not None and spec.ownership == "all" else "marked"
    prune = (
        options.prune if options.prune is not None else (spec.prune if spec is not None else True)
    )
    return RunPolicy(
        owner=Owner(owner(options, spec), options.revision, repository_of_run(manifests, spec)),
        ownership=ownership,
        prune=prune,
        adopt=bool(options.adopt),
        resend_credentials=bool(options.resend_credentials),
        accept_in_use=bool(options.accept_in_use),
        limits=Limits(
            delete_share=spec.delete_share if spec is not None else 0.3,
            update_share=spec.update_share if spec is not None else 0.3,
            update_from=spec.update_from if spec is not None else 10,
            max_deletes=options.max_deletes,
            max_updates=options.max_updates,
        ),
        moved_from=frozenset(options.moved_from or ()),
    )
