"""Fills in the open fields of a manifest from the live webhook, so that the comparison shows only
what Git wants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from reconciler.core.model.auth import (
    Auth,
    get_credential,
    get_place,
    get_username,
    with_credential,
    with_username,
)
from reconciler.core.model.options import Options, list_secrets
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Declared, Live, Subscription, Webhook
from reconciler.core.planning.ignored import keep_ignored
from reconciler.core.safety.run_policy import RunPolicy

NOT_COMPARED = (
    "credential not compared: give auth.version, or set RECONCILER_FINGERPRINT_KEY; "
    "--resend-credentials sends it"
)
OPTIONS_NOT_COMPARED = (
    "secret options not compared: set RECONCILER_FINGERPRINT_KEY; --resend-credentials sends them"
)
_CREDENTIAL = "credential"


class UnresolvedWarning(str):
    """A warning that a reference has no value in this run. A pull-request comment prints one line
    for all references.

    `reference` is the reference; `field` is the field that was not compared, "" if the warning
    comes from the manifests alone.
    """

    __slots__ = ("field", "reference")
    field: str
    reference: str

    def __new__(cls, text: str, reference: str, field: str = "") -> Self:
        """The warning's own text is what every other output prints."""
        warning = super().__new__(cls, text)
        warning.reference, warning.field = reference, field
        return warning


def _make_warning(name: str, field: str, declared_value: object, reason: str) -> str:
    """The warning that a field of a webhook was not compared, with the reason."""
    text = f"{name}: {field} {'' if field == _CREDENTIAL else 'was '}not compared: {reason}"
    return (
        UnresolvedWarning(text, declared_value.reference, f"{field} of {name}")
        if isinstance(declared_value, Secret) and _is_unresolved(declared_value)
        else text
    )


def _is_unresolved(value: object) -> bool:
    return isinstance(value, Secret) and not value.is_resolved


def _find_reason(declared_value: object, live_value: object) -> str:
    """Why two values cannot be compared; empty if they can."""
    if isinstance(declared_value, Secret) and not declared_value.is_resolved:
        return f"{declared_value.reference} does not resolve"
    return "the tenant masks it" if _is_unresolved(live_value) else ""


def _settle_url(spec: Webhook, live: Webhook) -> tuple[str | Secret, bool, tuple[str, ...]]:
    """The url to compare, whether it differs, and the warning if that cannot be known."""
    reason = _find_reason(spec.url, live.url)
    if not reason:
        return spec.url, spec.url != live.url, ()
    warning = _make_warning(spec.name, "url", spec.url, reason)
    return live.url if _is_unresolved(spec.url) else spec.url, False, (warning,)


def _settle_auth(
    auth: Auth, live_webhook: Live, declared: Declared, policy: RunPolicy, *, is_moved: bool
) -> tuple[Auth, tuple[str, ...]]:
    """The authentication to compare and to send: the Secret itself if it is to be sent, else the
    live credential.

    `is_moved`: the url differs. Then, and with a different type or header, the credential is always
    sent again.
    """
    live = live_webhook.spec
    auth, with_live_user, warnings = _settle_username(auth, live)
    secret, own_credential = get_credential(declared.spec.auth), get_credential(auth)
    if not isinstance(secret, Secret) or own_credential is None:
        return auth, warnings
    live_credential, version = get_credential(live.auth), own_credential.version
    if (
        is_moved
        or get_place(auth) != get_place(live.auth)
        or _is_other_user(with_live_user, live.auth)
        or _is_other_version(version, live_credential)
        or policy.resend_credentials
    ):
        return with_credential(auth, secret.with_version(version)), warnings
    if version is None:
        reason = _find_reason(secret, None)
        warnings += (
            _make_warning(live.name, _CREDENTIAL, secret, reason) if reason else NOT_COMPARED,
        )
    return with_credential(with_live_user, live_credential or Withheld()), warnings


def _settle_username(auth: Auth, live: Webhook) -> tuple[Auth, Auth, tuple[str, ...]]:
    """The authentication to send, the same with the live user name if the two names cannot be
    compared, and the warning about that.
    """
    username, live_username = get_username(auth), get_username(live.auth)
    if username is None or live_username is None:
        return auth, auth, ()
    reason = _find_reason(username, live_username)
    if not reason:
        return auth, auth, ()
    with_live_user = with_username(auth, live_username)
    warning = _make_warning(live.name, "auth.username", username, reason)
    return with_live_user if _is_unresolved(username) else auth, with_live_user, (warning,)


def _is_other_user(auth: Auth, live: Auth) -> bool:
    names = get_username(auth), get_username(live)
    return None not in names and names[0] != names[1]


def _is_other_version(version: str | None, live_credential: Secret | Withheld | None) -> bool:
    """Whether the tenant holds a different credential; False if that cannot be compared."""
    return version is not None and (
        not isinstance(live_credential, Withheld) or version != live_credential.version
    )


