"""Plays a file straight from TorBox: from a token in a `.strm` file to a link to the CDN."""

import asyncio
from weakref import WeakValueDictionary

import structlog

from bridge.core.model import Removal
from bridge.core.streams import Grant, NoStream, Opened, Stream, StreamLater, granted
from bridge.engine.context import EngineContext
from bridge.torbox import NotFound, TorBoxError

log = structlog.get_logger(__name__)

TRIED_SECONDS = 1.0
"""A link is not tried again so soon: a player opens several connections at once."""


class StrmLinks:
    """Returns links for tokens; the same link for a while, because players reconnect often."""

    def __init__(self, ctx: EngineContext) -> None:
        self._ctx = ctx
        self._key = ctx.stream_key
        self._tried = ("", 0.0)
        """The link that was tried last with success, and when."""
        self._turns: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    def size(self, token: str) -> int | None:
        """Return the size of a token's file in bytes; None for an invalid token."""
        grant = granted(token, self._key)
        return grant.size if grant is not None else None

    async def open(self, token: str) -> Opened:
        """Return a link for a token."""
        grant = granted(token, self._key)
        torrent_id = self._torrent_id(grant) if grant else None
        if grant is None or torrent_id is None:
            return NoStream()
        try:
            return Stream(await self._link(torrent_id, grant.file_id))
        except NotFound:
            return NoStream()
        except TorBoxError as error:
            log.warning("stream_waits", hash=grant.hash, file_id=grant.file_id, why=str(error))
            return StreamLater()

    async def _link(self, torrent_id: int, file_id: int) -> str:
        """Return a link; a link that was given before only if the CDN still serves it.

        The bridge does not see what a player meets at the CDN. A player that comes back may have met
        a broken node, so a known link is tried before it is given again.
        """
        # A player opens several connections at once; one link serves them all.
        turn = self._turns.setdefault((torrent_id, file_id), asyncio.Lock())
        async with turn:
            book = self._ctx.link_books.of(torrent_id)
            again = book.holds(file_id)
            link = await book.link(file_id, fresh=False)
            if not again or self._tried_lately(link):
                return link
            if await self._ctx.link_works(link):
                self._tried = (link, self._ctx.clock())
                return link
            log.info("stream_link_replaced", torrent_id=torrent_id, file_id=file_id)
            return await book.link(file_id, fresh=True)

    def _tried_lately(self, link: str) -> bool:
        tried, at = self._tried
        return tried == link and 0 <= self._ctx.clock() - at < TRIED_SECONDS

    def _torrent_id(self, grant: Grant) -> int | None:
        """Return the item to play from, or None while it is being deleted.

        A listed download may have been given a new item since the token was made. If it has none at
        the moment (paused, waiting, failed), the item in the token is used, so that the library
        keeps playing.
        """
        state = self._ctx.state
        download = state.by_hash(grant.hash)
        if download is not None and download.torrent_id is not None:
            return download.torrent_id
        deleted = any(
            isinstance(job.task, Removal) and job.task.delete_remote
            for job in state.jobs_about(grant.hash, Removal)
        )
        return None if deleted else grant.torrent_id
