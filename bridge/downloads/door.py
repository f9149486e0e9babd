"""The door, put together from its parts."""

from bridge.core.model import BEFORE_READY
from bridge.downloads.fetching import LinkFetcher
from bridge.downloads.limits import Limits
from bridge.downloads.links import Links
from bridge.downloads.search import SearchJobs
from bridge.downloads.tidying import Tidying
from bridge.engine.engine import Engine
from bridge.engine.services import Services


class Downloads(Links, Limits, Tidying):
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
        """Take up what a stop has interrupted: limits, moves, links, questions. Once, at start.

        What is left on disk of downloads that nobody knows is looked for in the background.
        """
        paths = [self.default_save_path, *self.category_paths()]
        self._engine.background(self._engine.orphans.look(paths), name="orphans")
        self.apply_limits()
        await self.resume_links()
        for download in tuple(self._ledger.downloads.values()):
            if download.moving_to:
                self._move_later(download.hash)
            if download.phase in BEFORE_READY and not download.has_torrent:
                self._inform_later(download.hash)
