"""What became of a webhook since it was planned: the questions behind every conflict. Called by the
providers; pure.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.errors import Conflict
from reconciler.core.model.auth import get_credential, with_credential
from reconciler.core.model.limits import normalize_name
from reconciler.core.model.options import withhold
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Declared, Live, Owner, Webhook
from reconciler.core.planning.diff import diff, find_moved_fields


def withheld(spec: Webhook) -> Webhook:
    """What a tenant of our contract answers for `spec`: the name in NFC, a credential as its
    version; the rest as it is.
    """
    secret = get_credential(spec.auth)
    auth = (
        with_credential(spec.auth, Withheld(secret.version))
        if isinstance(secret, Secret)
        else spec.auth
    )
    options = withhold(spec.options) if spec.options else spec.options
    return replace(spec, name=normalize_name(spec.name), auth=auth, options=options)


def with_normal_name(declared: Declared) -> Declared:
    """The same with its name in NFC, which is how tenants keep it."""
    return replace(declared, spec=replace(declared.spec, name=normalize_name(declared.spec.name)))


def is_as_declared(current: Live, declared: Declared, owner: Owner) -> bool:
    """Whether the tenant holds what `declared` says, under our mark; what it leaves open may be
    anything.
    """
    want, mark = withheld(declared.spec), current.managed_by
    if want.enabled is None:
        want = replace(want, enabled=current.spec.enabled)
    ours = mark is not None and (mark.owner, mark.key, mark.sources) == (
        owner.name,
        declared.key,
        declared.sources,
    )
    ours = ours and owner.repository_for(mark) == (mark.repository if mark is not None else None)
    return ours and declared.protected in {None, current.protected} and not diff(current.spec, want)


def make_changed_conflict(planned: Live, current: Live) -> Conflict:
    """The conflict of a webhook that is no longer at the planned revision."""
    fields = find_moved_fields(planned, current)
    what = (
        ", ".join(fields)
        if fields
        else "no field that can be read; its credential may have been replaced"
    )
    return Conflict(
        f"{planned.spec.name}: changed since it was planned: {what}; nothing was written", fields
    )


def make_deleted_conflict(planned: Live) -> Conflict:
    """The conflict of an update whose webhook is gone."""
    return Conflict(
        f"{planned.spec.name}: deleted since it was planned; the next run creates it again"
    )
