"""Looks up name, size and files of magnets whose metadata TorBox does not have yet.

TorBox's cache is asked about all magnets in one call, then the swarm one by one, so that a start
with hundreds of magnets causes no burst of calls.
"""

import asyncio
from collections.abc import Sequence

import structlog
from msgspec.structs import replace

from bridge.core.files import NamedFile
from bridge.core.model import BEFORE_READY, Download, Job
from bridge.engine.blockers import Blockers
from bridge.engine.context import EngineContext
from bridge.torbox import TorBoxError

log = structlog.get_logger(__name__)

SWARM_SECONDS = 30.0
"""Maximum seconds for TorBox to look for the metadata in the swarm."""


class MetadataLookups:
    """Performs metadata lookups. A lookup is optional: each job gets one attempt."""

    def __init__(self, ctx: EngineContext, blockers: Blockers) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._blockers = blockers

    async def run(self, jobs: Sequence[Job]) -> None:
        """Look up the magnets that these jobs are about, and end the jobs."""
        wanted = [job.subject for job in jobs if self._is_needed(job.subject)]
        try:
            for info_hash in await self._not_cached(wanted):
                if self._is_needed(info_hash):
                    await self._ask_swarm(info_hash)
                    await asyncio.sleep(self._ctx.retry.metadata)
        finally:
            async with self._state.unit_of_work() as work:
                for job in jobs:
                    work.delete_job(job.id)

    async def _not_cached(self, hashes: Sequence[str]) -> Sequence[str]:
        """Ask the cache about all magnets; return those that it does not know."""
        if not hashes:
            return ()
        try:
            found = await self._ctx.torbox.cached(hashes, list_files=True)
        except TorBoxError as error:
            log.info("metadata_unknown", why=str(error))
            return ()
        for info_hash, item in found.items():
            files = [NamedFile(file.id, file.name, file.size) for file in item.files]
            await self._learn(info_hash, item.name, files)
        return [info_hash for info_hash in hashes if not found.get(info_hash)]

    async def _ask_swarm(self, info_hash: str) -> None:
        try:
            told = await self._ctx.torbox.info(info_hash, timeout_seconds=SWARM_SECONDS)
        except TorBoxError as error:
            log.info("metadata_unknown", hash=info_hash, why=str(error))
            return
        if told is not None:
            files = [NamedFile(index, *file) for index, file in enumerate(told.files)]
            await self._learn(info_hash, told.name, files)

    async def _learn(self, info_hash: str, name: str, files: Sequence[NamedFile]) -> None:
        download = self._state.by_hash(info_hash)
        if files and download is not None and self._is_needed(info_hash):
            size = sum(file.size for file in files)
            await self._state.update_download(
                download.id, lambda latest: _with_metadata(latest, name, size)
            )
            self._state.set_expected_files(download.id, files)

    def _is_needed(self, info_hash: str) -> bool:
        download = self._state.by_hash(info_hash)
        if download is None or download.phase not in BEFORE_READY or self._blockers.texts:
            return False
        if all(grab.stopped for grab in self._state.grabs_of(download.id)):
            return False
        item = self._state.snapshot.items.get(download.torrent_id or 0)
        return not (item and item.files) and download.id not in self._state.expected_files


def _with_metadata(download: Download, name: str, size: int) -> Download:
    """Return the download with the fields that were still unknown."""
    unnamed = download.name == download.hash and name
    return replace(download, name=name if unnamed else download.name, size=download.size or size)
