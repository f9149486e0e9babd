"""What is on disk of downloads that nobody here knows: looked for once, at the start.

A database that was lost or put back from a copy leaves half-fetched files behind, a crash between
two steps a hidden folder. What a delivery has surely made goes; the rest is told, and left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from bridge.core.modes import FETCHING
from bridge.delivery import DeliveryError
from bridge.delivery.blocking import in_thread
from bridge.delivery.disk.leftovers import Leftover, leftovers
from bridge.delivery.disk.staging import discard
from bridge.engine.services import Services

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Orphan:
    """Something that nobody here knows and that was left alone."""

    path: str
    why: str


class Orphans:
    """Finds them, and remembers what was left alone."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.left: Sequence[Orphan] = ()

    async def look(self, save_paths: Sequence[Path]) -> None:
        """Remove what is surely ours and nobody's any more, and note the rest."""
        incomplete = self._services.settings.paths.incomplete_directory
        found = await in_thread(partial(leftovers, incomplete, save_paths))
        left = [orphan for one in found if (orphan := await self._settle(one)) is not None]
        self.left = tuple(left)

    async def _settle(self, leftover: Leftover) -> Orphan | None:
        if self._known(leftover.info_hash):
            return None
        path = str(leftover.path)
        if not leftover.ours:
            log.warning("orphan_left", path=path)
            return Orphan(path, "no download here, and not surely the bridge's: left alone")
        try:
            await self._discard(leftover)
        except DeliveryError as error:
            log.warning("orphan_left", path=path, why=str(error))
            return Orphan(path, f"no download here has it any more; it cannot be removed: {error}")
        log.warning("orphan_removed", path=path)
        return None

    def _known(self, info_hash: str) -> bool:
        ledger = self._services.ledger
        removed = any(removal.hash == info_hash for removal in ledger.removals.values())
        return removed or info_hash in ledger.downloads

    async def _discard(self, leftover: Leftover) -> None:
        """Remove it; where another program fetches, that one forgets it, too."""
        settings = self._services.settings
        mode = settings.delivery.mode
        if mode in FETCHING and leftover.path.parent == settings.paths.incomplete_directory:
            await self._services.deliveries.of(mode).discard(leftover.staging_name)
        else:
            await in_thread(discard, leftover.path)
