"""What a request that is cut off between its tries still tells: what the tenant said before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from reconciler.core.errors import ProviderError

T = TypeVar("T")


async def telling(earlier: ProviderError | None, work: Awaitable[T]) -> T:
    """Awaits `work`. If it is cancelled, the CancelledError has the error of the earlier try as its
    cause.
    """
    try:
        return await work
    except asyncio.CancelledError as cut:
        if earlier is None:
            raise
        raise cut from earlier
