"""Events of our kinds, by kopf in a thread of its own. It lists, watches, and connects again.

Its high-level handlers are not used: they write annotations into the objects of users. Nor is its
peering: a Lease says who runs a Tenant. In a thread it leaves our signal handlers alone.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import kopf

_log = logging.getLogger("reconciler.continuous.watch")
_RETRY: Final = 5.0  # seconds until a watch that failed is begun anew
_END: Final = 5.0  # seconds that the thread may take to end
_TIMEOUT: Final = 30.0  # seconds
_PAGE: Final = 500  # objects of one answer
Take = Callable[[Mapping[str, Any], bool], None]
Login = Callable[[], Awaitable[kopf.ConnectionInfo]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Watched:
    """What is watched: kinds by their plurals, in all namespaces if none is given. `login` says how
    the API server is reached; it is asked again when the server refuses us.
    """

    group: str
    version: str
    plurals: tuple[str, ...]
    login: Login
    namespaces: tuple[str, ...] = ()


async def watch(watched: Watched, take: Take, fail: Callable[[], None]) -> None:
    """Calls `take` in this event loop with each object that is listed or changes, and whether it is
    gone; `fail` when events may have been missed. Runs until it is cancelled.
    """
    loop, stop, over = asyncio.get_running_loop(), threading.Event(), asyncio.Event()

    def hand_over(body: Mapping[str, Any], is_gone: bool) -> None:
        with suppress(RuntimeError):  # our loop is closed already
            loop.call_soon_threadsafe(take, body, is_gone)

    def note_failure() -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(fail)

    def work() -> None:
        try:
            asyncio.run(_watch_again(watched, hand_over, note_failure, stop))
        finally:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(over.set)

    threading.Thread(target=work, name="watch", daemon=True).start()
    try:
        await over.wait()
    finally:
        stop.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), _END)


async def _watch_again(
    watched: Watched, take: Take, fail: Callable[[], None], stop: threading.Event
) -> None:
    """Watches; what fails, such as a kind that is missing, is begun anew."""
    while not stop.is_set():
        try:
            await _watch_once(watched, take, stop)
        except Exception as error:  # noqa: BLE001  whatever kopf failed with, the next try may work
            _log.warning("the watch failed and is begun anew: %s", type(error).__name__)
        if not stop.is_set():
            fail()
        await asyncio.to_thread(stop.wait, _RETRY)


async def _watch_once(watched: Watched, take: Take, stop: threading.Event) -> None:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True  # it would need the right to list all definitions
    settings.process.ultimate_exiting_timeout = None
    settings.networking.request_timeout = settings.networking.connect_timeout = _TIMEOUT
    settings.networking.error_backoffs = (1, 2, 3)
    settings.watching.connect_timeout = _TIMEOUT
    settings.watching.chunk_size = _PAGE
    logging.getLogger("kopf").setLevel(logging.ERROR)  # its lines quote objects
    await kopf.operator(
        registry=_make_registry(watched, take),
        settings=settings,
        standalone=True,
        clusterwide=not watched.namespaces,
        namespaces=watched.namespaces,
        stop_flag=stop,
    )


def _make_registry(watched: Watched, take: Take) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    def note(event: Mapping[str, Any], **_: Any) -> None:
        take(event["object"], event["type"] == "DELETED")

    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await watched.login()

    for plural in watched.plurals:
        kopf.on.event(watched.group, watched.version, plural, id=plural, registry=registry)(note)
    kopf.on.login(registry=registry, retries=3)(login)
    return registry
