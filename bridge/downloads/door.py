"""The door, put together from its parts."""

from bridge.core.model import BEFORE_READY
from bridge.downloads.fetching import LinkFetcher
from bridge.downloads.limits import Limits
from bridge.downloads.links import Links
from bridge.downloads.search import SearchJobs
from bridge.engine.engine import Engine
from bridge.engine.services import Services


class Downloads(Links, Limits):
    """Every download, category and tag the bridge knows.

    Without a `fetcher` no links to .torrents are followed.
    """

    def __init__(
        self, services: Services, engine: Engine, fetcher: LinkFetcher | None = None
    ) -> None:
        super().__init__(services, engine, fetcher)
        self.searches = SearchJobs(engine, services.torbox.search)
        """TorBox's search."""

    async def resume(self) -> None:
        """Take up what a stop has interrupted: limits, moves, links, questions. Once, at start."""
        self.apply_limits()
        await self.resume_links()
        for download in tuple(self._ledger.downloads.values()):
            if download.moving_to:
                self._move_later(download.hash)
            if download.phase in BEFORE_READY and not download.has_torrent:
                self._inform_later(download.hash)
