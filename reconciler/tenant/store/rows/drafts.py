"""SQL of the table `drafts`: what was typed into a form, kept for its session for 30 minutes, the
secret sealed.

Every POST of a webhook's form writes one first; a test, the next step, an error or a conflict goes
on from there. A draft is found only with the session that wrote it.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.values.draft import Draft
from reconciler.tenant.store.values.session import Session

SECONDS: Final = 1800.0  # a draft is kept after it was last written
MOST: Final = 50  # of one session; the oldest go


def find(
    connection: sqlite3.Connection, draft_id: str, session: Session, now: float
) -> Draft | None:
    """A session's own draft, None for one that is unknown, too old or another session's."""
    row = connection.execute(
        "SELECT fields, sealed FROM drafts WHERE id = ? AND session = ? AND expires_at > ?",
        (draft_id, session.hash, now),
    ).fetchone()
    if row is None:
        return None
    fields = json.loads(row["fields"])
    sealed = None if row["sealed"] is None else bytes(row["sealed"])
    return Draft(
        draft_id, fields["typed"], fields["webhook"], fields["revision"], sealed, fields["tested"]
    )


def save(connection: sqlite3.Connection, draft: Draft, session: Session, now: float) -> None:
    """Writes a draft, new or again; raises 401 for a session that has just ended."""
    purge(connection, now)
    fields = {
        "typed": dict(draft.typed),
        "webhook": draft.webhook,
        "revision": draft.revision,
        "tested": draft.tested,
    }
    written = connection.execute(
        "INSERT OR REPLACE INTO drafts (id, session, fields, sealed, expires_at) "
        "SELECT ?, hash, ?, ?, ? FROM sessions WHERE hash = ?",
        (draft.id, json.dumps(fields), draft.sealed, now + SECONDS, session.hash),
    ).rowcount
    if not written:
        raise Refusal("signed-out")
    connection.execute(
        "DELETE FROM drafts WHERE session = :session AND id NOT IN "
        "(SELECT id FROM drafts WHERE session = :session ORDER BY expires_at DESC, id = "
        ":id DESC LIMIT :most)",
        {"session": session.hash, "id": draft.id, "most": MOST},
    )


def discard(connection: sqlite3.Connection, draft: Draft) -> None:
    """Forgets a draft, its secret with it."""
    connection.execute("DELETE FROM drafts WHERE id = ?", (draft.id,))


def purge(connection: sqlite3.Connection, now: float) -> None:
    """Forgets every draft that is too old."""
    connection.execute("DELETE FROM drafts WHERE expires_at <= ?", (now,))
