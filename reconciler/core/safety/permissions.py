"""What a person permits in one run. No imports of ours: the options of commands hold it."""

from __future__ import annotations

from typing import NamedTuple


class Permissions(NamedTuple):
    """What a person permits in one run, over what the Tenant manifest says; the defaults are the
    safe ones, and those of the command line.

    `prune`: whether to delete what is ours and no longer declared; None: as the manifest says.
    `adopt` takes over declared webhooks that are unowned. `max_deletes` and `max_updates` replace
    the limits by counts. `accept_in_use` deletes also what delivered in the last 24 h.
    `resend_credentials` sends credentials that cannot be compared. `revision` is stored with each
    change. `moved_from` are former addresses of this repository, as `host/path`.
    """

    prune: bool | None = None
    adopt: bool = False
    max_deletes: int | None = None
    max_updates: int | None = None
    accept_in_use: bool = False
    resend_credentials: bool = False
    revision: str | None = None
    moved_from: tuple[str, ...] = ()
