"""Answers of TorBox, remembered for a while: cached hashes, refusals, and links to files.

In memory only, so that a restart after an upgrade of the plan forgets it.
"""

from collections.abc import Callable, Iterable, Mapping
from math import inf

import structlog

from bridge.core.model import Failure, Reason
from bridge.core.ttl_map import TtlMap
from bridge.torbox import TorBox, TorBoxError

log = structlog.get_logger(__name__)

CACHED_SECONDS = 3600.0
"""TorBox caches its own answer for an hour."""
NOT_CACHED_SECONDS = 300.0
"""A negative answer expires sooner: it may have been an empty reply, and others add torrents."""
UNANSWERED_SECONDS = 10.0
"""When it could not be asked, it is not asked about these hashes again for so long."""

REFUSED_SECONDS = 86400.0
FOR_GOOD = frozenset({Reason.INVALID, Reason.TOO_LARGE, Reason.REFUSED, Reason.INFECTED})
"""Reasons that a second attempt cannot change."""
TOO_LARGE_FOR_PLAN = "DOWNLOAD_TOO_LARGE"
"""TorBox's code when the content is too large for the plan (not the .torrent)."""

LINK_SECONDS = 50 * 60.0
"""TorBox allows starting a link for at least an hour."""


class CachedAnswers:
    """Which hashes TorBox has cached. A single call asks about many downloads."""

    def __init__(self, torbox: TorBox) -> None:
        self._torbox = torbox
        self._known: TtlMap[str, bool | None] = TtlMap(CACHED_SECONDS)
        self.asking = False

    def known(self, now: float) -> Mapping[str, bool | None]:
        """Return what is known, by hash; None where TorBox did not say."""
        return self._known.items(now)

    def forget(self, info_hash: str) -> None:
        """Forget the answer about a hash: it was wrong."""
        self._known.pop(info_hash)

    async def ask(self, hashes: Iterable[str], now: float) -> None:
        """Ask TorBox about all the hashes in one call.

        Raises:
            TorBoxError: TorBox gave no answer.
        """
        asked, self.asking = tuple(hashes), True
        try:
            found = await self._torbox.cached(asked)
        except TorBoxError:
            for info_hash in asked:
                self._known.put(info_hash, None, now, keep_seconds=UNANSWERED_SECONDS)
            raise
        finally:
            self.asking = False
        for info_hash in asked:
            cached = info_hash in found
            keep = CACHED_SECONDS if cached else NOT_CACHED_SECONDS
            self._known.put(info_hash, cached, now, keep_seconds=keep)
        log.info("cached_checked", asked=len(asked), cached=len(found))


class Refusals:
    """Torrents that TorBox refused for good in the last day, so that the same add is rejected at once.

    Times are unix seconds, sizes bytes.
    """

    def __init__(self) -> None:
        self._by_hash: TtlMap[str, Failure] = TtlMap(REFUSED_SECONDS)
        self._too_large: TtlMap[None, int] = TtlMap(REFUSED_SECONDS)
        """The smallest size that was too large for the plan."""

    def remember(
        self, info_hash: str, failure: Failure, *, size: int = 0, code: str = "", now: float
    ) -> None:
        """Record that a torrent was refused; `size` is in bytes, 0 when unknown."""
        if failure.reason not in FOR_GOOD:
            return
        self._by_hash.put(info_hash, failure, now)
        if code == TOO_LARGE_FOR_PLAN and size > 0:
            self._too_large.put(None, min(size, self._too_large.get(None, now) or size), now)

    def why(self, info_hash: str, size: int, now: float) -> str:
        """Return why TorBox will refuse a torrent; empty when it may accept it."""
        known = self._by_hash.get(info_hash, now)
        if known is not None:
            return f"TorBox refused it today: {known.message}"
        if size >= (self._too_large.get(None, now) or inf):
            return "it is larger than what TorBox refused today as too large for the plan"
        return ""


class LinkBooks:
    """Links to files on TorBox's CDN: requested when a fetch starts, and reused while valid.

    TorBox treats frequent link requests as abuse, so a link is reused unless the CDN refuses it.
    Links outlive the attempt that requested them: a resumed delivery continues with them.
    """

    def __init__(self, torbox: TorBox, clock: Callable[[], float]) -> None:
        self._torbox = torbox
        self._clock = clock
        self._links: TtlMap[tuple[int, int], str] = TtlMap(LINK_SECONDS)

    def of(self, torrent_id: int) -> "LinkBook":
        """Return the links of a remote item."""
        return LinkBook(self, torrent_id)

    async def link(self, torrent_id: int, file_id: int, *, fresh: bool) -> str:
        """Return a link to a file; a new link if `fresh`, or if the last is too old.

        Raises:
            TorBoxError: TorBox gave none.
        """
        now, key = self._clock(), (torrent_id, file_id)
        # `fresh` comes from a CDN that refused the link: links die with a key reset or a deleted
        # item.
        known = None if fresh else self._links.get(key, now)
        if known is not None:
            return known
        link = await self._torbox.link(torrent_id, file_id)
        self._links.put(key, link, now)
        return link

    def holds(self, torrent_id: int, file_id: int) -> bool:
        """Return whether a link made before would be given again."""
        return self._links.get((torrent_id, file_id), self._clock()) is not None

    def forget(self, torrent_id: int) -> None:
        """Forget the links of an item that was deleted."""
        for key in self._links.items(self._clock()):
            if key[0] == torrent_id:
                self._links.pop(key)


class LinkBook:
    """The links of one remote item."""

    def __init__(self, books: LinkBooks, torrent_id: int) -> None:
        self._books = books
        self._torrent_id = torrent_id

    async def link(self, file_id: int, *, fresh: bool) -> str:
        """Return a link to the file; see `LinkBooks.link`."""
        return await self._books.link(self._torrent_id, file_id, fresh=fresh)

    def holds(self, file_id: int) -> bool:
        """Return whether a link made before would be given again."""
        return self._books.holds(self._torrent_id, file_id)
