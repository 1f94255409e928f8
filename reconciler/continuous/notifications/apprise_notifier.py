"""Notices to chat, mail and pagers by apprise, which knows more than a hundred services.

A url of apprise holds the credential of its service, so it is a Secret, and no message has it.
apprise blocks, so it runs in a thread. The thread ends late if a service hangs: a service gives up
after 4 s without a connection or an answer, if its url says nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from typing import TYPE_CHECKING, Final

from reconciler.continuous.notifications.notice import Notice
from reconciler.continuous.notifications.notifier import NotSent
from reconciler.core.errors import BadRequest
from reconciler.core.model.secret import Secret
from reconciler.core.wire.revealed import plain

if TYPE_CHECKING:
    from apprise import Apprise

_SILENT: Final = logging.CRITICAL + 1
_LOGGERS: Final = {
    "apprise": _SILENT,  # at DEBUG it logs urls and answers
    "urllib3": logging.WARNING,  # at DEBUG it logs paths, which are credentials at many services
    "requests": logging.WARNING,
    "requests_oauthlib": _SILENT,  # at DEBUG it logs tokens
    "oauthlib": _SILENT,
}


def parse_urls(text: str, reference: str) -> tuple[Secret, ...]:
    """The urls of a variable or file: one per line, without empty lines and those that begin with
    `#`. `reference` says where they come from.
    """
    lines = (line.strip() for line in text.splitlines())
    return tuple(Secret(line, reference) for line in lines if line and not line.startswith("#"))


def make_notifiers(urls: tuple[Secret, ...]) -> tuple[AppriseNotifier, ...]:
    """A notifier per url. Raises BadRequest, without the url, if apprise is not installed or does
    not know a url.
    """
    return tuple(AppriseNotifier(url, number) for number, url in enumerate(urls, 1))


class AppriseNotifier:
    """Sends to the service of one url, which is the `number`th of its list. Raises BadRequest, as
    `make_notifiers`.
    """

    def __init__(self, url: Secret, number: int = 1) -> None:
        place = url.reference.removeprefix("fromEnv: ") or "the list"
        self.name: Final = f"apprise ({place}, url {number})"
        self._service = _open_service(url, self.name)

    async def send(self, notice: Notice) -> None:
        """Sends it once: apprise knows no repetition that is safe. Raises NotSent."""

        def work() -> bool:
            return bool(
                self._service.notify(
                    body=notice.text or notice.title,
                    title=notice.title,
                    notify_type=notice.severity,
                    body_format="text",
                )
            )

        if not await asyncio.to_thread(work):
            raise NotSent("the service did not take it; `apprise -vv` with that url says why")


def _open_service(url: Secret, name: str) -> Apprise:
    """One service of apprise, which writes neither log lines nor files."""
    for logger, level in _LOGGERS.items():
        logging.getLogger(logger).setLevel(level)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its services import modules that are deprecated
        try:
            import apprise  # noqa: PLC0415  half a second, and few send by it
        except ImportError:
            raise BadRequest(
                "apprise is not installed: install webhook-reconciler with the extra agent"
            ) from None
        asset = apprise.AppriseAsset(
            app_id="reconciler", app_desc="reconciler", async_mode=False, storage_mode="memory"
        )
        service = apprise.Apprise.instantiate(plain(url), asset=asset)
    if service is None:
        raise BadRequest(f"{name}: apprise does not know this url")
    opened = apprise.Apprise(asset=asset)
    opened.add(service)
    return opened
