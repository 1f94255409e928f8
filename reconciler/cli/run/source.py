"""From the paths and options of a command to manifests. No tenant is asked here."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Literal

from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.tenant import TenantOptions
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
    read_fingerprint_key,
)
from reconciler.manifests.secret_sources import FetchCache
from reconciler.manifests.yaml.reader import SIZE
from reconciler.providers import registry

Secrets = Literal["ignore", "warn", "require"]
LOCAL_OWNER = "local"


def fingerprint_key() -> Secret | None:
    """The key of credential fingerprints, from RECONCILER_FINGERPRINT_KEY."""
    return read_fingerprint_key(os.environ)


def _standard_input() -> bytes | None:
    """All that a manifest may have and one byte more, so that an endless stream ends; None where
    there is nothing to read.
    """
    try:
        return sys.stdin.buffer.read(SIZE + 1) if sys.stdin is not None else None
    except OSError:
        return None


def _private(tenant: TenantOptions) -> tuple[str, ...]:
    """Files of this run that no manifest may send anywhere: our token, the key of the embedded
    tenant.
    """
    tokens = [tenant.tenant_token_file] if tenant.tenant_token_file else []
    keys = [f"{os.path.realpath(tenant.local_file)}.key"] if tenant.local_file else []
    return (*tokens, *keys)


def request(options: ManifestOptions, secrets: Secrets) -> Request:
    """What to read and how."""
    tenant, rules, policies = options.tenant, options.rules, options.policies
    return Request(
        find=registry.capabilities,
        files=_files(options),
        env=dict(os.environ),
        tenant=TenantChoice(tenant.tenant, tenant.by_manifest, rules.lenient, rules.check_each),
        secrets=_lookup(options, secrets),
        policies=PolicyChoice(policies.mode, policies.policies, policies.policies_at),
        strict=rules.strict,
        narrowed=options.narrow.is_narrowed,
    )


def _files(options: ManifestOptions) -> InputFiles:
    files = InputFiles(
        options.paths,
        may_be_empty=options.rules.may_be_empty,
        keep=options.since is not None,
        keep_values=options.rules.keep_values,
    )
    if not files.has_stdin:
        return files
    text = options.shared.stdin
    return replace(files, stdin=_standard_input() if text is None else text)


def _lookup(options: ManifestOptions, mode: Secrets) -> SecretLookup:
    once = options.shared.once
    return SecretLookup(
        mode=mode,
        folder=options.secrets.secrets_dir,
        allow_command=options.secrets.allow_command,
        timeout=options.connection.timeout,
        ca_file=options.connection.ca_file,
        fingerprint_key=fingerprint_key(),
        private=_private(options.tenant),
        once=FetchCache() if once is None else once,
    )


def read(options: ManifestOptions, secrets: Secrets) -> Manifests:
    """The manifests among the paths; raises InvalidManifests, BadRequest."""
    return load(request(options, secrets))


def owner(options: TenantOptions, spec: TenantSpec | None) -> str:
    """The owner that webhooks are marked with; `spec` is the Tenant manifest in use. Raises
    BadRequest if it is not clear.
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
        raise BadRequest("--tenant-url needs --owner NAME: the owner that webhooks are marked with")
    return str(name)


def known_owner(options: TenantOptions, manifests: Manifests) -> str:
    """The same for a command that can do without: "" where `--tenant-url` came without
    `--owner`.
    """
    if options.tenant_url and not options.owner:
        return ""
    return owner(options, manifests.tenant if options.by_manifest else None)
