"""Remembers which hashes TorBox has cached, as far as it was asked recently."""

from collections.abc import Iterable, Mapping

import structlog

from bridge.torbox import TorBox, TorBoxError

log = structlog.get_logger()

KEEP_SECONDS = 3600.0
"""TorBox caches its own answer for an hour."""

KEEP_NO_SECONDS = 300.0
"""A negative answer expires sooner: it may have been an empty reply, and others add torrents."""

UNANSWERED_SECONDS = 10.0
"""When it could not be asked, it is not asked about these hashes again for so long."""


class CachedAnswers:
    """Asks only where it matters: one call for many downloads."""

    def __init__(self, torbox: TorBox) -> None:
        self._torbox = torbox
        self._known: dict[str, tuple[bool | None, float]] = {}
        self.asking = False

    def known(self, now: float) -> Mapping[str, bool | None]:
        """Return what is known, by hash; None where TorBox did not say."""
        self._known = {key: kept for key, kept in self._known.items() if kept[1] > now}
        return {info_hash: cached for info_hash, (cached, _) in self._known.items()}

    def forget(self, info_hash: str) -> None:
        """Forget the answer about a hash: it was wrong."""
        self._known.pop(info_hash, None)

    async def ask(self, hashes: Iterable[str], now: float) -> None:
        """Ask TorBox about all the hashes in one call.

        Raises:
            TorBoxError: TorBox gave no answer.
        """
        asked, self.asking = tuple(hashes), True
        try:
            found = await self._torbox.cached(asked)
        except TorBoxError:
            until = now + UNANSWERED_SECONDS
            self._known |= dict.fromkeys(asked, (None, until))
            raise
        finally:
            self.asking = False
        for info_hash in asked:
            cached = info_hash in found
            self._known[info_hash] = (cached, now + (KEEP_SECONDS if cached else KEEP_NO_SECONDS))
        log.info("cached_checked", asked=len(asked), cached=len(found))
