"""Sends notices to all notifiers at once. One that fails or hangs keeps no other, and no run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from reconciler.continuous.notifications.notice import Notice
from reconciler.continuous.notifications.notifier import Notifier, NotSent

SECONDS: Final = 60.0  # that one notifier may take for all notices


async def notify(
    notices: Sequence[Notice], notifiers: Sequence[Notifier], *, seconds: float = SECONDS
) -> tuple[str, ...]:
    """Sends every notice to every notifier, in order; a text per notice that was not sent.

    A notifier gets `seconds` for all of them. No text has a url.
    """
    if not notices:
        return ()
    found = await asyncio.gather(*(_send_all(notices, each, seconds) for each in notifiers))
    return tuple(text for texts in found for text in texts)


async def _send_all(notices: Sequence[Notice], notifier: Notifier, seconds: float) -> list[str]:
    end = asyncio.get_running_loop().time() + seconds
    failures: list[str] = []
    for notice in notices:
        reason = await _send(notice, notifier, end)
        if reason:
            about = f"{notice.kind} of {notice.tenant}" if notice.tenant else notice.kind
            failures.append(f"{notifier.name}: the notice {about} was not sent: {reason}")
    return failures


async def _send(notice: Notice, notifier: Notifier, end: float) -> str:
    """Why it was not sent, empty if it was."""
    limit = asyncio.timeout_at(end)
    try:
        async with limit:
            await notifier.send(notice)
    except NotSent as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  a defect in a library of notifications must not end a run
        if limit.expired():
            return "its time is over"
        return f"an unexpected {type(error).__name__}"  # its text may hold the url
    return ""
