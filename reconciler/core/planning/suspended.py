"""Webhooks whose manifests say `suspend: true`: a plan leaves them as they are. Pure.
docs/plan-rules.md, rule 2.
"""

from __future__ import annotations

from reconciler.core.change import Violation
from reconciler.core.model.scopes import get_git_key
from reconciler.core.model.webhook import Declared


def make_warning(declared: Declared) -> str:
    """A plan's warning for a suspended webhook; of a fleet one for all scopes."""
    name = get_git_key(declared.spec.name)
    return (
        f"{declared.origin}: {name}: suspended: its manifest says suspend: true, so it is left as "
        "it is at the tenant"
    )


def make_refusal(declared: Declared) -> Violation:
    """Why a suspended webhook is not taken over."""
    name = declared.spec.name
    message = f"{name}: is suspended; remove suspend: true from its manifest to take it over"
    return Violation("suspended", message, (name,), declared.origin)
