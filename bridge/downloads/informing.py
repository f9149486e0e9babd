"""Name, size and files of a magnet that TorBox still looks for: asked for once, not by polls."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from bridge.core.files import NamedFile
from bridge.core.model import BEFORE_READY, Download
from bridge.downloads.reads import Reads
from bridge.engine.engine import Engine
from bridge.engine.services import Services
from bridge.torbox import TorBoxError

log = structlog.get_logger()

SWARM_SECONDS = 30.0
"""How long TorBox may look for the metadata in the swarm."""


class Informing(Reads):
    """Asks TorBox's cache, then the swarm, when the remote item tells nothing by itself.

    All that wait are asked about in one call of the cache; the swarm is asked one by one. So a
    bridge that starts with hundreds of magnets makes no storm of calls.
    """

    def __init__(self, services: Services, engine: Engine) -> None:
        super().__init__(services, engine)
        self._curious: set[str] = set()
        self._informing = False

    def _inform_later(self, info_hash: str) -> None:
        self._curious.add(info_hash)
        if not self._informing:
            self._informing = True
            self._engine.background(self._inform_all(), name="inform")

    async def _inform_all(self) -> None:
        try:
            while self._curious:
                await asyncio.sleep(self._services.pace.metadata)
                wanted = [known for known in self._curious if self._wants_to_know(known)]
                self._curious.clear()
                await self._inform(wanted)
        finally:
            self._informing = False

    async def _inform(self, hashes: Sequence[str]) -> None:
        for info_hash in await self._without_cached(hashes):
            if self._wants_to_know(info_hash):
                await self._ask_swarm(info_hash)
                await asyncio.sleep(self._services.pace.metadata)

    async def _without_cached(self, hashes: Sequence[str]) -> Sequence[str]:
        """Ask the cache about all of them; answer those that it knows nothing of."""
        if not hashes:
            return ()
        try:
            found = await self._services.torbox.cached(hashes, list_files=True)
        except TorBoxError as error:
            log.info("metadata_not_told", why=str(error))
            return ()
        for info_hash, item in found.items():
            files = [NamedFile(file.id, file.name, file.size) for file in item.files]
            await self._learn(info_hash, item.name, files)
        return [info_hash for info_hash in hashes if not found.get(info_hash)]

    async def _ask_swarm(self, info_hash: str) -> None:
        try:
            told = await self._services.torbox.info(info_hash, timeout_seconds=SWARM_SECONDS)
        except TorBoxError as error:
            log.info("metadata_not_told", hash=info_hash, why=str(error))
            return
        if told is not None:
            files = [NamedFile(index, *file) for index, file in enumerate(told.files)]
            await self._learn(info_hash, told.name, files)

    async def _learn(self, info_hash: str, name: str, files: Sequence[NamedFile]) -> None:
        if files and self._wants_to_know(info_hash):
            size = sum(file.size for file in files)
            await self._ledger.change(info_hash, lambda latest: _named(latest, name, size))
            self._ledger.learn(info_hash, files)

    def _wants_to_know(self, info_hash: str) -> bool:
        download = self._ledger.downloads.get(info_hash)
        if download is None or download.stopped or download.phase not in BEFORE_READY:
            return False
        if self._engine.troubles:
            return False
        return not self.files(info_hash)


def _named(download: Download, name: str, size: int) -> Download:
    """Fill in what is not known: a name that the user gave stays."""
    unnamed = download.name == download.hash and name
    return replace(download, name=name if unnamed else download.name, size=download.size or size)
