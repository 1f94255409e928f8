"""Fills in what a manifest leaves open from the live webhook, so that what is left to compare is what Git really wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.core import codec
from reconciler.core.model import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    Declared,
    Live,
    Webhook,
    credential,
    with_credential,
)
from reconciler.core.policy import Policy
from reconciler.core.secret import Secret, Withheld

NOT_COMPARED = "credential not compared: give auth.version, or set RECONCILER_FINGERPRINT_KEY; --resend-credentials sends it"


def _unresolved(value: object) -> bool:
    return isinstance(value, Secret) and not value.resolved


def _place(auth: Auth) -> tuple[str, str]:
    """What decides where a stored secret may go, besides the url: type and header."""
    return codec.auth_type(auth), auth.header.lower() if isinstance(auth, ApiKeyAuth) else ""


def _auth(auth: Auth, live: Webhook, declared: Auth, policy: Policy, *, moved: bool) -> tuple[Auth, tuple[str, ...]]:
    """The authentication to compare and to send: the Secret itself where it is to be sent, else what the tenant holds.

    `moved` says that the url differs, which always sends the credential again, as another type or header does.
    """
    warnings = []
    if isinstance(auth, BasicAuth) and _unresolved(auth.username) and isinstance(live.auth, BasicAuth):
        warnings.append(f"auth.username was not compared: {auth.username.reference} does not resolve")  # type: ignore[union-attr]  # _unresolved says it is a Secret
        auth = BasicAuth(live.auth.username, auth.password)
    secret, held, known = credential(declared), credential(live.auth), credential(auth)
    if not isinstance(secret, Secret) or known is None:
        return auth, tuple(warnings)
    moved = moved or _place(auth) != _place(live.auth)
    other_user = isinstance(auth, BasicAuth) and isinstance(live.auth, BasicAuth) and auth.username != live.auth.username
    compared = known.version is not None
    differs = compared and (not isinstance(held, Withheld) or known.version != held.version)
    if moved or other_user or differs or policy.resend_credentials:
        return with_credential(auth, secret.with_version(known.version)), tuple(warnings)
    if not compared:
        warnings.append(NOT_COMPARED)
    return with_credential(auth, held or Withheld()), tuple(warnings)


def _subscriptions(declared: Declared, live: Live, policy: Policy) -> tuple[Declared, tuple[str, ...]]:
    """Rule 6: what this run did not read is not removed, and the sources it did not read stay recorded."""
    mark = live.managed_by
    recorded = mark.sources if mark is not None and mark.owner == policy.owner.name else ()
    missing = tuple(source for source in recorded if source not in declared.sources and not policy.scope.reads(source))
    removed = live.spec.subscriptions - declared.spec.subscriptions
    last = not declared.spec.subscriptions
    outside = [source for source in recorded if not policy.scope.in_folder(source)] if last else []
    keep = bool(removed) and (
        bool(missing) or not policy.prune or (last and (bool(outside) or policy.scope.selected is not None))
    )
    sources = tuple(sorted({*declared.sources, *missing, *(recorded if keep else ())}))
    if not keep:
        return declared if sources == declared.sources else replace(declared, sources=sources), ()
    why = f"{', '.join(missing)} is not under the paths of this run" if missing else "pruning is off"
    if not missing and policy.prune:
        why = "taking the last one counts as a delete, and this run deletes nothing of it"
    spec = replace(declared.spec, subscriptions=declared.spec.subscriptions | removed)
    warning = f"{live.spec.name}: {len(removed)} subscription(s) kept: {why}"
    return replace(declared, spec=spec, sources=sources), (warning,)


def settle(
    declared: Declared, live: Live, policy: Policy, normalize: Callable[[Webhook], Webhook]
) -> tuple[Declared, tuple[str, ...]]:
    """The declared webhook with its open fields filled in, and what was not compared for that. Design §5 rules 2, 6; §6."""
    wanted, warnings = _subscriptions(declared, live, policy)
    spec = normalize(wanted.spec)
    url, said_url = spec.url, tuple[str, ...]()
    if _unresolved(url):
        said_url = (f"{spec.name}: url was not compared: {url.reference} does not resolve",)  # type: ignore[union-attr]  # as above
        url = live.spec.url
    auth, said = _auth(spec.auth, live.spec, declared.spec.auth, policy, moved=url != live.spec.url)
    enabled = live.spec.enabled if spec.enabled is None else spec.enabled
    protected = live.protected if wanted.protected is None else wanted.protected
    # One copy of each, not one a field: in a plan without changes these copies are most of the time.
    spec = replace(spec, url=url, enabled=enabled, auth=auth)
    return replace(wanted, spec=spec, protected=protected), (*warnings, *said_url, *said)
