"""Fills in what a manifest leaves open from the live webhook, so that what is left to compare is
what Git really wants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from reconciler.core.model.auth import (
    Auth,
    BasicAuth,
    auth_type,
    credential,
    header,
    with_credential,
)
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Declared, Live, Subscription, Webhook
from reconciler.core.safety.run_policy import RunPolicy

NOT_COMPARED = (
    "credential not compared: give auth.version, or set RECONCILER_FINGERPRINT_KEY; "
    "--resend-credentials sends it"
)
_CREDENTIAL = "credential"


class Unresolved(str):
    """A warning that a reference has no value in this run, which a comment says once for all
    references.

    `reference` names it; `field` is what was not compared for that, "" where the run's manifests
    alone say it.
    """

    __slots__ = ("field", "reference")
    field: str
    reference: str

    def __new__(cls, text: str, reference: str, field: str = "") -> Self:
        """The warning's own text is what every other output prints."""
        made = super().__new__(cls, text)
        made.reference, made.field = reference, field
        return made


def _not_compared(name: str, field: str, wanted: object, why: str) -> str:
    """The warning that a field of a webhook was not compared, and why."""
    text = f"{name}: {field} {'' if field == _CREDENTIAL else 'was '}not compared: {why}"
    return (
        Unresolved(text, wanted.reference, f"{field} of {name}")
        if isinstance(wanted, Secret) and _unresolved(wanted)
        else text
    )


def _unresolved(value: object) -> bool:
    return isinstance(value, Secret) and not value.resolved


def _incomparable(wanted: object, held: object) -> str:
    """Why two values cannot be compared; empty when they can."""
    if isinstance(wanted, Secret) and not wanted.resolved:
        return f"{wanted.reference} does not resolve"
    return "the tenant masks it" if _unresolved(held) else ""


def _place(auth: Auth) -> tuple[str, str]:
    """What decides where a stored secret may go, besides the url: type and header."""
    return auth_type(auth), header(auth).lower()


def _auth(
    auth: Auth, live: Webhook, declared: Auth, policy: RunPolicy, *, moved: bool
) -> tuple[Auth, tuple[str, ...]]:
    """The authentication to compare and to send: the Secret itself where it is to be sent, else
    what the tenant holds.

    `moved` says that the url differs, which always sends the credential again, as another type or
    header does.
    """
    warnings: list[str] = []
    same_user = auth  # with the user name that the tenant holds, where the two cannot be compared
    if isinstance(auth, BasicAuth) and isinstance(live.auth, BasicAuth):
        why = _incomparable(auth.username, live.auth.username)
        if why:
            warnings.append(_not_compared(live.name, "auth.username", auth.username, why))
            same_user = BasicAuth(live.auth.username, auth.password)
            auth = same_user if _unresolved(auth.username) else auth
    secret, held, known = credential(declared), credential(live.auth), credential(auth)
    if not isinstance(secret, Secret) or known is None:
        return auth, tuple(warnings)
    moved = moved or _place(auth) != _place(live.auth)
    other_user = (
        isinstance(same_user, BasicAuth)
        and isinstance(live.auth, BasicAuth)
        and same_user.username != live.auth.username
    )
    compared = known.version is not None
    differs = compared and (not isinstance(held, Withheld) or known.version != held.version)
    if moved or other_user or differs or policy.resend_credentials:
        return with_credential(auth, secret.with_version(known.version)), tuple(warnings)
    if not compared:
        why = _incomparable(secret, None)
        warnings.append(_not_compared(live.name, _CREDENTIAL, secret, why) if why else NOT_COMPARED)
    return with_credential(same_user, held or Withheld()), tuple(warnings)


Kept = tuple[frozenset[Subscription], tuple[str, ...], tuple[str, ...]]


def _subscriptions(
    wanted: frozenset[Subscription], declared: Declared, live: Live, policy: RunPolicy
) -> Kept:
    """Rule 6: what this run did not read is not removed, and the sources it did not read stay
    recorded.

    Subscriptions, sources and warnings.
    """
    mark = live.managed_by
    recorded = mark.sources if mark is not None and mark.owner == policy.owner.name else ()
    if recorded == declared.sources and wanted == live.spec.subscriptions:
        return wanted, recorded, ()  # the usual case, which spares the rest
    missing = tuple(
        source
        for source in recorded
        if source not in declared.sources and not policy.scope.reads(source)
    )
    removed = live.spec.subscriptions - wanted
    keep = bool(removed) and (
        bool(missing) or not policy.prune or not (wanted or policy.may_delete(recorded))
    )
    sources = tuple(sorted({*declared.sources, *missing, *(recorded if keep else ())}))
    if not keep:
        return wanted, sources, ()
    why = (
        f"{', '.join(map(policy.scope.shown, missing))} is not under the paths of this run"
        if missing
        else "pruning is off"
    )
    if not missing and policy.prune:
        why = "taking the last one counts as a delete, and this run deletes nothing of it"
    warning = f"{live.spec.name}: {len(removed)} subscription(s) kept: {why}"
    return wanted | removed, sources, (warning,)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a run wants of a live webhook, with nothing left open; `warnings` say what was not
    compared.
    """

    spec: Webhook
    key: str
    protected: bool
    sources: tuple[str, ...]
    warnings: tuple[str, ...]

    def of(self, declared: Declared) -> Declared:
        """The declared webhook with its open fields filled in."""
        return replace(declared, spec=self.spec, protected=self.protected, sources=self.sources)


def settle(
    declared: Declared, live: Live, policy: RunPolicy, normalize: Callable[[Webhook], Webhook]
) -> Settled:
    """Fills in the open fields of a declared webhook from the live one. docs/plan-rules.md, rules 2
    and 6; docs/security.md.
    """
    spec, held = normalize(declared.spec), live.spec
    events, sources, warnings = _subscriptions(spec.subscriptions, declared, live, policy)
    url, why = spec.url, _incomparable(spec.url, held.url)
    if why:
        warnings += (_not_compared(spec.name, "url", spec.url, why),)
        url = held.url if _unresolved(url) else url
    auth, said = _auth(
        spec.auth, held, declared.spec.auth, policy, moved=not why and url != held.url
    )
    enabled = held.enabled if spec.enabled is None else spec.enabled
    protected = live.protected if declared.protected is None else declared.protected
    if not (
        url is spec.url
        and enabled is spec.enabled
        and auth is spec.auth
        and events is spec.subscriptions
    ):
        spec = replace(spec, url=url, enabled=enabled, auth=auth, subscriptions=events)
    return Settled(spec, declared.key, protected, sources, warnings + said)
