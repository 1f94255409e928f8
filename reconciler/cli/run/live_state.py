"""What `test`, `doctor` and `events` know of the live state: which declared webhooks are switched
off at the tenant.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler import workflow
from reconciler.core.errors import ProviderError
from reconciler.core.model.scopes import get_git_key
from reconciler.core.model.webhook import Declared
from reconciler.providers.base import Reader


async def keys_switched_off(
    declared: Iterable[Declared], provider: Reader, owner: str
) -> tuple[str, ...]:
    """Their keys, in order and with their scope, without those that are declared as disabled; none
    if the owner is not known.

    Raises ProviderError.
    """
    keys = {item.key for item in declared if item.spec.enabled is not False} if owner else set()
    if not keys:
        return ()
    off = await workflow.find_switched_off(provider, owner)
    return tuple(sorted(key for key in off if get_git_key(key) in keys))


async def known_switched_off(
    declared: Iterable[Declared], provider: Reader, owner: str
) -> tuple[str, ...]:
    """The same; none where the tenant does not answer or does not let us read, which another check
    reports.
    """
    try:
        return await keys_switched_off(declared, provider, owner)
    except ProviderError:
        return ()
