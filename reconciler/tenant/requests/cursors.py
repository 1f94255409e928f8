"""Opaque cursors, bound to their listing by a keyed hash. Pure."""

from __future__ import annotations

import base64
import hmac
from typing import Final

from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.vault import Vault

_MAC: Final = 16  # bytes


def make_cursor(vault: Vault, listing: str, last: str) -> str:
    """The cursor behind `last` in a listing; `listing` names route and filters."""
    mac = vault.compute_mac(f"cursor {listing}", last.encode())[:_MAC]
    return base64.urlsafe_b64encode(mac + last.encode()).decode().rstrip("=")


def read_cursor(vault: Vault, listing: str, cursor: str) -> str:
    """The last item before a cursor; raises 400 for one that this listing did not make."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        last = raw[_MAC:].decode()
    except ValueError:
        raise Refusal("bad-cursor") from None
    if not hmac.compare_digest(make_cursor(vault, listing, last).encode(), cursor.encode()):
        raise Refusal("bad-cursor")
    return last