def _settle_options(
    options: Options, live: Live, declared: Declared, policy: RunPolicy, *, is_moved: bool
) -> tuple[Options, tuple[str, ...]]:
    """The options to compare and to send: a Secret itself if it is to be sent, else what the
    product holds of it.

    `is_moved`: the url differs. Then every secret is sent again.
    """
    secrets = list_secrets(declared.spec.options)
    if not secrets:
        return options, ()
    settled, warnings = dict(options), list[str]()
    for name, secret in secrets.items():
        held, normal = live.spec.options.get(name), options.get(name)
        version = normal.version if isinstance(normal, Secret | Withheld) else None
        if (
            is_moved
            or policy.resend_credentials
            or not isinstance(held, Withheld)
            or _is_other_version(version, held)
        ):
            settled[name] = secret
            continue
        settled[name] = held
        if version is None:
            reason = _find_reason(secret, None)
            field = f"options.{name}"
            warnings.append(
                _make_warning(live.spec.name, field, secret, reason)
                if reason
                else OPTIONS_NOT_COMPARED
            )
    return settled, tuple(warnings)


Kept = tuple[frozenset[Subscription], tuple[str, ...], tuple[str, ...]]


def _settle_subscriptions(
    declared_subscriptions: frozenset[Subscription],
    declared: Declared,
    live: Live,
    policy: RunPolicy,
) -> Kept:
    """Rule 6: subscriptions of sources that this run did not read are not removed, and these
    sources stay recorded.

    Returns subscriptions, sources and warnings.
    """
    mark = live.managed_by
    recorded_sources = mark.sources if mark is not None and mark.owner == policy.owner.name else ()
    if recorded_sources == declared.sources and declared_subscriptions == live.spec.subscriptions:
        return declared_subscriptions, recorded_sources, ()  # the usual case, which spares the rest
    missing = tuple(
        source
        for source in recorded_sources
        if source not in declared.sources and not policy.scope.includes(source)
    )
    removals = live.spec.subscriptions - declared_subscriptions
    keep = bool(removals) and (
        bool(missing)
        or not policy.prune
        or not (declared_subscriptions or policy.may_delete(recorded_sources))
    )
    sources = tuple(sorted({*declared.sources, *missing, *(recorded_sources if keep else ())}))
    if not keep:
        return declared_subscriptions, sources, ()
    reason = _explain_kept(missing, policy)
    warning = f"{live.spec.name}: {len(removals)} subscription(s) kept: {reason}"
    return declared_subscriptions | removals, sources, (warning,)


def _explain_kept(missing: tuple[str, ...], policy: RunPolicy) -> str:
    """Why subscriptions are not removed. `missing` are the sources that this run did not read."""
    if missing:
        return f"{', '.join(map(policy.scope.show, missing))} is not under the paths of this run"
    if policy.prune:
        return "taking the last one counts as a delete, and this run deletes nothing of it"
    return "pruning is off"


@dataclass(frozen=True, slots=True)
class Settled:
    """The declared state of a live webhook, with no open field; `warnings` report what was not
    compared.
    """

    spec: Webhook
    key: str
    protected: bool
    sources: tuple[str, ...]
    warnings: tuple[str, ...]

    def apply_to(self, declared: Declared) -> Declared:
        """The declared webhook with its open fields filled in."""
        return replace(declared, spec=self.spec, protected=self.protected, sources=self.sources)


def settle(
    declared: Declared, live: Live, policy: RunPolicy, normalize: Callable[[Webhook], Webhook]
) -> Settled:
    """Fills in the open fields of a declared webhook from the live one. docs/plan-rules.md, rules 2
    and 6; docs/security.md.
    """
    spec, live_spec = normalize(declared.spec), live.spec
    if declared.ignored:
        spec = keep_ignored(spec, live_spec, declared.ignored)
    events, sources, warnings = _settle_subscriptions(spec.subscriptions, declared, live, policy)
    url, moved, url_warnings = _settle_url(spec, live_spec)
    warnings += url_warnings
    auth, auth_warnings = _settle_auth(spec.auth, live, declared, policy, is_moved=moved)
    options, option_warnings = _settle_options(spec.options, live, declared, policy, is_moved=moved)
    enabled = live_spec.enabled if spec.enabled is None else spec.enabled
    protected = live.protected if declared.protected is None else declared.protected
    if not (
        url is spec.url
        and enabled is spec.enabled
        and auth is spec.auth
        and events is spec.subscriptions
    ):
        spec = replace(spec, url=url, enabled=enabled, auth=auth, subscriptions=events)
    if option_warnings or options is not spec.options:
        spec, warnings = replace(spec, options=options), warnings + option_warnings
    return Settled(spec, declared.key, protected, sources, warnings + auth_warnings)
