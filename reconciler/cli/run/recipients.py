"""Who an agent notifies, out of the options; credentials come from files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from reconciler.cli.options.agent import RecipientOptions
from reconciler.continuous.agent.outbox import Recipients
from reconciler.continuous.forges.forge import Forge, find_forge
from reconciler.continuous.notifications.apprise_notifier import make_notifiers, parse_urls
from reconciler.continuous.notifications.cloud_event import CloudEventNotifier
from reconciler.continuous.notifications.notifier import Notifier
from reconciler.core.errors import BadRequest
from reconciler.core.model.remote import parse_remote
from reconciler.core.model.secret import Secret
from reconciler.delivery.send import Sender
from reconciler.net.proxies import Network

_LARGEST_SECRET: Final = 64 * 1024  # bytes


def make_recipients(
    options: RecipientOptions, repository: str, sender: Sender, ca_file: str | None
) -> Recipients:
    """Everybody; raises BadRequest for a file that cannot be used, or a forge that is unknown."""
    notifiers: list[Notifier] = []
    if options.notify_file is not None:
        text = _read(options.notify_file, "--notify-file")
        notifiers += make_notifiers(parse_urls(text, options.notify_file))
    if options.events_url_file is not None and options.events_key_file is not None:
        notifiers.append(
            CloudEventNotifier(
                read_secret(options.events_url_file, "--events-url-file"),
                read_secret(options.events_key_file, "--events-key-file"),
                sender,
                source=f"/{parse_remote(repository) or 'reconciler'}",
            )
        )
    forge = _find_forge(options, options.status_repository or repository)
    return Recipients(notifiers, forge, Network(os.environ, ca_file), options.page_url or "")


def _find_forge(options: RecipientOptions, repository: str) -> Forge | None:
    if options.status_token_file is None:
        return None
    token = read_secret(options.status_token_file, "--status-token-file")
    return find_forge(repository, token, kind=options.forge or "", api_url=options.forge_url or "")


def read_secret(file: str, option: str) -> Secret:
    """The text of a file without its trailing newline; raises BadRequest."""
    text = _read(file, option).removesuffix("\n")
    if not text:
        raise BadRequest(f"{option} {file}: is empty")
    return Secret(text, option)


def _read(file: str, option: str) -> str:
    try:
        with Path(file).open("rb") as stream:
            return stream.read(_LARGEST_SECRET).decode()
    except OSError as error:
        raise BadRequest(f"{option} {file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadRequest(f"{option} {file}: is not UTF-8 text") from None
