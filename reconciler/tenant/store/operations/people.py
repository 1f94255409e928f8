"""Operations for people and programs that may do something: tokens, sign-in links, sessions, and
the drafts of a session.
"""

from __future__ import annotations

from reconciler.tenant.store.operations.base import Operations
from reconciler.tenant.store.rows import drafts, sessions, tokens
from reconciler.tenant.store.values.draft import Draft
from reconciler.tenant.store.values.session import Session
from reconciler.tenant.store.values.token import Principal


class Tokens(Operations):
    """The access tokens of a file, as requests use them."""

    __slots__ = ()

    async def authenticate(self, text: str) -> Principal | None:
        """Who a token's text stands for; None for an unknown or expired one."""
        now = self._clock()
        return await self._database.read(lambda c: tokens.authenticate(c, text, now))


class Sessions(Operations):
    """Who is signed in to the page."""

    __slots__ = ()

    async def find(self, text: str) -> Session | None:
        """The session of a cookie's text, None for one that is unknown or over."""
        now = self._clock()
        return await self._database.read(lambda c: sessions.find(c, text, now))

    async def is_link_valid(self, text: str) -> bool:
        """Whether a sign-in link could be used; using it is `sign_in`."""
        now = self._clock()
        return await self._database.read(lambda c: sessions.is_link_valid(c, text, now))

    async def sign_in(self, link: str) -> str | None:
        """Uses a link up: the text of a new session, None for a link that is unknown, used or too
        old.
        """
        now = self._clock()
        return await self._database.write(lambda c: sessions.sign_in(c, link, now))

    async def sign_out(self, session: Session) -> None:
        """Ends a session, its drafts with it."""
        await self._database.write(lambda c: sessions.sign_out(c, session))


class Drafts(Operations):
    """What sessions typed into forms."""

    __slots__ = ()

    async def find(self, draft_id: str, session: Session) -> Draft | None:
        """A session's own draft, None for one that is unknown, too old or another session's."""
        now = self._clock()
        return await self._database.read(lambda c: drafts.find(c, draft_id, session, now))

    async def save(self, draft: Draft, session: Session) -> None:
        """Writes a draft, new or again; raises 401 for a session that has just ended."""
        now = self._clock()
        await self._database.write(lambda c: drafts.save(c, draft, session, now))

    async def discard(self, draft: Draft) -> None:
        """Forgets a draft, its secret with it."""
        await self._database.write(lambda c: drafts.discard(c, draft))
