"""Finds unfinished files on disk that belong to no grab, once after the start.

A database that was lost or restored leaves half-fetched files behind, and a crash between two steps
may leave a hidden folder. Certain leftovers of a delivery are deleted. Everything else is reported
and kept.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
import structlog

from bridge.core.model import Removal
from bridge.core.modes import FETCHING
from bridge.delivery import DeliveryError
from bridge.delivery.blocking import in_thread
from bridge.delivery.disk.leftovers import Leftover, leftovers
from bridge.delivery.disk.staging import discard
from bridge.engine.context import EngineContext

log = structlog.get_logger(__name__)


class LeftAlone(msgspec.Struct, frozen=True):
    """A path that belongs to no grab and was kept."""

    path: str
    why: str


class LeftoverSearch:
    """Deletes leftovers of deliveries, and remembers what it kept."""

    def __init__(self, ctx: EngineContext) -> None:
        self._ctx = ctx
        self.left: Sequence[LeftAlone] = ()

    async def look(self, save_paths: Sequence[Path]) -> None:
        """Search `paths.incomplete` and these save paths."""
        incomplete = self._ctx.settings.paths.incomplete_directory
        found = await in_thread(partial(leftovers, incomplete, save_paths))
        left = [one for leftover in found if (one := await self._settle(leftover)) is not None]
        self.left = tuple(left)

    async def _settle(self, leftover: Leftover) -> LeftAlone | None:
        if self._is_known(leftover):
            return None
        path = str(leftover.path)
        if not leftover.ours:
            log.warning("leftover_kept", path=path)
            return LeftAlone(path, "no download here, and not surely the bridge's: left alone")
        try:
            await self._discard(leftover)
        except DeliveryError as error:
            log.warning("leftover_kept", path=path, why=str(error))
            return LeftAlone(
                path, f"no download here has it any more; it cannot be deleted: {error}"
            )
        log.warning("leftover_deleted", path=path)
        return None

    def _is_known(self, leftover: Leftover) -> bool:
        """Return whether a grab, or the removal of one, has this staging name."""
        state, info_hash = self._ctx.state, leftover.info_hash
        download = state.by_hash(info_hash)
        grabs = state.grabs_of(download.id) if download is not None else ()
        names = {grab.staging_name or info_hash for grab in grabs}
        for job in state.jobs_about(info_hash, Removal):
            if isinstance(job.task, Removal):
                names.add(job.task.staging_name or info_hash)
        return leftover.staging_name in names

    async def _discard(self, leftover: Leftover) -> None:
        """Delete a leftover, also in the program that fetches it (aria2)."""
        settings = self._ctx.settings
        mode = settings.delivery.mode
        if mode in FETCHING and leftover.path.parent == settings.paths.incomplete_directory:
            await self._ctx.deliveries.of(mode).discard(leftover.staging_name)
        else:
            await in_thread(discard, leftover.path)
