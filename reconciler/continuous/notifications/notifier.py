"""What a notifier is: a name for messages, and one call."""

from __future__ import annotations

from typing import Protocol

from reconciler.continuous.notifications.notice import Notice


class NotSent(Exception):
    """A notice did not reach its receiver. The text has no url and nothing of the receiver."""


class Notifier(Protocol):
    """Takes notices to one receiver. `name` is for messages and has no url."""

    @property
    def name(self) -> str:
        """How messages name it."""

    async def send(self, notice: Notice) -> None:
        """Sends it, with the repetitions that the receiver allows. Raises NotSent."""
