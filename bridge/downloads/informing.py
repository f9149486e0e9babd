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
    """Asks TorBox's cache, then the swarm, when the remote item tells nothing by itself."""

    def __init__(self, services: Services, engine: Engine) -> None:
        super().__init__(services, engine)
        self._informed: set[tuple[str, float]] = set()

    def _inform_later(self, info_hash: str) -> None:
        self._engine.background(self._inform(info_hash), name=f"inform {info_hash}")

    async def _inform(self, info_hash: str) -> None:
        await asyncio.sleep(self._services.pace.metadata)
        download = self._ledger.downloads.get(info_hash)
        if download is None or not self._wants_to_know(info_hash):
            return
        if (info_hash, download.added_at) in self._informed:
            return
        self._informed.add((info_hash, download.added_at))
        try:
            name, files = await self._asked(info_hash)
        except TorBoxError as error:
            log.info("metadata_not_told", hash=info_hash, why=str(error))
            return
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

    async def _asked(self, info_hash: str) -> tuple[str, Sequence[NamedFile]]:
        found = (await self._services.torbox.cached([info_hash], list_files=True)).get(info_hash)
        if found is not None and found.files:
            return found.name, [NamedFile(file.id, file.name, file.size) for file in found.files]
        told = await self._services.torbox.info(info_hash, timeout_seconds=SWARM_SECONDS)
        if told is None:
            return "", ()
        files = [NamedFile(index, *file) for index, file in enumerate(told.files)]
        return told.name, files


def _named(download: Download, name: str, size: int) -> Download:
    """Fill in what is not known: a name that the user gave stays."""
    unnamed = download.name == download.hash and name
    return replace(download, name=name if unnamed else download.name, size=download.size or size)
