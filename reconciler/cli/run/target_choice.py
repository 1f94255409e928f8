"""Which tenant the options mean, and how they say that it is reached. `reconciler/connect.py` opens
it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from reconciler.cli.options.tenant import TenantOptions
from reconciler.connect import Target, make_target
from reconciler.core.errors import BadRequest
from reconciler.core.model import limits
from reconciler.core.model.credential_shape import is_issued, is_random
from reconciler.core.model.secret import Secret
from reconciler.manifests import Manifests
from reconciler.net import idn

DEFAULT_FILE: Final = ".reconciler/tenant.db"
THREE_WAYS: Final = (
    "which tenant? Give a Tenant manifest among the paths, or --tenant-url URL --owner "
    "NAME with a token in "
    "--tenant-token-file or RECONCILER_TENANT_TOKEN, or --local for the embedded tenant in a file"
)


def choose_target(options: TenantOptions, manifests: Manifests | None) -> Target:
    """The tenant of this run; raises BadRequest naming the three ways when none was given."""
    _refuse_mixed(options)
    if options.is_local:
        return Target("local", file=str(Path(options.local_file or DEFAULT_FILE).absolute()))
    if options.tenant_url:
        return _make_url_target(options)
    spec = manifests.tenant if manifests is not None else None
    if manifests is None or spec is None:
        raise BadRequest(THREE_WAYS)
    return make_target(spec, manifests)


def _refuse_mixed(options: TenantOptions) -> None:
    if options.is_local and options.tenant_url:
        raise BadRequest("--local and --tenant-url exclude each other")
    if options.tenant and (options.is_local or options.tenant_url):
        raise BadRequest(
            "--tenant chooses among Tenant manifests, which --local and --tenant-url do "
            "not use: give one of them"
        )


def _make_url_target(options: TenantOptions) -> Target:
    url = options.tenant_url or ""
    wrong = limits.url(url)
    if wrong:
        hint = idn.hint(url)
        raise BadRequest(f"--tenant-url {wrong}" + (f": {hint}" if hint else ""))
    if limits.is_plain_http_abroad(url):
        raise BadRequest("--tenant-url: http:// would send the token in clear; use https://")
    return Target("", url, _read_token(options), url_place="--tenant-url")


def _read_token(options: TenantOptions) -> Secret:
    if options.tenant_token_file:
        try:
            text = Path(options.tenant_token_file).read_text("utf-8").removesuffix("\n")
        except (OSError, UnicodeError):
            raise BadRequest(
                f"--tenant-token-file {_shown(options.tenant_token_file)}: cannot be read"
            ) from None
        return Secret(text, "--tenant-token-file")
    value = os.environ.get("RECONCILER_TENANT_TOKEN")
    if not value:
        raise BadRequest(
            "--tenant-url needs a token: --tenant-token-file FILE or RECONCILER_TENANT_TOKEN"
        )
    return Secret(value, "RECONCILER_TENANT_TOKEN")


def _shown(file: str) -> str:
    """The name of a token's file; not if the token itself was given."""
    return (
        "(the value looks like a token, not like a file's name)"
        if is_issued(file) or is_random(file)
        else file
    )
