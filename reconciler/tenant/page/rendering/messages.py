"""What the page reports after an action, by the word in the address: a closed list, so no address
puts text on a page.
"""

from __future__ import annotations

from typing import Final

MESSAGES: Final = {
    "created": "The webhook was added.",
    "saved": "The changes were saved.",
    "unchanged": "Nothing was changed, so nothing was saved.",
    "deleted": "The webhook was deleted.",
    "gone": "The webhook had been deleted already.",
    "enabled": "The webhook is enabled.",
    "disabled": "The webhook is disabled. Its deliveries wait until it is enabled again.",
    "forgotten": "What was typed was kept for 30 minutes and is forgotten. This "
    "is the webhook as it "
    "is stored.",
    "sent-again": "The delivery is sent again now.",
    "all-sent-again": "The failed deliveries of the last 24 hours are sent again now.",
    "none-failed": "No delivery of the last 24 hours has failed, so none is sent again.",
    "added": "The event was added to the list. It is not saved yet.",
    "removed": "The event was removed from the list. It is not saved yet.",
}


def read_message(word: str) -> str:
    """The sentence of a word, empty for any other."""
    return MESSAGES.get(word, "")
